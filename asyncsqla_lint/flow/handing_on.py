"""What is handed on to somebody who says what it is: so it was before, under the caller's name for it.

`async with sessions() as session: await gather(first(session), second(session))`: whatever `sessions` may be,
both are given the same session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, Decorated, ExternalValue, FunctionValue
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, Symbol, Union, Value

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.functions import FunctionInfo

# The parameters that say so, and their places in a call; None: given by name alone.
Asked = tuple[tuple[int | None, p.Parameter], ...]


def told(flow: Flow, state: State, function: Value, node: p.Call, arguments: Arguments) -> Arguments:
    """The arguments, with what the function's annotations say of those of which nothing was known."""
    given = (*arguments.positional, *arguments.keywords.values())
    if not any(_is_unknown(one) or _told_before(state, one) is not None for one in given):
        return arguments
    found = _asked(flow, function)
    if found is None or any(isinstance(one, p.Starred) for one in node.arguments):
        return arguments
    info, asked = found
    positional, keywords = list(arguments.positional), dict(arguments.keywords)
    for place, parameter in asked:
        if place is not None and place < len(positional):
            positional[place] = _known(flow, state, info, parameter, positional[place], node.arguments[place])
            continue
        for keyword in node.keywords:
            if keyword.name == parameter.name:
                value = keywords[keyword.name]
                keywords[keyword.name] = _known(flow, state, info, parameter, value, keyword.value)
    return replace(arguments, positional=tuple(positional), keywords=keywords)


def _is_unknown(value: Value) -> bool:
    return value is UNKNOWN or isinstance(value, Symbol)


def _told_before(state: State, value: Value) -> Reference | None:
    """Somebody has said it on one of the paths that have met: `ASQ302/good_told_on_one_path`."""
    if not isinstance(value, Union) or len(value.alternatives) != 2 or UNKNOWN not in value.alternatives:
        return None
    one = next(one for one in value.alternatives if one is not UNKNOWN)
    return one if isinstance(one, Reference) and state.record(one.oid).is_promised() else None


def _known(
    flow: Flow, state: State, info: FunctionInfo, parameter: p.Parameter, value: Value, node: p.Expression
) -> Value:
    before = _told_before(state, value)
    if (before is None and not _is_unknown(value)) or parameter.annotation is None:
        return value
    named = _named(flow, state, value, node)
    if named is None:
        return value
    frame, name = named
    if before is not None:
        state.assign(frame, name, before)
        return before
    known = (state.variables(frame) or {}).get(name)
    if isinstance(known, Reference):
        return known
    own = Frame(flow.new_id(), info.module, info, owner=info.owner, caller=flow.frame)
    promised = flow.types.annotation_value(state, own, parameter.annotation, node.span)
    if not isinstance(promised, Reference):
        return value
    state.assign(frame, name, promised)
    return promised


def _named(flow: Flow, state: State, value: Value, node: p.Expression) -> tuple[int, str] | None:
    """The variable that holds it; for `request.state.session`, one that remembers."""
    if isinstance(node, p.Name):
        for frame in (flow.frame.id, *flow.frame.closure):
            if node.id in (state.variables(frame) or {}):
                return frame, node.id
        return None
    return (flow.frame.id, f"<{value.name}>") if isinstance(value, Symbol) else None


def _asked(flow: Flow, function: Value) -> tuple[FunctionInfo, Asked] | None:
    while isinstance(function, Decorated):
        function = function.function
    if isinstance(function, FunctionValue):
        info, is_bound = function.info, function.receiver is not None
    elif isinstance(function, ClassValue):
        found = function.info.find("__init__")
        if found is None or found[1].function is None:
            return None
        info, is_bound = found[1].function, True
    else:
        return None
    key = ("handed on", info, is_bound)
    asked = flow.memory.get(key)
    if not isinstance(asked, tuple):
        asked = flow.memory[key] = tuple(_asking(flow, info, is_bound))
    return (info, asked) if asked else None


def _asking(flow: Flow, info: FunctionInfo, is_bound: bool) -> list[tuple[int | None, p.Parameter]]:
    own = Frame(flow.new_id(), info.module, info, owner=info.owner)
    found: list[tuple[int | None, p.Parameter]] = []
    for place, parameter in enumerate(info.header.parameters[is_bound:]):
        if parameter.annotation is not None and parameter.kind in ("positional", "any", "keyword"):
            classes = flow.types.classes(own, parameter.annotation)
            if len(classes) == 1 and isinstance(classes[0], ExternalValue):
                if classes[0].name in flow.meanings.one_for_all:
                    found.append((None if parameter.kind == "keyword" else place, parameter))
    return found
