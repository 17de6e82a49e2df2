"""Objects of the project's classes: making them, and finding their attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow import definitions, descriptors
from asyncsqla_lint.flow.assigned import assigned_attribute, assigned_to_class
from asyncsqla_lint.flow.callables import (
    ClassValue,
    Decorated,
    ExternalValue,
    FunctionValue,
    PartialMethod,
    SuperValue,
)
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.class_bodies import class_value
from asyncsqla_lint.flow.containers import DictRecord, item_name
from asyncsqla_lint.flow.enumerations import automatic
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Reference, Symbol, Value, union
from asyncsqla_lint.program import Scalar, Span
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.names import Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


def instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value:
    special = flow.meanings.instantiate(flow, state, cls, arguments, at)
    if special is not None:
        return special
    maker = cls.info.metaclass
    found = None if maker is None else maker.find("__call__")
    if found is not None and found[1].function is not None:
        return run_function(flow, state, FunctionValue(found[1].function, (), cls), arguments, at)
    return construct(flow, state, cls, arguments, at)


class Maker(Value, frozen=True):
    """`super().__call__`, in a metaclass: what makes an object of the class."""

    cls: ClassValue

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return construct(flow, state, self.cls, arguments, at)


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
    # What a module keeps may have been opened or filled since, by whoever starts the application.
    may_be_set = record.is_open or state.base.get(me.oid) is record
    if value is not None and value is not UNKNOWN:
        if value != NONE or not may_be_set:
            return value
    made = definitions.given(flow, record.cls.info, name) if value is None else None
    if made is not None:
        return bind_to(made, me)
    found = record.cls.info.find(name)
    if found is not None:
        owner, member = found
        replaced = flow.scopes.replaced(state, (record.cls.info, owner), name)
        if replaced is not None:
            return bind_to(replaced, me)
        may_differ = record.is_open or is_settings(record.cls.info)
        if value is None and may_differ and is_left_open(record.cls.info, member):
            frame = Frame(flow.new_id(), owner.module, None, owner=owner, caller=flow.frame)
            assert member.annotation is not None
            result = flow.types.annotation_value(state, frame, member.annotation, member.span, me)
            if result is UNKNOWN:  # the same one whenever it is asked for
                result = Symbol(f"{name} of {me.oid}")
        elif value is None and not may_be_set and _is_none_by_default(record.cls.info, member):
            result = flow.meanings.field(flow, state, record.cls, name, NONE, at)
        else:
            result = member_value(flow, state, me, record.cls, owner, member, at)
        keeps = (
            member.kind in ("value", "cached_property") and descriptors.descriptor_of(flow, member) is None
        )
        # What is the same whoever asks need not be kept: to look at an object changes nothing of it.
        if keeps and value is None and not (member.kind == "value" and isinstance(result, Constant)):
            _remember(state, me, name, result)
        if result is not UNKNOWN:
            return result
    elif name == "__class__" or (name == "__orig_class__" and record.cls.arguments):
        return record.cls
    if value is None or (value == NONE and may_be_set) or value is UNKNOWN:
        assigned = assigned_attribute(flow, state, me, record.cls, name)
        if assigned is not None and (assigned is not UNKNOWN or value == NONE):
            if value is None and found is not None and _begins_with_none(found[1]):
                assigned = union((NONE, assigned))
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


def _begins_with_none(member: Member) -> bool:
    """`_engine: Any = None` in the class body, which some method assigns when it is first asked for."""
    return isinstance(member.value, p.Constant) and member.value.value is None


def _default(member: Member) -> p.Expression | None:
    default = member.value
    if isinstance(default, p.Call):  # `Field(default=…)`, `field(default_factory=…)`
        words = [word.value for word in default.keywords if word.name == "default"]
        default = words[0] if words else default.arguments[0] if default.arguments else None
    return default


def _makes_text(member: Member) -> bool:
    """`dsn: str = field(default_factory=…)`"""
    owner = member.owner
    return (
        isinstance(member.value, p.Call)
        and any(word.name == "default_factory" for word in member.value.keywords)
        and member.annotation is not None
        and owner.index.type(Scoped(member.annotation, owner.module, owner)).external() == "builtins.str"
    )


def _is_none_by_default(cls: ClassInfo, member: Member) -> bool:
    """`size: int | None = None`, of an object that is made without it; settings may come from outside."""
    default = _default(member)
    return (
        member.name in cls.fields
        and cls.kind not in ("class", "protocol")
        and isinstance(default, p.Constant)
        and default.value is None
        and not is_settings(cls)
    )


def is_settings(cls: ClassInfo) -> bool:
    """What is made of it takes its fields from the environment, too."""
    return any(cls.is_subclass_of(f"{home}.BaseSettings") for home in _HOMES_OF_SETTINGS)


_HOMES_OF_SETTINGS = ("pydantic_settings", "pydantic", "pydantic.v1")


def is_left_open(cls: ClassInfo, member: Member) -> bool:
    """A field whose default says nothing of what an object that somebody else has made holds in it."""
    if member.name not in cls.fields or member.annotation is None or cls.kind in ("class", "protocol"):
        return False
    default = _default(member)
    if default is None and _makes_text(member):
        return False
    if isinstance(default, p.Constant):
        return not isinstance(default.value, str)  # settings keep their texts: the environment changes few
    return default is None or isinstance(
        default, (p.ListDisplay, p.DictDisplay, p.SetDisplay, p.TupleDisplay, p.Opaque)
    )


def _remember(state: State, me: Reference, name: str, value: Value) -> None:
    record = state.record(me.oid)
    if isinstance(record, ObjectRecord):
        state.put(me, replace(record, attributes={**record.attributes, name: value}))


def member_value(
    flow: Flow, state: State, me: Value, cls: ClassValue, owner: ClassInfo, member: Member, at: Span
) -> Value:
    """What a member of the class gives when it is read on `me`."""
    if descriptors.descriptor_of(flow, member) is not None:
        return descriptors.get(flow, state, me, cls, owner, member, at)
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


class EnumMember(Constant, frozen=True):
    """A member of an Enum that has methods: they are called on what it stands for."""

    cls: ClassInfo
    name: str

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in ("value", "_value_"):
            return Constant(self.value)
        if name in ("name", "_name_"):
            return Constant(self.name)
        found = self.cls.find(name)
        if found is not None and found[1].function is not None:
            return member_value(flow, state, self, ClassValue(self.cls), *found, at)
        return super().attribute(flow, state, name, at)


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


def _has_methods(cls: ClassInfo) -> bool:
    return any(member.function is not None for member in cls.members.values())


def bound(flow: Flow, member: Member, me: Value, cls: ClassValue) -> Value:
    assert member.function is not None
    function = flow.scopes.function(member.function)
    if member.kind == "staticmethod" or member.name == "__new__":
        return function
    return bind_to(function, cls if member.kind == "classmethod" else me)


def bind_to(function: Value, receiver: Value) -> Value:
    if isinstance(function, FunctionValue):
        return FunctionValue(function.info, function.closure, receiver)
    if isinstance(function, Decorated):
        return Decorated(function.kind, bind_to(function.function, receiver))
    return function


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
        made = _of_metaclass(flow, state, cls, name, at)
        return assigned_to_class(flow, cls, name) if made is None else made
    owner, member = found
    replaced = flow.scopes.replaced(state, (cls.info, owner), name)
    if replaced is not None:
        return replaced
    if descriptors.descriptor_of(flow, member) is not None:
        return descriptors.get(flow, state, None, cls, owner, member, at)
    if member.function is not None:
        if member.kind == "classmethod":
            return bound(flow, member, cls, cls)
        return flow.scopes.function(member.function)
    if member.cls is not None:
        return ClassValue(member.cls)
    value = class_value(flow, state, cls, owner, member, None)
    if owner.kind == "enum":
        number = automatic(owner, member) if value is UNKNOWN else None
        if number is not None:
            return EnumMember(number, owner, name)
        if isinstance(value, Constant) and _has_methods(owner):
            return EnumMember(value.value, owner, name)
    if value in (UNKNOWN, NONE) or (member.annotation is not None and _begins_with_none(member)):
        assigned = assigned_to_class(flow, cls, name)
        if assigned is UNKNOWN:
            return value  # at best what the annotation promises
        # Whoever asks first finds the `None` of the class body: `if cls._instance is None: …`
        return assigned if value is UNKNOWN else union((NONE, assigned))
    return value


def _of_metaclass(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    """What the class itself is an instance of has properties and methods for it: `db.session`."""
    maker = cls.info.metaclass
    found = None if maker is None else maker.find(name)
    if maker is None or found is None:
        return None
    return member_value(flow, state, cls, ClassValue(maker), *found, at)


def super_attribute(flow: Flow, state: State, value: SuperValue, name: str, at: Span) -> Value:
    cls: ClassValue | None = value.receiver if isinstance(value.receiver, ClassValue) else None
    if isinstance(value.receiver, Reference):
        info = state.record(value.receiver.oid).class_info()
        cls = None if info is None else ClassValue(info)
    if cls is None:
        return UNKNOWN
    maker = cls.info.metaclass if cls == value.receiver else None
    if maker is not None and maker.is_subclass_of(value.owner):
        found = maker.find_after(value.owner, name)
        if found is None and name == "__call__":
            return Maker(cls)
    else:
        found = cls.info.find_after(value.owner, name)
    if found is None and name == "__new__" and not cls.info.has_unknown_base:
        return ExternalValue("builtins.object.__new__")
    if found is None:
        inherited = flow.meanings.inherited_attribute(flow, state, value.receiver, cls, name, at)
        return UNKNOWN if inherited is None else inherited
    owner, member = found
    replaced = flow.scopes.replaced(state, (owner,), name)
    if replaced is not None:
        return bind_to(replaced, value.receiver)
    return member_value(flow, state, value.receiver, cls, owner, member, at)


def set_property(
    flow: Flow, state: State, me: Reference, cls: ClassValue, name: str, value: Value, at: Span
) -> None:
    found = cls.info.find(name)
    if found is not None and found[1].setter is not None:
        run_function(flow, state, FunctionValue(found[1].setter, (), me), Arguments((value,)), at)
