"""Tables that a module keeps and functions fill: what one of them puts there, other roots find."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.joining import join_states
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Reference, Value, union
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import Module, Variable
from asyncsqla_lint.project.walking import calls, statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

MOST = 4  # where more functions fill it, nobody looks what they put in
_ADDING = frozenset("add append appendleft extend insert setdefault update".split())


def filled_elsewhere(flow: Flow, state: State, me: Reference) -> Value | None:
    """What other functions put into an empty table that a module keeps, or an object that it keeps.

    None: there is in it what this root puts there, and no more. Unknown, where it is not seen who else does.
    """
    function, record = flow.frame.function, state.record(me.oid)
    is_bare = record.items == () if isinstance(record, ListRecord) else record == DictRecord()
    if function is None or not is_bare or record != flow.base.get(me.oid):
        return None
    # Who puts in itself what it has not found there: `config = CONFIGS.get(url); if config is None: …`
    with flow.silently():
        if me in [flow.evaluate(state.copy(), one) for one in _filled_by(function)]:
            return None
    if flow.isolated:
        flow.touch()  # it may hold what the floors above know
    return _put_by_others(flow, me)


def _filled_by(function: FunctionInfo) -> tuple[p.Expression, ...]:
    """The tables under whose keys it puts something."""

    def found() -> tuple[p.Expression, ...]:
        assigned = [one.targets for one in statements(function.body) if isinstance(one, p.Assign)]
        stored = [one.value for targets in assigned for one in targets if isinstance(one, p.Subscript)]
        return tuple([one for one in stored if isinstance(one, (p.Name, p.Attribute))])

    return kept(function, "filled", found)


# --- what they put there -------------------------------------------------------------------------


def _put_by_others(flow: Flow, me: Reference) -> Value:
    root = flow.notes.get("root")
    place = flow.scopes.place_of(me)
    if place is None or not isinstance(root, FunctionInfo):
        return UNKNOWN
    key = (_put_by_others, *place, root.module)
    return flow.remembered(key, partial(_seen_put, *place, root.module), UNKNOWN)


def _seen_put(symbol: Variable, attribute: str, asking: Module, flow: Flow) -> Value:
    """What the functions of both modules leave in it, the one that has it and the one that asks."""
    modules = {symbol.module: None, asking: None}
    fillers = [one for module in modules for one in _fillers(flow, module, symbol, bool(attribute))]
    # Others find it while a lifespan stands at its `yield`, not when it has ended.
    if len(fillers) > MOST or any(one.header.is_generator for one in fillers):
        return UNKNOWN
    left = (
        flow.scopes.at_module(one.module, partial(_left_by, flow, one, symbol, attribute), is_told=False)
        for one in fillers
    )
    found = [one for one in left if one != NONE]
    return union(tuple(found)) if found else UNKNOWN


def _fillers(flow: Flow, module: Module, symbol: Variable, is_object: bool) -> Iterator[FunctionInfo]:
    module.consult()
    for info in flow.index.functions_of(module):
        for name in info.header.mentions:
            if flow.index.lookup(module, name) is symbol and _adds_to(info, name, is_object):
                yield info
                break


def _adds_to(info: FunctionInfo, name: str, is_object: bool) -> bool:
    """`kept[key] = …`, `kept.add(…)`; of an object of the project any method may."""
    targets = (one.targets for one in statements(info.body) if isinstance(one, p.Assign))
    changed = [one.value for own in targets for one in own if isinstance(one, p.Subscript)]
    for call in calls(info.body):
        if isinstance(call.function, p.Attribute) and (is_object or call.function.name in _ADDING):
            changed.append(call.function.value)
    return any(isinstance(one, p.Name) and one.id == name for one in map(_root, changed))


def _root(node: p.Expression) -> p.Expression:
    while isinstance(node, (p.Attribute, p.Subscript)):
        node = node.value
    return node


def _left_by(
    flow: Flow, info: FunctionInfo, symbol: Variable, attribute: str, state: State, frame: Frame
) -> Value:
    from asyncsqla_lint.flow.roots import run_given

    table = flow.scopes.variable(symbol)
    if attribute:
        record = table.record(state) if isinstance(table, Reference) else None
        table = record.attributes.get(attribute, UNKNOWN) if isinstance(record, ObjectRecord) else UNKNOWN
    if not isinstance(table, Reference):
        return UNKNOWN
    _, states, exits = run_given(flow, state.copy(), info, {})
    ended = [*states, *(one.state for one in exits if one.kind == "return")]
    if not ended:
        return NONE
    state.become(join_states(ended))
    for number in flow.scopes.module_frame_ids():
        state.frames.pop(number, None)
    record = table.record(state)
    if isinstance(record, DictRecord):
        return union(record.values()) if record.values() else NONE
    return (record.whole() or NONE) if isinstance(record, ListRecord) else UNKNOWN
