"""Records of coroutines and of generators that are context managers: calls that have yet to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Iteration, Method, Reference, Value, union
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame, Site
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class ContextManagerRecord(Record, frozen=True):
    """A call of a function under `@contextmanager` or `@asynccontextmanager`: runs where it is entered."""

    function: FunctionValue
    arguments: Arguments
    site: Site

    def joined(self, other: Record) -> Record:
        same = isinstance(other, ContextManagerRecord) and other.function == self.function
        return self if same else FORGOTTEN

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        """Entered by hand (`stack.enter_async_context(manager)`): runs to its yield, its end is not seen."""
        from asyncsqla_lint.flow.calls import run_function

        yielded: list[Value] = []
        run_function(
            flow, state, self.function, self.arguments, self.site.span, yielded=yielded, until_yield=True
        )
        return union(tuple(yielded)) if yielded else UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return (self.function, *self.arguments.all())


class CoroutineRecord(Record, frozen=True):
    """A call that waits to be awaited."""

    function: Value
    arguments: Arguments
    site: Site
    is_awaited: bool = False
    handed: Site | None = None  # where the function that made it was called
    kind: str = "coroutine"  # or "generator": an async generator, which is iterated
    is_many: bool = False  # it stands for one of many, made alike
    is_dropped: bool = False  # an expression statement left it to nobody
    is_perhaps: bool = False  # what it was asked of may be of the other kind, which gives its result at once

    def over(self) -> Record:
        return self if self.is_awaited else replace(self, is_awaited=True)

    def joined(self, other: Record) -> Record:
        if not isinstance(other, CoroutineRecord):
            return FORGOTTEN
        if other.function == self.function and other.arguments == self.arguments:
            return self if self.is_awaited else other
        return FORGOTTEN

    def left_out(self, flow: Flow, state: State, me: Reference) -> None:
        super().left_out(flow, state, me)
        if state.record(me.oid) is self:  # it may well have awaited it (`ASQ401/good_left_out`)
            state.put(me, replace(self, is_perhaps=True))

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        state.put(me, replace(self, is_awaited=True))
        made_here = (
            self.site.module is flow.frame.module
        )  # a place in another file means nothing in this frame
        span = self.site.span if made_here else at
        if isinstance(self.function, FunctionValue):
            from asyncsqla_lint.flow.calls import run_function

            return run_function(flow, state, self.function, self.arguments, span)
        if isinstance(self.function, Method):
            method = self.function
            return method.receiver.await_method(flow, state, method.name, self.arguments, span)
        return UNKNOWN

    def only_adds(self, state: State) -> bool:
        return isinstance(self.function, Method) and self.function.receiver.only_adds(state)

    def repeated(self, flow: Flow, state: State, me: Reference, since: int) -> None:
        state.put(me, replace(self, is_many=True))

    def drawn(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        """`await anext(…)` runs it to its first yield, where it waits: what it holds there stays open."""
        if self.kind != "generator" or not isinstance(self.function, FunctionValue):
            return self.iterate(flow, state, me, at, is_async)
        if self.is_awaited:  # it goes on from there
            return Iteration(element=UNKNOWN)
        from asyncsqla_lint.flow.calls import run_function

        state.put(me, replace(self, is_awaited=True))
        yielded: list[Value] = []
        run_function(
            flow, state, self.function, self.arguments, self.site.span, yielded=yielded, until_yield=True
        )
        state.let_out(yielded)  # the generator holds it, and closes it when it goes on
        return Iteration(element=union(tuple(yielded)) if yielded else None)

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        if self.kind != "generator" or not isinstance(self.function, FunctionValue):
            if isinstance(self.function, FunctionValue):
                flow.meanings.coroutine_read(flow, state, me, "", at)
            return Iteration(element=UNKNOWN)
        from asyncsqla_lint.flow.calls import run_function
        from asyncsqla_lint.flow.containers import ListRecord

        yielded: list[Value] = []
        inner = flow.allocate(state, ListRecord((), None))
        run_function(flow, state, self.function, self.arguments, self.site.span, yielded=yielded, into=inner)
        record = state.record(inner.oid)
        if isinstance(record, ListRecord) and record.items:
            return Iteration(record.items, may_be_empty=False)  # each path gives as many
        return Iteration(element=union(tuple(yielded)) if yielded else None)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        flow.meanings.coroutine_read(flow, state, me, name, at)
        return Method(me, name)

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        flow.meanings.coroutine_read(flow, state, me, "", at)
        return UNKNOWN

    def compared(
        self, flow: Flow, state: State, me: Reference, operator: str, other: Value, at: Span
    ) -> Value | None:
        """`assert count == 3`: taken for its result. Who is handed it, or awaits it, may ask for None."""
        if operator not in ("is", "is not") or self._is_left_to(flow.frame):
            flow.meanings.coroutine_read(flow, state, me, "", at)
        return None

    def _is_left_to(self, frame: Frame) -> bool:
        """Made by the function that asks, which awaits nothing that has a name."""
        if frame.function is None or self.site.module is not frame.module:
            return False
        body = frame.function.body
        return p.holds(body, self.site.span) and all(
            isinstance(one.value, p.Call) for one in walk(body) if isinstance(one, p.Await)
        )

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "__await__":
            return Driven(me)
        if name in ("__anext__", "__next__", "asend", "send"):
            given = self.iterate(flow, state, me, at, False)
            return (given.element if given.items is None else union(given.items)) or UNKNOWN
        return UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return (self.function, *self.arguments.all())


class Driven(Value, frozen=True):
    """`coroutine.__await__()`, as an `__await__` gives it or goes through it with `yield from`."""

    coroutine: Reference

    def truth(self, state: State) -> bool | None:
        return True

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return state.record(self.coroutine.oid).awaited(flow, state, self.coroutine, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.coroutine,)


class Ready(Value, frozen=True):
    """An awaitable whose result is at hand."""

    value: Value

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return self.value

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.value,)
