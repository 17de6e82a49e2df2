"""Class bodies: what a value there is, and what the class statement itself runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Reference, Value, union
from asyncsqla_lint.flow.worlds import Table
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


def class_value(
    flow: Flow, state: State, cls: ClassValue, owner: ClassInfo, member: Member, me: Value | None
) -> Value:
    """A value of the class body: what is assigned there, or else what its annotation promises."""
    if _is_container(owner, member):
        return _container(flow, owner, member)
    value: Value = UNKNOWN
    if member.value is not None:
        frame = Frame(flow.new_id(), owner.module, None, owner=owner, caller=flow.frame, receiver=me or cls)
        with flow.entered(frame), flow.silently():
            state.open_frame(frame.id)
            _assign_earlier(flow, state, owner, member)
            value = flow.evaluate(state, member.value)
            state.close_frame(frame.id)
    if value in (UNKNOWN, NONE) and member.annotation is not None:
        frame = Frame(flow.new_id(), owner.module, None, owner=owner, caller=flow.frame)
        promised = flow.types.annotation_value(state, frame, member.annotation, member.span, me or cls)
        return promised if value is UNKNOWN or promised is UNKNOWN else union((value, promised))
    return value


_CONTAINERS = frozenset(
    {
        "contextvars.ContextVar",
        "builtins.dict",
        "builtins.list",
        "builtins.set",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
    }
)


def _is_container(owner: ClassInfo, member: Member) -> bool:
    """A list, dict or context variable that instances share; dataclasses and schemas give each its own."""
    if owner.kind == "enum" or (owner.kind != "class" and member.name in owner.fields):
        return False
    if isinstance(member.value, p.Call):
        function = member.value.function
        function = function.value if isinstance(function, p.Subscript) else function
        made = owner.index.resolve(owner.module, function, owner)
        return isinstance(made, External) and made.name in _CONTAINERS
    return isinstance(member.value, (p.DictDisplay, p.ListDisplay, p.SetDisplay))


def _container(flow: Flow, owner: ClassInfo, member: Member) -> Value:
    """A list or dict of the class body is one for the whole project, and other modules may fill it."""
    key = (_container, owner, member.name)
    return flow.remembered(key, partial(_made, key, owner, member), UNKNOWN)


def _made(key: object, owner: ClassInfo, member: Member, flow: Flow) -> Value:
    value = flow.scopes.at_module(owner.module, partial(_contained, flow, owner, member))
    flow.settle(key, value)  # the others ask for it
    flow.scopes.fill(Table(owner, member.name))
    return value


def _contained(flow: Flow, owner: ClassInfo, member: Member, state: State, frame: Frame) -> Value:
    assert member.value is not None
    inner = Frame(flow.new_id(), owner.module, None, owner=owner, caller=frame, receiver=ClassValue(owner))
    with flow.entered(inner):
        state.open_frame(inner.id)
        _assign_earlier(flow, state, owner, member)
        value = flow.evaluate(state, member.value)
        state.close_frame(inner.id)
    if isinstance(value, Reference) and member.annotated is not None:
        state.put(value, state.record(value.oid).annotated(member.annotated))
    return value


def announce(flow: Flow, state: State, cls: ClassValue, node: p.ClassDefinition) -> None:
    """A class statement runs the bases' `__init_subclass__` and the decorators of the project."""
    hook = cls.info.find_after(cls.info, "__init_subclass__") if node.bases else None
    if hook is not None and hook[1].function is not None:
        words = {word.name: flow.evaluate(state, word.value) for word in node.keywords if word.name}
        run_function(flow, state, FunctionValue(hook[1].function, (), cls), Arguments((), words), node.span)
    for expression, symbol in zip(node.decorators, cls.info.decorators, strict=True):
        if not isinstance(symbol, External):
            flow.evaluate(state, expression).call(flow, state, Arguments((cls,)), expression.span)


def _assign_earlier(flow: Flow, state: State, owner: ClassInfo, member: Member) -> None:
    """A class body reads its own earlier names."""
    for name, other in _earlier(owner, member):
        if other.value is not None:
            state.assign(flow.frame.id, name, flow.evaluate(state, other.value))
        elif other.function is not None:
            state.assign(flow.frame.id, name, flow.scopes.function(other.function))


def _earlier(owner: ClassInfo, member: Member) -> list[tuple[str, Member]]:
    """The names of the class body that a value of it mentions, and those that their values mention."""

    def find() -> list[tuple[str, Member]]:
        mentioned: set[str] = set()
        todo = [member]
        while todo:
            found: set[str] = set()
            _mentioned(todo.pop().value, found)
            fresh = found - mentioned
            mentioned |= fresh
            todo += [owner.members[name] for name in fresh if name in owner.members]
        return [
            (name, other)
            for name, other in owner.members.items()
            if name in mentioned and other is not member
        ]

    return kept(owner, f"earlier than {member.name}", find)


def _mentioned(node: p.Expression | None, found: set[str]) -> None:
    if isinstance(node, p.Name):
        found.add(node.id)
    elif isinstance(node, p.Call):
        _mentioned(node.function, found)
        for one in (*node.arguments, *(word.value for word in node.keywords)):
            _mentioned(one, found)
    elif isinstance(node, (p.TupleDisplay, p.ListDisplay)):
        for one in node.elements:
            _mentioned(one, found)
    elif isinstance(node, p.DictDisplay):
        for item in node.items:
            _mentioned(item.value, found)
    elif isinstance(node, (p.Attribute, p.Starred)):
        _mentioned(node.value, found)
    elif isinstance(node, p.BinaryOperation):
        _mentioned(node.left, found)
        _mentioned(node.right, found)
