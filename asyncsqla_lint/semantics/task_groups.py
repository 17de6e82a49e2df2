"""Groups of tasks: what they start runs side by side, until the group is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Method, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.tasks import finish, positioned, start, tasks_of

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

GROUPS = (
    "asyncio.TaskGroup",
    "anyio.create_task_group",
    "anyio.abc.TaskGroup",
    "trio.open_nursery",
    "trio.Nursery",
    "asyncer.create_task_group",
    "asyncer.TaskGroup",
    "aiotools.TaskGroup",
    "quattro.TaskGroup",
    "taskgroup.TaskGroup",
)
_WITHIN = "task group"  # where an object of a subclass keeps the group that it is


class GroupRecord(Record, frozen=True):
    """`asyncio.TaskGroup()`, `anyio.create_task_group()`, `trio.open_nursery()`."""

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        arguments = positioned(arguments)
        if not arguments.positional:
            return UNKNOWN
        first, *rest = arguments.positional
        if name == "create_task":
            return start(flow, state, first, flow.site(at), me)
        given = replace(arguments, positional=tuple(rest), keywords={})
        if name == "start_soon":
            start(flow, state, first.call(flow, state, given, at), flow.site(at), me)
            return NONE
        if name == "start":
            return Starting(me, first, given)
        if name == "soonify":
            return Soonified(me, first)
        return UNKNOWN

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        return me

    def leave(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool) -> bool:
        for task, record in tasks_of(state):
            if record.group == me:
                finish(state, task)
        return False


class Starting(Value, frozen=True):
    """`group.start(function, …)`: once awaited, the child has begun and goes on by itself."""

    group: Reference
    function: Value
    arguments: Arguments

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        start(flow, state, self.function.call(flow, state, self.arguments, at), flow.site(at), self.group)
        return UNKNOWN


class Soonified(Value, frozen=True):
    """asyncer's `group.soonify(function)`: its calls are started at once."""

    group: Reference
    function: Value

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return start(flow, state, self.function.call(flow, state, arguments, at), flow.site(at), self.group)


class Entering(Value, frozen=True):
    """The `__aenter__` that a subclass has from its base: it gives the object itself."""

    group: Reference

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return self

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return self.group


class Leaving(Value, frozen=True):
    """The `__aexit__` that a subclass has from its base."""

    group: Reference

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return self

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        self.group.leave(flow, state, at, True, False)
        return NONE


def register(meanings: Meanings) -> None:
    for name in GROUPS:
        meanings.calls[name] = lambda flow, state, arguments, at: flow.allocate(state, GroupRecord())
        meanings.instances[name] = lambda flow, state, arguments, at: flow.allocate(state, GroupRecord())
    meanings.when_inherited.append(_inherited)


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    """What a subclass has from the group that it extends."""
    record = state.record(me.oid) if isinstance(me, Reference) else None
    if not isinstance(record, ObjectRecord) or not isinstance(me, Reference):
        return None
    if not any(cls.info.is_subclass_of(group) for group in GROUPS):
        return None
    group = record.attributes.get(_WITHIN)
    if group is None:
        group = flow.allocate(state, GroupRecord())
        state.put(me, replace(record, attributes={**record.attributes, _WITHIN: group}))
    if name == "__aenter__":
        return Entering(me)
    if name == "__aexit__" and isinstance(group, Reference):
        return Leaving(group)
    return group.attribute(flow, state, name, at)
