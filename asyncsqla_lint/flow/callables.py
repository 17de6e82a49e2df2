"""Callables: functions, classes, modules and what is outside, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Iteration, TupleValue, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Module

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class ModuleValue(Value, frozen=True):
    module: Module

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        assigned = flow.scopes.assigned(state, self.module, name)
        return flow.scopes.attribute(self.module, name) if assigned is None else assigned

    def set_attribute(self, flow: Flow, state: State, name: str, value: Value, at: Span) -> None:
        """`database.engine = …`: from here on it is so for the functions of the module, too."""
        super().set_attribute(flow, state, name, value, at)
        state.assign(flow.scopes.module_frame(self.module).id, name, value)


class ExternalValue(Value, frozen=True):
    """Something outside of the project, by its canonical dotted name."""

    name: str

    def truth(self, state: State) -> bool | None:
        return None

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        # A package without a file of its own, or with an empty one, is the project's all the same.
        module = flow.index.module(f"{self.name}.{name}", flow.frame.module)
        if module is not None:
            return ModuleValue(module)
        return flow.meanings.attribute(flow, state, self, name, at)

    def has_attribute(self, flow: Flow, state: State, name: str, at: Span) -> bool | None:
        return flow.meanings.has_attribute(flow, self, name)

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.call_external(state, self, arguments, at)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        return self  # `AsyncGenerator[X, None]`, `async_sessionmaker[AsyncSession]`


class ClassValue(Value, frozen=True):
    info: ClassInfo
    arguments: tuple[Value, ...] = ()

    def is_callable(self) -> bool | None:
        return True

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return flow.class_attribute(state, self, name, at)

    def set_attribute(self, flow: Flow, state: State, name: str, value: Value, at: Span) -> None:
        super().set_attribute(flow, state, name, value, at)
        flow.meanings.class_changed(flow, state, self, name, value)

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.instantiate(state, self, arguments, at)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        keys = key.elements if isinstance(key, TupleValue) else (key,)
        return ClassValue(self.info, keys)

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return Iteration(element=UNKNOWN)


class FunctionValue(Value, frozen=True):
    """A function of the project with what it closes over; `receiver` when bound to an object."""

    info: FunctionInfo
    closure: tuple[int, ...] = ()
    receiver: Value | None = None

    def is_callable(self) -> bool | None:
        return True

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "__wrapped__":
            return self
        return UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.call_function(state, self, arguments, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        """What a module holds is in its own hands: a function of the top level leads to what it gives."""
        found = () if self.receiver is None else (self.receiver,)
        if not self.closure:
            return found
        names = self.info.gives if self.info.parent is None else self.info.header.mentions
        captured = tuple(
            value
            for frame in self.closure
            for name, value in (state.variables(frame) or {}).items()
            if name in names
        )
        return found + captured


class Decorated(Value, frozen=True):
    """A callable whose calls build something (`@asynccontextmanager`, `@lru_cache`): see `flow.calls`."""

    kind: str
    function: Value

    def is_callable(self) -> bool | None:
        return True

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return self.function if name == "__wrapped__" else UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.call_decorated(state, self, arguments, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.function,)


class Partial(Value, frozen=True):
    function: Value
    arguments: Arguments
    site: object = None  # the Site where it was made

    def is_callable(self) -> bool | None:
        return True

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        bound = self.arguments
        joined = Arguments(
            bound.positional + arguments.positional,
            {**bound.keywords, **arguments.keywords},
            arguments.more if arguments.more is not None else bound.more,
            arguments.more_keywords if arguments.more_keywords is not None else bound.more_keywords,
        )
        before, flow.bound_at = flow.bound_at, self.site
        try:
            return self.function.call(flow, state, joined, at)
        finally:
            flow.bound_at = before

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.function, *self.arguments.all())


class PartialMethod(Value, frozen=True):
    """`save_now = partialmethod(save, commit=True)` in a class body."""

    made: Partial

    def bound(self, function: Value) -> Value:
        return Partial(function, self.made.arguments, self.made.site)


class SuperValue(Value, frozen=True):
    """`super()` inside a method of `owner`, for `receiver`."""

    owner: ClassInfo
    receiver: Value

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return flow.super_attribute(state, self, name, at)
