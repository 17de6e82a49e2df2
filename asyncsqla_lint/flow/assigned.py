"""Attributes that only methods assign: `self.name = …` in another one, `cls.name = …` in a class method."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.frames import Frame, PathEnds
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Reference, Value, union
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.walking import statements, walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


def assigned_attribute(flow: Flow, state: State, me: Reference, cls: ClassValue, name: str) -> Value | None:
    """What some other method of the class assigns to `self.name` (or unknown: that it does)."""
    found: list[Value] = []
    for ancestor in cls.info.ancestors:
        for number, expression, annotation in self_assignments(flow, ancestor).get(name, ()):
            info = flow.index.function_at(ancestor.module, number, ancestor)
            running = (name, info)
            if running in flow.running:
                continue
            flow.running.add(running)
            try:
                found.append(_assigned_in(flow, state, me, info, expression, annotation))
            finally:
                flow.running.discard(running)
    known = [value for value in found if value not in (NONE, UNKNOWN)]
    if known:
        return union(tuple(known[:3]))
    return UNKNOWN if UNKNOWN in found else None


def _assigned_in(
    flow: Flow,
    state: State,
    me: Value,
    info: FunctionInfo,
    expression: p.Expression,
    annotation: p.Expression | None,
) -> Value:
    from asyncsqla_lint.flow.calls import bind

    frame = Frame(flow.new_id(), info.module, info, receiver=me, owner=info.owner, caller=flow.frame)
    state.open_frame(frame.id)
    flow.joining += 1
    try:
        with flow.entered(frame), flow.silently():
            bind(flow, state, frame, info, Arguments((me,), {}, UNKNOWN, UNKNOWN))
            for name, given in _earlier(info, expression):
                state.assign(frame.id, name, flow.evaluate(state, given))
            value = flow.evaluate(state, expression)
            if value in (UNKNOWN, NONE) and annotation is not None:
                value = flow.types.annotation_value(state, frame, annotation, annotation.span)
    except PathEnds:
        value = UNKNOWN
    finally:
        flow.joining -= 1
        state.close_frame(frame.id)
    return value


LOCALS = 3


def _earlier(info: FunctionInfo, expression: p.Expression) -> list[tuple[str, p.Expression]]:
    """What the method has put into the variables of which it is made: `maker = …; self.session = maker()`."""
    given: dict[str, p.Expression | None] = {}
    for statement in statements(info.body):
        if isinstance(statement, p.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, p.Name):
                given[target.id] = None if target.id in given else statement.value
    found: list[tuple[str, p.Expression]] = []
    asked = [expression]
    while asked and len(found) < LOCALS:
        for node in walk(asked.pop()):
            value = given.pop(node.id, None) if isinstance(node, p.Name) else None
            if value is not None and isinstance(node, p.Name):
                found.insert(0, (node.id, value))
                asked.append(value)
    return found


Assignments = dict[str, list[tuple[int, p.Expression, "p.Expression | None"]]]


def self_assignments(flow: Flow, cls: ClassInfo) -> Assignments:
    """`self.name = …` in the methods that the class body defines."""
    methods = kept(cls, "methods", lambda: [one.function for one in cls.members.values() if one.function])
    for method in methods:
        method.consult()

    def find() -> Assignments:
        found: Assignments = {}
        for function in methods:
            if function.header.parameters:
                _assignments(function.body, function.header.parameters[0].name, function.number, found)
        return found

    return kept(cls, "self_assignments", find)


def _assignments(body: p.Statements, me: str, number: int, found: Assignments) -> None:
    for statement in statements(body):
        if not isinstance(statement, (p.Assign, p.AnnotatedAssign)) or statement.value is None:
            continue
        annotation = statement.annotation if isinstance(statement, p.AnnotatedAssign) else None
        for target in statement.targets if isinstance(statement, p.Assign) else (statement.target,):
            if isinstance(target, p.Attribute) and isinstance(target.value, p.Name) and target.value.id == me:
                found.setdefault(target.name, []).append((number, statement.value, annotation))


def assigned_to_class(flow: Flow, cls: ClassValue, name: str) -> Value:
    """What a class method assigns to `cls.name`: one value for the whole project, as a global is."""
    key = (assigned_to_class, cls.info, name)
    return flow.remembered(key, partial(_assigned_to_class, ClassValue(cls.info), name), UNKNOWN)


def _assigned_to_class(cls: ClassValue, name: str, flow: Flow) -> Value:
    found: list[Value] = []
    for ancestor in cls.info.ancestors:
        for number, expression, annotation in self_assignments(flow, ancestor).get(name, ()):
            info = flow.index.function_at(ancestor.module, number, ancestor)
            member = ancestor.members.get(info.name)
            if member is not None and member.is_of_class:
                given = partial(_given_to_class, flow, cls, info, expression, annotation)
                found.append(flow.scopes.at_module(info.module, given))
    found = [value for value in found if value not in (NONE, UNKNOWN)]
    return union(tuple(found[:3])) if found else UNKNOWN


def _given_to_class(
    flow: Flow,
    cls: ClassValue,
    info: FunctionInfo,
    expression: p.Expression,
    annotation: p.Expression | None,
    state: State,
    frame: Frame,
) -> Value:
    return _assigned_in(flow, state, cls, info, expression, annotation)
