"""Descriptors of the project: what `__get__` and `__set__` do, assigned in a class or put above a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.class_bodies import class_value
from asyncsqla_lint.flow.operators import run_method
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.names import Symbol

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def descriptor_of(flow: Flow, member: Member) -> ClassInfo | None:
    """The project's class that answers for the member, if one does."""
    made = member.value if member.function is None else member.function.header.decorators
    if not made or not isinstance(made, (p.Call, tuple)):
        return None
    key = (descriptor_of, member.owner, member.name)  # the member itself would hash its expressions
    known = flow.memory.get(key)
    if known is None:
        known = flow.memory[key] = _found(member) or False
    return known if isinstance(known, ClassInfo) else None


def _found(member: Member) -> ClassInfo | None:
    named: Symbol | None = None
    if member.function is not None:
        for decorator in member.function.header.decorators:
            if not isinstance(decorator, p.Call):
                info = member.function
                named = info.index.resolve(info.module, decorator, info.definition_scope)
                break
    elif isinstance(member.value, p.Call):
        made = member.value.function
        made = made.value if isinstance(made, p.Subscript) else made
        named = member.owner.index.resolve(member.owner.module, made, member.owner)
    if not isinstance(named, ClassInfo):
        return None
    getter = named.find("__get__")
    return named if getter is not None and getter[1].function is not None else None


def get(
    flow: Flow, state: State, me: Value | None, cls: ClassValue, owner: ClassInfo, member: Member, at: Span
) -> Value:
    """What reading the member gives: on an object, or on the class itself."""
    made = _made(flow, state, me, cls, owner, member, at)
    return run_method(flow, state, made, ("__get__",), Arguments((me or NONE, cls)), at) or UNKNOWN


def set_on(
    flow: Flow,
    state: State,
    me: Value,
    cls: ClassValue,
    found: tuple[ClassInfo, Member],
    value: Value,
    at: Span,
) -> bool:
    """Does a descriptor take what is assigned?"""
    owner, member = found
    kind = descriptor_of(flow, member)
    if kind is None or kind.find("__set__") is None:
        return False
    made = _made(flow, state, me, cls, owner, member, at)
    run_method(flow, state, made, ("__set__",), Arguments((me, value)), at)
    return True


def _made(
    flow: Flow, state: State, me: Value | None, cls: ClassValue, owner: ClassInfo, member: Member, at: Span
) -> Value:
    with flow.silently():
        if member.function is not None:
            kind = descriptor_of(flow, member)
            assert kind is not None
            return ClassValue(kind).call(flow, state, Arguments((FunctionValue(member.function),)), at)
        made = class_value(flow, state, cls, owner, member, me)
        run_method(flow, state, made, ("__set_name__",), Arguments((cls, Constant(member.name))), at)
        return made
