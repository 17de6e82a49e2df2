"""Roots: where analysis starts. Each function is run once by itself, with what its header promises."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue
from asyncsqla_lint.flow.calls import bind, run_body
from asyncsqla_lint.flow.frames import RISK, Frame, Outcome
from asyncsqla_lint.flow.outliving import Left, leave_behind, outliving
from asyncsqla_lint.flow.promises import opened
from asyncsqla_lint.flow.scopes import globals_given
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Symbol, Value
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import ClassBinding, FunctionBinding, Module
from asyncsqla_lint.project.walking import calls, statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# What the keys of rows are: two of these are the same, or not.
_OF_KEYS = frozenset(("builtins.int", "builtins.str", "uuid.UUID"))


def functions_of(flow: Flow, module: Module) -> Iterator[FunctionInfo]:
    """The functions and methods of a module that are not inside of others, in a fixed order."""
    for bindings in module.names.bindings.values():
        for binding in bindings:
            if isinstance(binding, FunctionBinding):
                yield flow.index.function_at(module, binding.number)
            elif isinstance(binding, ClassBinding):
                yield from flow.index.class_at(module, binding.definition).own_functions()


def run_function_root(flow: Flow, info: FunctionInfo) -> None:
    length = sum(1 for _ in statements(info.body))
    for heir in (None, *_heirs(flow, info)):
        state = flow.start()
        flow.budget.is_of(length)
        flow.notes["heir"] = heir
        _run_root(flow, state, info, None)


_MOST_HEIRS = 3


def _heirs(flow: Flow, info: FunctionInfo) -> list[ClassInfo]:
    """Views that inherit the method as it is: it is called for each (`ASQ301/bad_inherited_views`)."""
    owner = info.owner
    if owner is None or not info.is_async or flow.meanings.view_classes.isdisjoint(owner.external_bases):
        return []
    found = (one for one in owner.subclasses if (known := one.find(info.name)) and known[1].function is info)
    return list(islice(found, _MOST_HEIRS))


def _run_root(flow: Flow, state: State, info: FunctionInfo, enclosing: Frame | None) -> None:
    """Run a function, and then those inside of it that somebody else is going to call."""
    flow.notes["root"], flow.enclosing = info, enclosing
    outside = Frame(flow.new_id(), info.module, None)
    with flow.entered(outside):
        flow.guard(lambda: flow.meanings.run_root(flow, state, info))
        flow.meanings.root_ended(flow)
    left = flow.notes.get("left")
    if isinstance(left, Left):
        for inner in outliving(flow, left):
            flow.start()
            _run_root(flow, left.state.copy(), inner, left.frame)


def run_module_root(flow: Flow, module: Module) -> None:
    state = flow.start()
    frame = Frame(flow.new_id(), module, None)
    state.open_frame(frame.id)
    with flow.entered(frame):
        flow.guard(lambda: _run_module(flow, state, frame))
        flow.meanings.root_ended(flow)


def _run_module(flow: Flow, state: State, frame: Frame) -> None:
    states, _ = flow.execute([state], frame.module.program.statements)
    flow.meanings.module_ended(flow, frame, states)


Ran = tuple[Frame, "list[State]", list[Outcome]]


def run_plainly(flow: Flow, state: State, info: FunctionInfo) -> None:
    """Run the body with what the annotations promise for the parameters."""
    run_as_decorated(flow, state, info, {})


def run_as_decorated(
    flow: Flow, state: State, info: FunctionInfo, given: dict[str, Value], *, receiver: Value | None = None
) -> Ran:
    """Run a function by way of what a decorator of the project has put in its place."""
    wrapper = _wrapper_of(flow, info)
    ran = None if wrapper is None else _run_wrapped(flow, state, info, wrapper, given, receiver)
    return run_given(flow, state, info, given, receiver=receiver) if ran is None else ran


def _wrapper_of(flow: Flow, info: FunctionInfo) -> FunctionValue | None:
    """Nobody calls the coroutine itself. (A plain function in its place may give it a loop of its own.)"""
    if not info.is_async or info.header.is_generator or info.parent is not None:
        return None
    made = flow.scopes.function(info)
    if not isinstance(made, FunctionValue) or made.info is info or made.info.header.is_generator:
        return None
    return made if made.info.parent is not None else None


def _run_wrapped(
    flow: Flow,
    state: State,
    info: FunctionInfo,
    wrapper: FunctionValue,
    known: dict[str, Value],
    receiver: Value | None,
) -> Ran | None:
    """Run what is called in its place; None: that did not come to it."""
    given: dict[str, Value] = {}
    me = receiver if receiver is not None else receiver_of(flow, state, info)
    frame = root_frame(flow, state, info, me)
    supplied = _supplied(wrapper.info, info)
    with flow.entered(frame):
        for parameter in info.header.parameters[me is not None :]:
            if parameter.name in supplied:
                continue
            if parameter.annotation is not None and parameter.kind in ("any", "keyword"):
                value = flow.types.annotation_value(state, frame, parameter.annotation, parameter.span)
                if value is not UNKNOWN:
                    given[parameter.name] = value
    given |= known
    flow.called.discard(info)
    # Under `*args` the receiver is the first, whatever follows: all else is given by its name.
    more = UNKNOWN if me is None else None
    outside, states, exits = run_given(
        flow, state.copy(), wrapper.info, given, receiver=me, closure=wrapper.closure, more=more
    )
    if info not in flow.called:
        return None
    returned = (one.value for one in statements(info.body) if isinstance(one, p.Return))
    at = next((value.span for value in returned if value is not None), -1)
    for one in exits:
        if one.kind == "return":  # what is said of the answer stands where the function itself gives it
            one.at = at
    inside = Frame(
        outside.id, info.module, info, closure=frame.closure, receiver=me, owner=info.owner, has_ended=True
    )
    return inside, states, exits


def _supplied(wrapper: FunctionInfo, info: FunctionInfo) -> set[str]:
    """What the wrapper passes on of itself: `view(*args, session=session, **kwargs)`."""
    found: set[str] = set()
    for call in calls(wrapper.body):
        if any(word.name is None for word in call.keywords):
            found.update(word.name for word in call.keywords if word.name is not None)
            given = takewhile(lambda one: not isinstance(one, p.Starred), call.arguments)
            found.update(parameter.name for parameter, _ in zip(info.header.parameters, given, strict=False))
    return found - {one.name for one in wrapper.header.parameters}


def run_given(
    flow: Flow,
    state: State,
    info: FunctionInfo,
    given: dict[str, Value],
    *,
    is_bound: bool = True,
    receiver: Value | None = None,
    closure: tuple[int, ...] | None = None,
    more: Value | None = UNKNOWN,
) -> tuple[Frame, list[State], list[Outcome]]:
    """Run the body with `given` parameters; the others are what their annotations promise."""
    me = receiver if receiver is not None else receiver_of(flow, state, info) if is_bound else None
    frame = root_frame(flow, state, info, me)
    if closure is not None:
        frame.closure = closure
    with flow.entered(frame):
        first = () if me is None else (me,)
        bind(flow, state, frame, info, Arguments(first, given, more, UNKNOWN))
        _name_keys(flow, state, frame, info)
        flow.meanings.parameters_bound(flow, state)
        _first_call(flow, state, info)
        frame.given = tuple((state.variables(frame.id) or {}).values())
        states, exits, escaping = run_body(flow, state, info)
        done: list[tuple[State, Value]] = [(one, NONE) for one in states]
        done += [(exit_.state, exit_.value) for exit_ in exits if exit_.kind == "return"]
        risky = [own for own, exception in escaping if exception == RISK]
        flow.meanings.ended(
            flow, frame, done, [exit_.state for exit_ in exits if exit_.kind == "raise"], risky
        )
        leave_behind(flow, frame, [one for one, _ in done])
    return frame, states, exits


def _name_keys(flow: Flow, state: State, frame: Frame, info: FunctionInfo) -> None:
    """A number or an id that is given is not known, and yet the same wherever the body asks for it."""
    variables = state.variables(frame.id) or {}
    for parameter in info.header.parameters:
        if variables.get(parameter.name) is UNKNOWN and parameter.annotation is not None:
            named = {
                symbol.name
                for symbol in flow.types.classes(frame, parameter.annotation)
                if isinstance(symbol, ExternalValue)
            }
            if named and named <= _OF_KEYS:
                state.assign(frame.id, parameter.name, Symbol(f"{parameter.name} of {info.name}"))


def _first_call(flow: Flow, state: State, info: FunctionInfo) -> None:
    """What a function under `global` makes on its first call is seen there: nobody has called it before."""
    if not flow.scopes.assigned_globals(info.module).keys() & info.header.mentions:
        return
    outside = flow.scopes.module_frame(info.module)
    for name, given in globals_given(info.body).items():
        makes = any(not isinstance(one, p.Constant) for one in given)
        if makes and flow.scopes.module_values(info.module).get(name) == NONE:
            state.assign(outside.id, name, NONE)


def root_frame(flow: Flow, state: State, info: FunctionInfo, receiver: Value | None) -> Frame:
    frame = Frame(
        flow.new_id(),
        info.module,
        info,
        closure=closure_of(flow, info),
        receiver=receiver,
        owner=info.owner,
        caller=flow.frame,
        yielded=[] if info.header.is_generator else None,
    )
    state.open_frame(frame.id)
    return frame


def closure_of(flow: Flow, info: FunctionInfo) -> tuple[int, ...]:
    """What a root that stands inside of another function closes over."""
    enclosing = flow.enclosing
    if enclosing is None or info.parent is not enclosing.function:
        return ()
    return (enclosing.id, *enclosing.closure)


def receiver_of(flow: Flow, state: State, info: FunctionInfo) -> Value | None:
    """`self` or `cls` of a method."""
    if info.owner is None or not info.header.parameters:
        return None
    member = info.owner.members.get(info.name)
    if member is not None and member.kind == "staticmethod":
        return None
    heir = flow.notes.get("heir") if flow.notes.get("root") is info else None
    cls = ClassValue(heir if isinstance(heir, ClassInfo) else info.owner)
    if member is not None and member.is_of_class:
        return cls
    promised = flow.meanings.instance_of_class(flow, state, cls, info.header.name_span, 0)
    return opened(flow, state, cls, info.header.name_span) if promised is UNKNOWN else promised
