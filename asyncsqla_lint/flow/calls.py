"""Calls: a function of the project runs where it is called, on the caller's state, in a frame of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow import closed, each_text
from asyncsqla_lint.flow.callables import Decorated, FunctionValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.coroutines import ContextManagerRecord, CoroutineRecord
from asyncsqla_lint.flow.frames import (
    RISK,
    BudgetExceeded,
    Frame,
    OnYield,
    Outcome,
    PathEnds,
    calls_of,
    merged_options,
)
from asyncsqla_lint.flow.joining import Option, join_states
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.stdlib import dispatching
from asyncsqla_lint.flow.strings import is_text
from asyncsqla_lint.flow.trying import RISKS, TryContext, heard_around
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Iteration,
    Member,
    Reference,
    Symbol,
    Union,
    Unknown,
    UnknownCall,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import BinaryOperation, Expression, Parameter, Scalar, Span, Subscript
from asyncsqla_lint.program import Constant as ConstantNode

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.functions import FunctionInfo

Generator = tuple[FunctionValue, Arguments, Span]


def call_function(flow: Flow, state: State, function: FunctionValue, arguments: Arguments, at: Span) -> Value:
    header = function.info.header
    if header.is_generator:
        return flow.allocate(state, CoroutineRecord(function, arguments, flow.site(at), kind="generator"))
    if header.is_async and not function.info.stands_for_generators:
        return flow.allocate(state, CoroutineRecord(function, arguments, flow.site(at)))
    return run_function(flow, state, function, arguments, at)


def call_decorated(flow: Flow, state: State, decorated: Decorated, arguments: Arguments, at: Span) -> Value:
    function = decorated.function
    if decorated.kind == "contextmanager" and isinstance(function, FunctionValue):
        return flow.allocate(state, ContextManagerRecord(function, arguments, flow.site(at)))
    if decorated.kind == dispatching.KIND and isinstance(function, FunctionValue):
        return dispatching.dispatch(flow, state, function, arguments, at)
    result = function.call(flow, state, arguments, at)
    if decorated.kind == "cached" and flow.watched:
        state.let_out((result,))
    return result


def call_unknown(flow: Flow, state: State, function: Value, arguments: Arguments, at: Span) -> Value:
    """Nobody knows what it does; only awaiting it can load or expire anything."""
    touched = tuple(
        value for value in arguments.all() if isinstance(value, Reference) or value.refers_to(state)
    )
    if isinstance(function, Reference):
        touched = (*touched, function)
    is_anything = isinstance(function, (Unknown, Symbol, Member))  # the project's own function, perhaps
    for value in touched:
        if isinstance(value, Reference):
            state.record(value.oid).exposed(flow, state, value)
            if is_anything:
                state.record(value.oid).handed_out(flow, state, value)
    if flow.watched and touched:
        state.let_out(touched)
    return UnknownCall(touched) if touched else UNKNOWN


def dropped(flow: Flow, state: State, value: Value, at: Span) -> None:
    """An expression statement leaves `value` to nobody."""
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if isinstance(value, Reference) and isinstance(record, CoroutineRecord) and not record.is_awaited:
        if record.kind == "coroutine":
            state.put(value, replace(record, is_dropped=True))
            flow.meanings.dropped(flow, state, value, at)


def run_function(
    flow: Flow,
    state: State,
    function: FunctionValue,
    arguments: Arguments,
    at: Span,
    yielded: list[Value] | None = None,
    until_yield: bool = False,
    on_yield: OnYield | None = None,
    into: Reference | None = None,
) -> Value:
    """Run the body, and go on as one of the ways in which it ends."""
    info = function.info
    running = calls_of(flow.frame)
    is_too_deep = running.is_too_deep(info) and running.is_too_deep(
        info, any(one.is_step(state) for one in (function.receiver or NONE, *arguments.all()))
    )
    if isinstance(state.base, closed.Consulted):
        state.base.asked(info, running)
    elif is_too_deep:
        flow.count("calls too deep")
    if is_too_deep:
        return call_unknown(flow, state, function, arguments, at).awaited(flow, state, at)
    if not flow.meanings.matters(flow, state, function, arguments):
        if flow.watched:
            state.let_out(arguments.all())
        return _returned(state, info, UNKNOWN)
    flow.called.add(info)
    frame = new_frame(flow, function, at)
    frame.on_yield, frame.yielded, frame.until_yield = on_yield, yielded, until_yield
    frame.into = into
    is_replaying = yielded is None and not flow.joining and flow.oracle.is_replaying
    texts = [] if info.header.is_generator else each_text.each(arguments)
    before = state.copy() if texts else state
    options = None
    is_declared = info.is_declaration and not info.header.is_generator
    if not info.header.is_generator and not is_declared:
        options = closed.options_of(flow, state, function, arguments, at, running)
    if options is not None and len(options) == 1:
        result = options[0][1]
    elif is_replaying:
        result = flow.choose(state, [])  # it has been run, and ends as it did then
    elif options is not None:
        result = flow.choose(state, options)
    elif is_declared or (
        not info.header.is_generator
        and flow.budget.leaves_out(next(iter(info.body), None))
        and not flow.meanings.is_amiss(state)
        and not any(
            isinstance(one, Reference) and state.record(one.oid).is_amiss() for one in arguments.all()
        )
    ):
        result = flow.choose(state, [_left_out(flow, state, function, arguments, frame)])
    else:
        result = flow.choose(state, _ways_out_if_any(flow, state, function, arguments, frame))
    if texts and is_text(result):
        result = each_text.made_of(flow, before, function, texts, result, at)
    if result is UNKNOWN and info.header.returns is not None and not info.header.is_generator:
        result = flow.types.annotation_value(state, frame, info.header.returns, at)
    return _returned(state, info, result)


def _returned(state: State, info: FunctionInfo, result: Value) -> Value:
    if info.never_returns:  # it says so, whatever of its body has been followed
        raise PathEnds(Outcome("raise", state, UNKNOWN))
    return result


def _ways_out_if_any(
    flow: Flow, state: State, function: FunctionValue, arguments: Arguments, frame: Frame
) -> list[Option]:
    """A call that leads nowhere for too long is left out, by the one that would get somewhere without it."""
    caller, facts, met, left = flow.frame, state.facts, flow.budget.met, flow.budget.left
    try:
        options = ways_out(flow, state, function, arguments, frame)
        flow.budget.ends(next(iter(function.info.body), None), left)
        return options
    except BudgetExceeded:
        is_root = caller.caller is not None and caller.caller.function is None
        gets_somewhere = caller.function is not None and (is_root or caller.met != met)
        if function.info.header.is_generator or not gets_somewhere or not flow.budget.goes_on(met, is_root):
            raise
        # Who catches what it raises has seen how far it was with what it has made (`ASQ401/good_given_up`).
        flow.watched -= {oid for oid in flow.watched if oid > frame.id}
        leave(state, frame, facts)
        return [_left_out(flow, state, function, arguments, frame)]


def _left_out(
    flow: Flow, state: State, function: FunctionValue, arguments: Arguments, frame: Frame
) -> Option:
    """A call that is not run: what it is given it may change, and the object whose method it is may hold."""
    flow.count("calls left out")
    own, at = state.copy(), frame.call_span
    given, me = arguments.all(), function.receiver
    if isinstance(me, Reference):
        own.record(me.oid).may_hold(flow, own, me, tuple(given))
        arguments = arguments.prepended(me)
    call_unknown(flow, own, function, arguments, at)
    for oid in sorted(own.reachable(arguments.all())):
        own.record(oid).left_out(flow, own, Reference(oid))
    returns = function.info.header.returns
    given_back = UNKNOWN if returns is None else flow.types.annotation_value(own, frame, returns, at)
    for one in alternatives(given_back):
        if isinstance(one, Reference):
            own.record(one.oid).unseen(own, one)
    return own, given_back


def new_frame(flow: Flow, function: FunctionValue, at: Span) -> Frame:
    info = function.info
    return Frame(
        flow.new_id(),
        info.module,
        info,
        closure=function.closure,
        receiver=function.receiver,
        owner=info.owner,
        caller=flow.frame,
        call_span=at,
        met=flow.budget.met,
    )


def ways_out(
    flow: Flow, state: State, function: FunctionValue, arguments: Arguments, frame: Frame
) -> list[Option]:
    info = function.info
    facts = state.facts
    state.facts = {}
    state.open_frame(frame.id)
    if function.receiver is not None:
        arguments = arguments.prepended(function.receiver)
    with flow.entered(frame):
        flow.joining += 1
        try:
            bind(flow, state, frame, info, arguments)
        finally:
            flow.joining -= 1
        frame.given = tuple(arguments.all())
        states, exits, escaping = run_body(flow, state.copy(), info)
    options: list[Option] = [(one, NONE) for one in states]
    suspended: list[Option] = []
    raised: list[Outcome] = []
    for outcome in exits:
        if outcome.kind == "suspend":
            suspended.append((outcome.state, NONE))
        elif outcome.kind in ("return", "close"):
            options.append((outcome.state, outcome.value))
        elif outcome.kind == "raise":
            raised.append(outcome)
    if not frame.until_yield:
        risky = [own for own, exception in escaping if exception == RISK]
        flow.meanings.ended(flow, frame, options, [outcome.state for outcome in raised], risky)
    options += suspended
    for one, _ in options:
        leave(one, frame, facts)
    for outcome in raised:
        leave(outcome.state, frame, facts)
        flow.may_raise(outcome.state, outcome.value)
    for own, exception in escaping:
        leave(own, frame, facts)
        flow.may_raise(own, exception)
    if not options:
        if raised:
            end = join_states([outcome.state for outcome in raised])
            raise PathEnds(Outcome("raise", end, raised[0].value if len(raised) == 1 else UNKNOWN))
        raise PathEnds(None)
    return merged_options(flow, options)


def run_body(
    flow: Flow, state: State, info: FunctionInfo
) -> tuple[list[State], list[Outcome], list[tuple[State, Value]]]:
    """The ways out of a body; the last are those by an exception that
    something in it may raise, if that matters.
    """
    if not flow.meanings.is_watched(flow, info):
        return *flow.execute([state], info.body), []
    context = TryContext(frozenset(), flow.counter, hears=max(heard_around(flow.tries), RISKS))
    flow.tries.append(context)
    flow.risky += 1
    try:
        states, exits = flow.execute([state], info.body)
    finally:
        flow.tries.pop()
        flow.risky -= 1
    return states, exits, context.states


def leave(state: State, frame: Frame, facts: dict[str, bool]) -> None:
    state.close_frame(frame.id, frame.captured)
    state.facts = facts.copy()


def _is_flag(parameter: Parameter) -> bool:
    """`as_rows: bool = False`: what nobody names, nobody means."""
    default = parameter.default
    return isinstance(default, ConstantNode) and isinstance(default.value, bool)


def bind(flow: Flow, state: State, frame: Frame, info: FunctionInfo, arguments: Arguments) -> None:
    """Give each parameter its argument, its default, or what its annotation promises."""
    positional = list(arguments.positional)
    keywords = dict(arguments.keywords)
    is_for_the_rest = arguments.more is None and any(one.kind == "double" for one in info.header.parameters)
    for parameter in info.header.parameters:
        value: Value | None = None
        if parameter.kind in ("positional", "any"):
            if positional:
                value = positional.pop(0)
            elif parameter.name in keywords:
                value = keywords.pop(parameter.name)
            elif is_for_the_rest and _is_flag(parameter):
                pass  # `**filters`, for a function that takes `**filters` beside a flag
            elif arguments.more is not None or arguments.more_keywords is not None:
                value = UNKNOWN
        elif parameter.kind == "keyword":
            value = keywords.pop(parameter.name, None)
            if value is None and arguments.more_keywords is not None:
                value = None if is_for_the_rest and _is_flag(parameter) else UNKNOWN
        elif parameter.kind == "star":
            rest = Iteration(items=tuple(positional), may_be_empty=not positional)
            if arguments.more is not None:
                # Nobody knows what is given, and who takes `*listeners` is given some.
                more = arguments.more
                if more is UNKNOWN and parameter.annotation is not None:
                    more = flow.types.annotation_value(state, frame, parameter.annotation, parameter.span)
                rest = Iteration(element=union((*positional, more)), may_be_empty=False)
            value = flow.allocate(state, ListRecord.of(rest, "tuple"))
            positional = []
        else:
            entries: dict[Scalar, Value] = dict(keywords.items())
            value = flow.allocate(state, DictRecord(entries, arguments.more_keywords))
            keywords = {}
        if value is None:
            value = _default(flow, state, frame, parameter).as_default(flow, state, parameter.span)
        if value is UNKNOWN and parameter.annotation is not None:
            value = flow.types.annotation_value(state, frame, parameter.annotation, parameter.span)
            if _may_be_left_out(state, parameter, value):
                value = union((value, NONE))
        elif isinstance(value, Reference) and isinstance(parameter.annotation, (BinaryOperation, Subscript)):
            value = _widened(flow, state, frame, value, parameter.annotation)
        elif isinstance(value, Union) and parameter.annotation is not None:
            value = _of_its_kind(flow, state, frame, value, parameter.annotation)
        state.assign(frame.id, parameter.name, value)


def _may_be_left_out(state: State, parameter: Parameter, value: Value) -> bool:
    """`user: User = None`: somebody may leave it out, as `User | None` would say. A session is given."""
    default = parameter.default
    if not isinstance(default, ConstantNode) or default.value is not None or not isinstance(value, Reference):
        return False
    return state.record(value.oid).suits(True) is None


def _widened(flow: Flow, state: State, frame: Frame, value: Reference, annotation: Expression) -> Value:
    """What one annotation promises to be async, and the next to be either kind, may be of either kind."""
    given = state.record(value.oid)
    if not given.is_promised() or len(flow.types.classes(frame, annotation)) < 2:
        return value
    promised = alternatives(flow.types.annotation_value(state, frame, annotation, annotation.span))
    others = tuple(
        one
        for one in promised
        if isinstance(one, Reference) and (state.record(one.oid).suits(True), given.suits(True)) in _KINDS
    )
    return union((value, *others)) if others else value


_KINDS = ((True, False), (False, True))


def _of_its_kind(flow: Flow, state: State, frame: Frame, value: Union, annotation: Expression) -> Value:
    """What may be of either kind (one flag decides for a whole library) is of the one asked for here. So is
    what is known on some paths alone: it is no None there (`ASQ301/good_given_as_it_is`).
    """
    kinds = {_kind(state, one) for one in value.alternatives}
    if not {True, False} <= kinds and (UNKNOWN not in value.alternatives or kinds == {None}):
        return value
    promised = flow.types.annotation_value(state, frame, annotation, annotation.span)
    wanted = {_kind(state, one) for one in alternatives(promised)}
    if wanted not in ({True}, {False}):
        return value
    fitting = [one for one in value.alternatives if _kind(state, one) in {None, *wanted}]
    if wanted & {_kind(state, one) for one in fitting}:
        fitting = [one for one in fitting if one is not UNKNOWN]
    return union(tuple(fitting))


def _kind(state: State, value: Value) -> bool | None:
    return state.record(value.oid).suits(True) if isinstance(value, Reference) else None


def _default(flow: Flow, state: State, frame: Frame, parameter: Parameter) -> Value:
    if parameter.default is None:
        return UNKNOWN
    return flow.evaluate(state, parameter.default)


def generator_of(state: State, value: Value) -> Generator | None:
    """The project's generator that iterating `value` would run."""
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if isinstance(record, CoroutineRecord) and record.kind == "generator":
        if isinstance(record.function, FunctionValue):
            return record.function, record.arguments, record.site.span
    return None


def iterated(flow: Flow, state: State, value: Value, at: Span, is_async: bool) -> Value:
    """What a loop goes over: of an object of the project what its `__aiter__` or `__iter__` gives."""
    if not isinstance(value, Reference) or not isinstance(state.record(value.oid), ObjectRecord):
        return value
    name = "__aiter__" if is_async else "__iter__"
    cls = state.record(value.oid).class_info()
    if cls is None or cls.find(name) is None:
        return value
    return value.attribute(flow, state, name, at).call(flow, state, Arguments(), at)


def context_of(state: State, value: Value) -> Generator | None:
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if isinstance(record, ContextManagerRecord):
        return record.function, record.arguments, record.site.span
    return None


def run_generator(flow: Flow, state: State, generator: Generator, on_yield: OnYield) -> Value:
    """Run a generator to its end; at each yield `on_yield` runs what its consumer does with the value."""
    function, arguments, at = generator
    outer = state.facts

    def consume(own: State, value: Value) -> list[Option]:
        inner, own.facts = own.facts, outer.copy()
        options = on_yield(own, value)
        for one, _ in options:
            one.facts = inner.copy()
        return options

    return run_function(flow, state, function, arguments, at, on_yield=consume)
