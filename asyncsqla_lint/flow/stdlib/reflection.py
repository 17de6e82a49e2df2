"""Attributes by name and classes as values: `getattr`, `hasattr`, `isinstance`, `type`, `super`, `cast`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, SuperValue
from asyncsqla_lint.flow.classes import Getting
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Reference,
    TupleValue,
    Value,
    alternatives,
    join,
    union,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def _getattr(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    target, name = arguments.positional[:2]
    default = arguments.positional[2] if len(arguments.positional) > 2 else None
    several = alternatives(target)
    if default == target and len(several) > 1:  # each has it, or is taken for itself
        return union(tuple([_getattr(flow, state, Arguments((one, name, one)), at) for one in several]))
    if isinstance(name, Constant) and isinstance(name.value, str):
        has = target.has_attribute(flow, state, name.value, at) if default is not None else True
        if has is False and default is not None:
            return default
        value = target.attribute(flow, state, name.value, at)
        if default is not None and (value is UNKNOWN or has is None):
            return join(value, default)
        return value
    return UNKNOWN


def _setattr(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) == 3:
        target, name, value = arguments.positional
        if isinstance(name, Constant) and isinstance(name.value, str):
            target.set_attribute(flow, state, name.value, value, at)
        else:
            for one in alternatives(target):
                if isinstance(one, Reference):
                    state.record(one.oid).set_some_attribute(state, one)
    return NONE


def _hasattr(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`hasattr` reads the attribute: what raises there raises here."""
    if len(arguments.positional) == 2:
        target, name = arguments.positional
        if isinstance(name, Constant) and isinstance(name.value, str):
            has = target.has_attribute(flow, state, name.value, at)
            if has is not False:
                target.attribute(flow, state, name.value, at)
            return UNKNOWN if has is None else Constant(has)
    return UNKNOWN


def _isinstance(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """What is told before it is asked: `is_async = isinstance(engine, AsyncEngine)`."""
    if len(arguments.positional) != 2:
        return UNKNOWN
    value, classes = arguments.positional
    wanted = classes.elements if isinstance(classes, TupleValue) else (classes,)
    answers = {flow.types.is_instance(state, one, wanted) for one in alternatives(value)}
    answer = answers.pop() if len(answers) == 1 else None
    return UNKNOWN if answer is None else Constant(answer)


def _id(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    identity = arguments.first.identity() if len(arguments.positional) == 1 else None
    return UNKNOWN if identity is None else Constant(identity[1] << 40)


def _type(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = arguments.first
    if isinstance(value, Reference) and len(arguments.positional) == 1:
        record = state.record(value.oid)
        if isinstance(record, ObjectRecord):
            return record.cls
        info = record.class_info()
        if info is not None:
            return ClassValue(info)
    return UNKNOWN


def _super(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    frame = flow.frame
    if len(arguments.positional) == 2 and isinstance(arguments.positional[0], ClassValue):
        return SuperValue(arguments.positional[0].info, arguments.positional[1])
    if frame.owner is None or frame.receiver is None:
        return UNKNOWN
    return SuperValue(frame.owner, frame.receiver)


def _new(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`super().__new__(cls)`: an object whose constructor has not run."""
    cls = arguments.first
    return flow.allocate(state, ObjectRecord(cls)) if isinstance(cls, ClassValue) else UNKNOWN


def _property(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    function = arguments.get(0, "fget")
    return UNKNOWN if function is None else Getting(function)


def _type_arguments(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    cls = arguments.get(0, "tp")
    return TupleValue(cls.arguments) if isinstance(cls, ClassValue) and cls.arguments else UNKNOWN


def _origin(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    cls = arguments.get(0, "tp")
    return ClassValue(cls.info) if isinstance(cls, ClassValue) and cls.arguments else UNKNOWN


def _written_bases(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    cls = arguments.get(0, "cls") or UNKNOWN
    return cls.attribute(flow, state, "__orig_bases__", at)


def _cast(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """What is known stays, unless it is no instance of what the program knows better."""
    value = arguments.get(1, "val") or UNKNOWN
    call = flow.calling
    if call is None or call.span != at or not call.arguments:
        return value
    frame = flow.frame
    if value is UNKNOWN and isinstance(arguments.get(0, "typ"), ClassValue):
        return flow.types.annotation_value(state, frame, call.arguments[0], at)
    wanted = flow.types.classes(frame, call.arguments[0])
    if not wanted or value is UNKNOWN:
        return value
    kept = tuple(
        one for one in alternatives(value) if flow.types.is_instance(state, one, wanted) is not False
    )
    return union(kept) if kept else UNKNOWN


def _is_coroutine(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`await x if inspect.isawaitable(x) else x`: a helper for sync and async twins."""
    given = arguments.positional[:1]
    records = [
        state.record(one.oid) if isinstance(one, Reference) else None
        for value in given
        for one in alternatives(value)
    ]
    if records and all(
        isinstance(one, CoroutineRecord) and one.kind == "coroutine" and not one.is_perhaps for one in records
    ):
        return Constant(True)
    return flow.call_unknown(state, UNKNOWN, arguments, at)


def _is_coroutine_function(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    answers = {flow.types.is_coroutine_function(state, one) for one in alternatives(arguments.first)}
    answer = answers.pop() if len(answers) == 1 else None
    return UNKNOWN if answer is None else Constant(answer)


def register(meanings: Meanings) -> None:
    meanings.learn(MEANINGS)


MEANINGS = {
    "getattr": _getattr,
    "setattr": _setattr,
    "hasattr": _hasattr,
    "isinstance": _isinstance,
    "id": _id,
    "type": _type,
    "super": _super,
    "builtins.object.__new__": _new,
    "property functools.cached_property": _property,
    "inspect.isawaitable inspect.iscoroutine asyncio.iscoroutine": _is_coroutine,
    "inspect.iscoroutinefunction asyncio.iscoroutinefunction": _is_coroutine_function,
    "typing.cast": _cast,
    "typing.get_args typing_extensions.get_args": _type_arguments,
    "typing.get_origin typing_extensions.get_origin": _origin,
    "types.get_original_bases typing_extensions.get_original_bases": _written_bases,
}
