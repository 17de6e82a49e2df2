"""Objects of the project's classes: making them, and finding their attributes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow import definitions
from asyncsqla_lint.flow.callables import ClassValue, Decorated, FunctionValue, PartialMethod, SuperValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.containers import DictRecord, item_name
from asyncsqla_lint.flow.frames import Frame, PathEnds
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Reference, Value, union
from asyncsqla_lint.flow.worlds import Table
from asyncsqla_lint.program import Scalar, Span
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External
from asyncsqla_lint.project.walking import statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


def instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value:
    special = flow.meanings.instantiate(flow, state, cls, arguments, at)
    if special is not None:
        return special
    return construct(flow, state, cls, arguments, at)


def construct(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Reference:
    if cls.info.kind == "typeddict":
        items: dict[Scalar, Value] = dict(arguments.keywords.items())
        return flow.allocate(state, DictRecord(items, arguments.more_keywords))
    reference = flow.allocate(state, ObjectRecord(cls))
    found = cls.info.find("__init__")
    if found is not None and found[1].function is not None:
        run_function(flow, state, FunctionValue(found[1].function, (), reference), arguments, at)
    elif cls.info.is_subclass_of("builtins.dict"):
        entries = {item_name(name): value for name, value in arguments.keywords.items()}
        state.put(reference, ObjectRecord(cls, entries))
    elif cls.info.kind != "class" or cls.info.fields:
        set_fields(flow, state, reference, cls, arguments)
        after = cls.info.find("__post_init__")
        if after is not None and after[1].function is not None:
            run_function(flow, state, FunctionValue(after[1].function, (), reference), Arguments(), at)
    return reference


def set_fields(flow: Flow, state: State, me: Reference, cls: ClassValue, arguments: Arguments) -> None:
    """Constructor arguments of dataclasses, schemas and the like."""
    attributes: dict[str, Value] = {}
    positional = list(arguments.positional)
    for name in cls.info.fields:
        if name in arguments.keywords:
            attributes[name] = arguments.keywords[name]
        elif positional and cls.info.kind != "pydantic":
            attributes[name] = positional.pop(0)
        elif arguments.more is not None or arguments.more_keywords is not None:
            attributes[name] = UNKNOWN
    state.put(me, ObjectRecord(cls, attributes))


# --- attributes ----------------------------------------------------------------------------------


def object_attribute(
    flow: Flow, state: State, me: Reference, record: ObjectRecord, name: str, at: Span
) -> Value:
    value = record.attributes.get(name)
    if value is not None and value is not UNKNOWN:
        if value != NONE or not record.is_open:
            return value
    made = definitions.given(flow, record.cls.info, name) if value is None else None
    if made is not None:
        return bind_to(made, me)
    found = record.cls.info.find(name)
    if found is not None:
        owner, member = found
        if value is None and record.is_open and is_left_open(record.cls.info, member):
            frame = Frame(flow.new_id(), owner.module, None, owner=owner, caller=flow.frame)
            assert member.annotation is not None
            result = flow.types.annotation_value(state, frame, member.annotation, member.span, me)
        else:
            result = member_value(flow, state, me, record.cls, owner, member, at)
        if member.kind in ("value", "cached_property") and value is None:
            _remember(state, me, name, result)
        if result is not UNKNOWN:
            return result
    elif name == "__class__" or (name == "__orig_class__" and record.cls.arguments):
        return record.cls
    if value is None or (value == NONE and record.is_open) or value is UNKNOWN:
        assigned = assigned_attribute(flow, state, me, record.cls, name)
        if assigned is not None:
            _remember(state, me, name, assigned)
            return assigned
    if value is not None:
        return value
    if found is None:
        inherited = flow.meanings.inherited_attribute(flow, state, me, record.cls, name, at)
        if inherited is not None:
            return inherited
        proxy = record.cls.info.find("__getattr__")
        if proxy is not None and proxy[1].function is not None:
            getter = FunctionValue(proxy[1].function, (), me)
            return run_function(flow, state, getter, Arguments((Constant(name),)), at)
    return UNKNOWN


def is_left_open(cls: ClassInfo, member: Member) -> bool:
    """A field whose default says nothing of what an object that somebody else has made holds in it."""
    if member.name not in cls.fields or member.annotation is None or cls.kind in ("class", "protocol"):
        return False
    default = member.value
    if isinstance(default, p.Call):  # `Field(default=…)`, `field(default_factory=…)`
        words = [word.value for word in default.keywords if word.name == "default"]
        default = words[0] if words else default.arguments[0] if default.arguments else None
    if isinstance(default, p.Constant):
        return not isinstance(default.value, str)  # settings keep their texts: the environment changes few
    return default is None or isinstance(
        default, (p.ListDisplay, p.DictDisplay, p.SetDisplay, p.TupleDisplay, p.Opaque)
    )


def _remember(state: State, me: Reference, name: str, value: Value) -> None:
    record = state.record(me.oid)
    if isinstance(record, ObjectRecord):
        state.put(me, ObjectRecord(record.cls, {**record.attributes, name: value}, record.is_open))


def member_value(
    flow: Flow, state: State, me: Value, cls: ClassValue, owner: ClassInfo, member: Member, at: Span
) -> Value:
    """What a member of the class gives when it is read on `me`."""
    if member.function is not None:
        member = _implemented(cls.info, member)
        assert member.function is not None
        if member.kind in ("property", "cached_property"):
            return run_function(flow, state, FunctionValue(member.function, (), me), Arguments(), at)
        return bound(flow, member, me, cls)
    if member.cls is not None:
        return ClassValue(member.cls)
    value = class_value(flow, state, cls, owner, member, me)
    if isinstance(value, Getting):
        return bind_to(value.function, me).call(flow, state, Arguments(), at)
    if isinstance(value, PartialMethod):
        return value.bound(bind_to(value.made.function, me))
    return flow.meanings.field(flow, state, cls, member.name, value, at)


class Getting(Value, frozen=True):
    """`total = property(lambda self: …)`."""

    function: Value


def _implemented(cls: ClassInfo, member: Member) -> Member:
    """An abstract method with one implementation in the project is that implementation."""
    if not member.is_abstract and cls.kind != "protocol":
        return member
    found = {
        one.members[member.name].function: one.members[member.name]
        for one in cls.subclasses
        if member.name in one.members and not one.members[member.name].is_abstract
    }
    return next(iter(found.values())) if len(found) == 1 and None not in found else member


def bound(flow: Flow, member: Member, me: Value, cls: ClassValue) -> Value:
    assert member.function is not None
    function = flow.scopes.function(member.function)
    if member.kind == "staticmethod":
        return function
    return bind_to(function, cls if member.kind == "classmethod" else me)


def bind_to(function: Value, receiver: Value) -> Value:
    if isinstance(function, FunctionValue):
        return FunctionValue(function.info, function.closure, receiver)
    if isinstance(function, Decorated):
        return Decorated(function.kind, bind_to(function.function, receiver))
    return function


def class_value(
    flow: Flow, state: State, cls: ClassValue, owner: ClassInfo, member: Member, me: Value | None
) -> Value:
    """A value of the class body: what is assigned there, or else what its annotation promises."""
    if is_container(owner, member):
        return class_container(flow, owner, member)
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
        "builtins.dict",
        "builtins.list",
        "builtins.set",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
    }
)


def is_container(owner: ClassInfo, member: Member) -> bool:
    """A list or dict that instances share, where a dataclass or a schema would give each its own."""
    if owner.kind == "enum" or (owner.kind != "class" and member.name in owner.fields):
        return False
    if isinstance(member.value, p.Call):
        made = owner.index.resolve(owner.module, member.value.function, owner)
        return isinstance(made, External) and made.name in _CONTAINERS
    return isinstance(member.value, (p.DictDisplay, p.ListDisplay, p.SetDisplay))


def class_container(flow: Flow, owner: ClassInfo, member: Member) -> Value:
    """A list or dict of the class body is one for the whole project, and other modules may fill it."""
    key = (class_container, owner, member.name)
    return flow.remembered(key, partial(_class_container, key, owner, member), UNKNOWN)


def _class_container(key: object, owner: ClassInfo, member: Member, flow: Flow) -> Value:
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
    """The names of the class body that a value of it mentions."""

    def find() -> list[tuple[str, Member]]:
        mentioned: set[str] = set()
        _mentioned(member.value, mentioned)
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


def assigned_attribute(flow: Flow, state: State, me: Reference, cls: ClassValue, name: str) -> Value | None:
    """What some other method of the class assigns to `self.name`."""
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
    found = [value for value in found if value not in (NONE, UNKNOWN)]
    return union(tuple(found[:3])) if found else None


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
            value = flow.evaluate(state, expression)
            if value in (UNKNOWN, NONE) and annotation is not None:
                value = flow.types.annotation_value(state, frame, annotation, annotation.span)
    except PathEnds:
        value = UNKNOWN
    finally:
        flow.joining -= 1
        state.close_frame(frame.id)
    return value


Assignments = dict[str, list[tuple[int, p.Expression, "p.Expression | None"]]]


def self_assignments(flow: Flow, cls: ClassInfo) -> Assignments:
    """`self.name = …` in the methods that the class body defines."""
    cls.module.consult()

    def find() -> Assignments:
        found: Assignments = {}
        for member in cls.members.values():
            function = member.function
            if function is None or not function.header.parameters:
                continue
            if function.module is not cls.module:
                cls.index.foundation.add(function.module)
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


def class_attribute(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value:
    special = flow.meanings.class_attribute(flow, state, cls, name, at)
    if special is not None:
        return special
    made = definitions.given(flow, cls.info, name)
    if made is not None:
        return made
    found = cls.info.find(name)
    if found is None:
        if name == "__name__":
            return Constant(cls.info.name)
        if name == "__orig_bases__":
            return definitions.written_bases(flow, state, cls)
        return assigned_to_class(flow, cls, name)
    owner, member = found
    if member.function is not None:
        if member.kind == "classmethod":
            return bound(flow, member, cls, cls)
        return flow.scopes.function(member.function)
    if member.cls is not None:
        return ClassValue(member.cls)
    value = class_value(flow, state, cls, owner, member, None)
    if value in (UNKNOWN, NONE):
        assigned = assigned_to_class(flow, cls, name)
        return value if assigned is UNKNOWN else assigned
    return value


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
            if member is not None and member.kind == "classmethod":
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


def super_attribute(flow: Flow, state: State, value: SuperValue, name: str, at: Span) -> Value:
    cls: ClassValue | None = value.receiver if isinstance(value.receiver, ClassValue) else None
    if isinstance(value.receiver, Reference):
        info = state.record(value.receiver.oid).class_info()
        cls = None if info is None else ClassValue(info)
    if cls is None:
        return UNKNOWN
    found = cls.info.find_after(value.owner, name)
    if found is None:
        inherited = flow.meanings.inherited_attribute(flow, state, value.receiver, cls, name, at)
        return UNKNOWN if inherited is None else inherited
    owner, member = found
    return member_value(flow, state, value.receiver, cls, owner, member, at)


def set_property(
    flow: Flow, state: State, me: Reference, cls: ClassValue, name: str, value: Value, at: Span
) -> None:
    found = cls.info.find(name)
    if found is not None and found[1].setter is not None:
        run_function(flow, state, FunctionValue(found[1].setter, (), me), Arguments((value,)), at)
