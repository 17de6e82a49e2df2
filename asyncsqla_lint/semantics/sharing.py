"""Sharing: sessions that are kept where every task of the process finds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Method, Reference, Value
from asyncsqla_lint.program import Span, end_of, start_of
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.names import ClassBinding, Module
from asyncsqla_lint.semantics import application_state, disposals, ledger, ownership, scripts, testing
from asyncsqla_lint.semantics.events import SessionStored
from asyncsqla_lint.semantics.sessions import SessionRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

APPLICATIONS = (
    "fastapi.FastAPI",
    "fastapi.applications.FastAPI",
    "starlette.applications.Starlette",
    "litestar.Litestar",
    "litestar.app.Litestar",
    "litestar.config.app.AppConfig",
)
STATES = (
    "litestar.datastructures.State",
    "litestar.datastructures.state.State",
    "starlette.datastructures.State",
    "taskiq.TaskiqState",
    "taskiq.state.TaskiqState",
)
HOLDERS = ("taskiq.Context", "taskiq.context.Context")  # what has such a state, beside applications


class Application(Value, frozen=True):
    """An ASGI application: one for all requests, as is its `state`."""

    is_leaf: ClassVar[bool] = True
    state_name: str = "state"

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name != self.state_name:
            return Method(self, name) if name in _STARTING else UNKNOWN
        flow.touch()  # what one function keeps there, others find
        return APPLICATION_STATE

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        """Sanic's `app.add_task(work(session))`."""
        return started(flow, state, arguments.first, at)


class ApplicationState(Value, frozen=True):
    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return application_state.kept(flow, name)

    def set_attribute(self, flow: Flow, state: State, name: str, value: Value, at: Span) -> None:
        ownership.kept_by_all(flow, state, value)
        application_state.noticed(flow, state, name, value)
        super().set_attribute(flow, state, name, value, at)
        stored(flow, state, (value,), f"the application's state (`{name}`)")

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        name = _name(key)
        return UNKNOWN if name is None else self.attribute(flow, state, name, at)

    def set_item(self, flow: Flow, state: State, key: Value, value: Value, at: Span) -> None:
        name = _name(key)
        if name is None:
            super().set_item(flow, state, key, value, at)
        else:
            self.set_attribute(flow, state, name, value, at)


class PlainApplication(ApplicationState, frozen=True):
    """Quart's, on which everything is kept as on any other object."""

    is_leaf: ClassVar[bool] = True

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in _STARTING:
            return Method(self, name)
        if name == _CONFIGURATION:
            return application_state.APPLICATION
        flow.touch()  # what one function keeps there, others find
        return application_state.kept(flow, f".{name}")

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        """`app.add_background_task(work, session)`."""
        given = Arguments(
            arguments.positional[1:], arguments.keywords, arguments.more, arguments.more_keywords
        )
        return started(flow, state, arguments.first.call(flow, state, given, at), at)

    def set_attribute(self, flow: Flow, state: State, name: str, value: Value, at: Span) -> None:
        super().set_attribute(flow, state, name, value, at)
        application_state.noticed(flow, state, f".{name}", value)


APPLICATION_STATE = ApplicationState()
_STARTING = ("add_task", "add_background_task")
_CONFIGURATION = "config"  # a mapping, one for all that the application serves


def _name(key: Value) -> str | None:
    return key.value if isinstance(key, Constant) and isinstance(key.value, str) else None


def started(flow: Flow, state: State, coroutine: Value, at: Span) -> Value:
    create = flow.meanings.call("asyncio.create_task")
    return UNKNOWN if create is None else create(flow, state, Arguments((coroutine,)), at)


def register(meanings: Meanings) -> None:
    meanings.when_ended.append(function_ended)
    meanings.when_module_ended.append(module_ended)
    meanings.when_class_changed.append(class_changed)
    for name in APPLICATIONS:
        meanings.calls[name] = _application
        meanings.instances[name] = lambda flow, state, arguments, at: Application()
    for name in HOLDERS:
        meanings.instances[name] = lambda flow, state, arguments, at: Application()
    for name in STATES:
        meanings.instances[name] = lambda flow, state, arguments, at: APPLICATION_STATE
        meanings.calls[name] = _state


def _application(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Application()


def _state(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`State({"sessions": …})`, which the application is made with."""
    given = arguments.get(0, "state")
    record = state.record(given.oid) if isinstance(given, Reference) else None
    for name, value in record.entries.items() if isinstance(record, DictRecord) else ():
        if isinstance(name, str):
            APPLICATION_STATE.set_attribute(flow, state, name, value, at)
    return APPLICATION_STATE


def stored(flow: Flow, state: State, values: Iterable[Value], where: str) -> None:
    """From here on all can find these values; the sessions among them were made by whoever put them there."""
    if not flow.listens(SessionStored) or not disposals.has_coroutines(flow):
        return
    found = _held(state, tuple(values))
    for oid in sorted(found - _in_queues(state, found)):
        record = state.record(oid)
        if not isinstance(record, SessionRecord) or not record.is_one_for_all:
            continue
        if record.how in ("parameter", "scoped"):
            continue  # whose it is cannot be told
        if not testing.in_test(flow.frame) and not _is_of_script(record.site):
            flow.emit(SessionStored(record.site, flow.frame, flow.is_certain, Reference(oid), record, where))


def _held(state: State, values: tuple[Value, ...]) -> set[int]:
    """What they lead to, but by what an object only may hold: a method that was not run was lent it."""
    found = state.reachable(values)
    records = [(oid, state.record(oid)) for oid in found]
    lent = [(oid, one) for oid, one in records if isinstance(one, ObjectRecord) and one.held]
    if not lent or not any(isinstance(one, SessionRecord) for _, one in records):
        return found
    own = state.copy()
    for oid, one in lent:
        own.put(Reference(oid), replace(one, held=()))
    return own.reachable(values)


def _in_queues(state: State, found: Set[int]) -> Set[int]:
    """What a queue holds goes to one of those who wait for it, and to nobody else."""
    records = (state.record(oid) for oid in found)
    queues = [one for one in records if isinstance(one, ListRecord) and one.kind == "queue"]
    return state.reachable([value for queue in queues for value in queue.refers_to()]) if queues else set()


def class_changed(flow: Flow, state: State, cls: ClassValue, name: str, value: Value) -> None:
    where = f"the class attribute `{cls.info.name}.{name}`"
    stored(flow, state, (value,), where)
    if isinstance(value, Reference):
        # Others find it there too: `cls._instance.session = factory()`.
        found = flow.class_attribute(state, cls, name, cls.info.definition.span)
        _kept_by_classes(flow).setdefault(flow.frame.id, []).append(((value, found), where))


class KeptByClasses(dict[int, list[tuple[tuple[Value, ...], str]]]):
    """What running functions have put there: `cls._instance = self`, which is filled behind that."""


def _kept_by_classes(flow: Flow) -> KeptByClasses:
    found = flow.memory.setdefault(KeptByClasses, KeptByClasses())
    assert isinstance(found, KeptByClasses)
    return found


def function_ended(
    flow: Flow, frame: Frame, done: list[Option], raised: list[State], risky: Sequence[State] = ()
) -> None:
    put = _kept_by_classes(flow).pop(frame.id, ())
    if frame.function is None or not any(map(frame.has_made, ledger.book(flow).opened)):
        return
    for state, _ in done:
        for kept, where in put:
            stored(flow, state, kept, where)
    modules = flow.scopes.module_frame_ids()
    if testing.is_test_module(frame.module):  # what a test puts into another module is there for that test
        modules = {flow.scopes.module_frame(frame.module).id}
    for state, value in done:
        for number in modules & state.frames.keys():
            stored(flow, state, state.frames[number].values(), "a global variable")
        for cls, name in flow.scopes.class_tables():
            _put_into(flow, state, cls, name)
        if ownership.is_cached(frame.function):
            stored(flow, state, (value,), f"the cache of `{frame.function.name}`")


def _put_into(flow: Flow, state: State, cls: ClassInfo, name: str) -> None:
    """`cls._made[cls] = made`, in a dict of the class body. Under keys that are told at run time (a task, a
    request's number) each may find its own."""
    table = flow.class_attribute(state, ClassValue(cls), name, cls.definition.span)
    record = state.record(table.oid) if isinstance(table, Reference) else None
    if (
        isinstance(table, Reference)
        and isinstance(record, DictRecord)
        and record is not flow.base.get(table.oid)
    ):
        of_classes = [value for key, value in record.by_key.items() if isinstance(key, ClassInfo)]
        values = (*record.entries.values(), *of_classes)
        stored(flow, state, values, f"the class attribute `{cls.name}.{name}`")


def module_ended(flow: Flow, frame: Frame, states: list[State]) -> None:
    for state in states:
        variables = state.variables(frame.id) or {}
        for name, value in variables.items():
            if isinstance(value, Reference) and not _is_of_one_coroutine(flow, frame.module, name):
                stored(flow, state, (value,), f"the global variable `{name}`")
        for bindings in frame.module.names.bindings.values():
            for binding in bindings:
                if isinstance(binding, ClassBinding):
                    _class_body(flow, state, flow.index.class_at(frame.module, binding.definition))


def _class_body(flow: Flow, state: State, cls: ClassInfo) -> None:
    if flow.index.model(cls) is not None:
        return
    for name, member in cls.members.items():
        if isinstance(member.value, p.Call) and member.owner is cls:
            value = flow.class_attribute(state, ClassValue(cls), name, member.span)
            stored(flow, state, (value,), f"the class attribute `{cls.name}.{name}`")


def _is_of_one_coroutine(flow: Flow, module: Module, name: str) -> bool:
    """A script whose last line runs a coroutine, the only one that uses the variable."""
    module.consult()
    users = [one for one in module.program.functions if one.is_async and name in one.mentions]
    return len(users) < 2 and scripts.is_script(flow, module)


def _is_of_script(site: Site) -> bool:
    """`if __name__ == "__main__":` makes one run of it, not a service."""
    return any(
        scripts.is_guard(statement)
        and start_of(statement.span) <= start_of(site.span)
        and end_of(site.span) <= end_of(statement.span)
        for statement in site.module.program.statements
    )
