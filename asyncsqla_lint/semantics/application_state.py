"""`app.state`, `app["sessions"]`: what start-up or a factory of the application keeps, all requests find."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.frames import PathEnds
from asyncsqla_lint.flow.joining import join_states
from asyncsqla_lint.flow.roots import run_given
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Method, Reference, Value, union
from asyncsqla_lint.program import Span, start_of
from asyncsqla_lint.project.applications import (
    ANY_KEY,
    STATES,
    Keeping,
    may_be_given_a_mapping,
    name_on_state,
    names_lent,
)
from asyncsqla_lint.project.names import External, Module, Scoped
from asyncsqla_lint.project.walking import calls, statements
from asyncsqla_lint.semantics.lifespans import is_lifespan

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.functions import FunctionInfo
    from asyncsqla_lint.project.index import Index


class KeyedApplication(Value, frozen=True):
    """An application that is a mapping (aiohttp's, aiogram's dispatcher and bot), one for all it serves."""

    is_leaf: ClassVar[bool] = True

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        flow.touch()  # what one function keeps there, others find
        name = key_name(key)
        found = UNKNOWN if name is None else kept(flow, name)
        return key.promised(flow, state, at) if found is UNKNOWN and isinstance(key, AppKey) else found

    def set_item(self, flow: Flow, state: State, key: Value, value: Value, at: Span) -> None:
        from asyncsqla_lint.semantics import sharing

        name = key_name(key)
        if name is not None:
            noticed(flow, state, name, value)
        flow.meanings.kept_elsewhere(flow, state, value)
        super().set_item(flow, state, key, value, at)
        sharing.stored(flow, state, (value,), "the application's state")

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        first = arguments.get(0, "key")
        if name == "get" and first is not None:
            return self.item(flow, state, first, at)
        if name == "update":
            self.take(flow, state, arguments, at)
        return UNKNOWN

    def take(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> None:
        """What is given by name is kept under it."""
        for name, value in arguments.keywords.items():
            self.set_item(flow, state, Constant(name), value, at)


APPLICATION = KeyedApplication()
_MAPPINGS = frozenset(
    (
        "builtins.dict",
        "typing.Any",
        "typing.Dict",
        "typing.MutableMapping",
        "collections.abc.MutableMapping",
    )
)


class AppKey(Value, frozen=True):
    """`web.AppKey("sessions", …)`."""

    name: str
    type: Value = UNKNOWN

    def promised(self, flow: Flow, state: State, at: Span) -> Value:
        """What is kept under it, where nobody saw that."""
        return flow.meanings.instance_of(flow, state, self.type, at)


def key_name(key: Value) -> str | None:
    if isinstance(key, AppKey):
        return f"[AppKey {key.name}]"
    return f"[{key.value}]" if isinstance(key, Constant) and isinstance(key.value, str) else None


Find = Callable[["Flow", str], "Iterator[Value]"]
MOST = 4  # so many places that keep something under one name are looked at


class Kept:
    """What is put on the state while somebody asks for one name of it, and how the path was then."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[Value] = []
        self.state: State | None = None

    def put(self, state: State, name: str, value: Value) -> None:
        if name == self.name and value not in (UNKNOWN, NONE) and value not in self.values:
            self.values.append(value)
            self.state = state.copy()


def kept(flow: Flow, name: str) -> Value:
    """What the project keeps under the name: one value for all, as a global is."""
    return _remembered(flow, _given, name)


def lent(flow: Flow, name: str) -> Value:
    """What a lifespan yields under the name."""
    return _remembered(flow, _lent, name)


def handed_over(flow: Flow, name: str) -> Value:
    """What functions of the project give a library under that keyword."""
    return _remembered(flow, _handed_over, name)


def _remembered(flow: Flow, find: Find, name: str) -> Value:
    return flow.remembered((find, name), partial(_all_found, find, name), UNKNOWN)


def _all_found(find: Find, name: str, flow: Flow) -> Value:
    values = [value for value in islice(find(flow, name), MOST) if value not in (UNKNOWN, NONE)]
    return union(tuple(values[:MOST])) if values else UNKNOWN


def noticed(flow: Flow, state: State, name: str, value: Value) -> None:
    watching = flow.notes.get(_WATCHING)
    if isinstance(watching, Kept):
        watching.put(state, name, value)


_WATCHING = "application state watched"


def _given(flow: Flow, name: str) -> Iterator[Value]:
    for module in flow.index.modules.values():
        if module.signs is not None and not _may_keep(module.signs.kept, name):
            continue
        if name.startswith("["):
            yield from _under_key(flow, module, name)
            continue
        for one in module.names.attribute_assignments:
            if _keeps(one.target, one.name, name):
                yield flow.scopes.at_module(module, partial(_evaluated, flow, one.value))
        keeping = Keeping(module.program)
        for info in with_those_inside(flow.index, module):
            is_said = name.lstrip(".") in info.header.mentions or keeping.speaks_of_state(info.header)
            if is_said and any(map(partial(_assigns, keeping, name), statements(info.body))):
                yield from _kept_by(flow, info, name)


def with_those_inside(index: Index, module: Module) -> Iterator[FunctionInfo]:
    """The functions of a module, and those inside of them: hooks that an application factory declares."""
    for info in index.functions_of(module):
        yield info
        if not info.is_async:
            for node in statements(info.body):
                if isinstance(node, p.FunctionDefinition):
                    yield index.function_at(module, node.function, None, info)


def _handed_over(flow: Flow, name: str) -> Iterator[Value]:
    for module in flow.index.modules.values():
        if module.says(name):
            for info in flow.index.functions_of(module):
                if any(word.name == name for call in calls(info.body) for word in call.keywords):
                    flow.index.foundation.add(module)
                    yield from _kept_by(flow, info, name)


def _lent(flow: Flow, name: str) -> Iterator[Value]:
    for module in flow.index.modules.values():
        if module.signs is not None and name not in module.signs.kept:
            continue
        for info in flow.index.functions_of(module):
            if is_lifespan(info) and name in names_lent(info.body):
                watching = Kept(name)
                flow.scopes.at_module(module, partial(_run_to_its_yield, flow, info, watching))
                yield from watching.values


def _run_to_its_yield(flow: Flow, info: FunctionInfo, watching: Kept, state: State, frame: Frame) -> Value:
    yielded: list[Value] = []
    given = Arguments(tuple(UNKNOWN for _ in info.header.parameters))
    at = info.header.name_span
    try:
        run_function(flow, state, FunctionValue(info), given, at, yielded=yielded, until_yield=True)
    except PathEnds:
        return NONE
    for value in yielded:
        record = state.record(value.oid) if isinstance(value, Reference) else None
        if isinstance(record, DictRecord):
            watching.put(state, watching.name, record.entries.get(watching.name, UNKNOWN))
    return NONE


def _may_keep(names: Collection[str], name: str) -> bool:
    return name in names or (name.startswith("[") and ANY_KEY in names)


def _under_key(flow: Flow, module: Module, name: str) -> Iterator[Value]:
    """What the module keeps under a key of an application."""
    keeping = Keeping(module.program)
    for one in module.program.statements:
        if not isinstance(one, (p.FunctionDefinition, p.ClassDefinition)):
            if _may_keep(keeping.under_keys((one,)), name):
                yield from _watched(flow, module, name, partial(_done, flow, one))
    for info in flow.index.functions_of(module):
        is_hook = may_be_given_a_mapping(info.header) and _is_mapping(info, info.header.parameters[0])
        body = tuple(
            one
            for one in statements(info.body)
            if _may_keep(keeping.under_keys((one,), is_hook=is_hook), name)
        )
        if body and not all(_is_of_parameter(info, one) for one in body):
            yield from _kept_by(flow, info, name, _application_given(info))


def _application_given(info: FunctionInfo) -> dict[str, Value]:
    """`app` of `async def database(app):`, a hook at start-up, which says no more of it than that."""
    first = info.header.parameters[info.owner is not None :][:1]
    return {one.name: APPLICATION for one in first if _is_mapping(info, one)}


def _is_mapping(info: FunctionInfo, parameter: p.Parameter) -> bool:
    """Nothing is said of it, or that it is a mapping."""
    if parameter.annotation is None:
        return True
    said = info.index.type(Scoped(parameter.annotation, info.module, info.definition_scope)).symbol
    return isinstance(said, External) and said.name in _MAPPINGS


def _is_of_parameter(info: FunctionInfo, statement: p.Statement) -> bool:
    """`data["session"] = …` in a middleware: a mapping that it was given, and no application."""
    parameters = info.header.parameters[info.owner is not None :]
    others = {one.name for one in parameters[1:]}
    targets = statement.targets if isinstance(statement, p.Assign) else ()
    return bool(targets) and all(
        isinstance(one, p.Subscript) and isinstance(one.value, p.Name) and one.value.id in others
        for one in targets
    )


def _done(flow: Flow, statement: p.Statement, state: State) -> None:
    """The module's statement once more: what it keeps is noticed."""
    if isinstance(statement, p.Assign):
        value = flow.evaluate(state, statement.value)
        for target in statement.targets:
            if isinstance(target, p.Subscript):
                key = flow.evaluate(state, target.index)
                flow.evaluate(state, target.value).set_item(flow, state, key, value, start_of(statement.span))
    elif isinstance(statement, p.Evaluate):
        flow.evaluate(state, statement.value)


def _evaluated(flow: Flow, node: p.Expression, state: State, frame: Frame) -> Value:
    return flow.evaluate(state, node)


def _kept_by(flow: Flow, info: FunctionInfo, name: str, given: dict[str, Value] | None = None) -> list[Value]:
    return _watched(flow, info.module, name, partial(_run, flow, info, given or {}))


def _watched(flow: Flow, module: Module, name: str, act: Callable[[State], None]) -> list[Value]:
    watching = Kept(name)
    outer, flow.notes[_WATCHING] = flow.notes.get(_WATCHING), watching
    try:
        flow.scopes.at_module(module, partial(_watch, act, watching), is_told=False)
    finally:
        flow.notes[_WATCHING] = outer
    return watching.values


def _run(flow: Flow, info: FunctionInfo, given: dict[str, Value], state: State) -> None:
    closure = None if info.parent is None else come_to_its_end(flow, state, info.parent)
    run_given(flow, state, info, given, closure=closure)


def come_to_its_end(flow: Flow, state: State, info: FunctionInfo) -> tuple[int, ...]:
    """Run a function for what those inside of it close over."""
    frame, states, exits = run_given(flow, state.copy(), info, {})
    done = [*states, *(one.state for one in exits if one.kind == "return")]
    if done:
        state.become(join_states(done))
    return (frame.id, *frame.closure)


def _watch(act: Callable[[State], None], watching: Kept, state: State, frame: Frame) -> Value:
    act(state)
    if watching.state is not None:
        state.become(watching.state)  # not as it is at the end, where a lifespan has disposed what it made
    return NONE


def _assigns(keeping: Keeping, name: str, statement: p.Statement) -> bool:
    """`….state.name = …`, or `state.name = …`, or `state["name"] = …`, or `State({"name": …})`"""
    targets = statement.targets if isinstance(statement, p.Assign) else ()
    return any(
        name_on_state(one) == name or (isinstance(one, p.Attribute) and _keeps(one.value, one.name, name))
        for one in targets
    ) or name in keeping.made((statement,))


def _keeps(target: p.Expression, attribute: str, name: str) -> bool:
    if name.startswith("."):
        return isinstance(target, p.Name) and f".{attribute}" == name
    if attribute != name:
        return False
    return (target.name if isinstance(target, p.Attribute) else getattr(target, "id", "")) in STATES
