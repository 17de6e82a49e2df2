"""Types: what an annotation promises of a value, and whether a value is of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue, Partial
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.promised_calls import PromisedClass, promised
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Constant,
    Reference,
    Symbol,
    Text,
    TupleValue,
    Value,
    union,
)
from asyncsqla_lint.project import names
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.names import External, Scoped, TypeParameter, Variable

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

DEEPEST_TYPE = 5
_GENERATORS = frozenset(
    f"{module}.{name}"
    for module in ("typing", "collections.abc")
    for name in "Iterable Iterator Generator AsyncIterable AsyncIterator AsyncGenerator".split()
)
_LISTS = _GENERATORS.union(
    f"{module}.{name}"
    for module in ("builtins", "typing", "collections.abc")
    for name in (
        "list List set Set frozenset FrozenSet Sequence MutableSequence Collection deque Deque"
    ).split()
)
_DICTS = frozenset(
    f"{module}.{name}"
    for module in ("builtins", "typing", "collections.abc", "collections")
    for name in "dict Dict Mapping MutableMapping defaultdict DefaultDict OrderedDict".split()
)
_TYPES = frozenset({"builtins.type", "typing.Type"})


def yielded(type_: Type) -> Type | None:
    """What a generator of that type gives: `AsyncIterator[AsyncSession]`."""
    is_generator = isinstance(type_.symbol, External) and type_.symbol.name in _GENERATORS
    return type_.arguments[0] if is_generator and type_.arguments else None


class Types:
    """Values of which only the type is known."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._types: dict[tuple[int, object], tuple[p.Expression, Type]] = {}

    def annotation_value(
        self, state: State, frame: Frame, annotation: p.Expression, at: p.Span, receiver: Value | None = None
    ) -> Value:
        return self.of_type(state, self._type(frame, annotation), at, receiver or frame.receiver)

    def _type(self, frame: Frame, annotation: p.Expression) -> Type:
        scope: names.Scope = frame.function or frame.owner
        key = (id(annotation), scope or frame.module)
        known = self._types.get(key)
        if known is None:
            type_ = self.flow.index.type(Scoped(annotation, frame.module, scope))
            known = self._types[key] = (annotation, type_)  # held, so that no id is used twice
        return known[1]

    def classes(self, frame: Frame, annotation: p.Expression) -> tuple[Value, ...]:
        """The classes of which an annotation asks one; none where it says something else too."""
        type_ = self._type(frame, annotation)
        found: list[Value] = []
        for one in type_.union or (type_,):
            if isinstance(one.symbol, ClassInfo):
                found.append(ClassValue(one.symbol))
            elif isinstance(one.symbol, External):
                found.append(ExternalValue(one.symbol.name))
            else:
                return ()
        return tuple(found)

    def of_type(
        self, state: State, type_: Type, at: p.Span, receiver: Value | None = None, depth: int = 0
    ) -> Value:
        """A value of which only its type is known."""
        if depth > DEEPEST_TYPE:
            return UNKNOWN
        if type_.union and type_.symbol is None:
            values = tuple(self.of_type(state, one, at, receiver, depth + 1) for one in type_.union)
            return union((*values, NONE) if type_.optional else values)
        value = self._of_symbol_type(state, type_, at, receiver, depth)
        if type_.optional:
            return union((value, NONE)) if value is not UNKNOWN else UNKNOWN
        return value

    def _of_symbol_type(
        self, state: State, type_: Type, at: p.Span, receiver: Value | None, depth: int
    ) -> Value:
        flow = self.flow
        symbol = type_.symbol
        if symbol is None:
            return UNKNOWN
        bound = self._type_argument(state, symbol, receiver)
        if bound is not None:
            return self.of_type(state, flow.index.type(bound), at, None, depth + 1)
        if isinstance(symbol, ClassInfo):
            arguments = tuple(self.class_of(one, state, receiver) for one in type_.arguments)
            return flow.meanings.instance_of_class(flow, state, ClassValue(symbol, arguments), at, depth)
        if isinstance(symbol, External):
            return self._of_external_type(state, symbol.name, type_, at, receiver, depth)
        return UNKNOWN

    def _of_external_type(
        self, state: State, name: str, type_: Type, at: p.Span, receiver: Value | None, depth: int
    ) -> Value:
        flow = self.flow
        if name in _TYPES and type_.arguments:
            cls = self.class_of(type_.arguments[0], state, receiver)
            return PromisedClass(cls.name) if isinstance(cls, ExternalValue) else cls
        if name in _LISTS:
            if not type_.arguments:
                return UNKNOWN
            element = self._each_of_type(state, type_.arguments[0], at, receiver, depth)
            return flow.allocate(state, ListRecord(None, element))
        if name in _DICTS:
            if len(type_.arguments) != 2:
                return UNKNOWN
            element = self._each_of_type(state, type_.arguments[1], at, receiver, depth)
            return flow.allocate(state, DictRecord({}, element))
        if name in ("builtins.tuple", "typing.Tuple") and type_.arguments:
            return TupleValue(
                tuple(self.of_type(state, one, at, receiver, depth + 1) for one in type_.arguments)
            )
        meaning = flow.meanings.instance(name)
        if meaning is not None:
            arguments = tuple(self.class_of(one, state, receiver) for one in type_.arguments)
            return meaning(flow, state, arguments, at)
        return promised(flow, state, name, type_, receiver) or UNKNOWN

    def _each_of_type(
        self, state: State, type_: Type, at: p.Span, receiver: Value | None, depth: int
    ) -> Value:
        """What stands for each element of a collection."""
        since = self.flow.counter
        element = self.of_type(state, type_, at, receiver, depth + 1)
        if self.flow.counter > since:
            self.flow.repeated(state, since)
        return element

    def class_of(self, type_: Type, state: State, receiver: Value | None) -> Value:
        """What stands for the type itself: `User` in `type[User]`, `Repository[User]`."""
        if type_.symbol is None:
            return UNKNOWN
        bound = self._type_argument(state, type_.symbol, receiver)
        if bound is not None:
            return self.class_of(self.flow.index.type(bound), state, None)
        if isinstance(type_.symbol, ClassInfo):
            return ClassValue(
                type_.symbol, tuple(self.class_of(one, state, receiver) for one in type_.arguments)
            )
        if isinstance(type_.symbol, External):
            return ExternalValue(type_.symbol.name)
        return UNKNOWN

    def _type_argument(self, state: State, symbol: names.Symbol, receiver: Value | None) -> Scoped | None:
        """What a type parameter stands for in the class of `receiver`."""
        if not isinstance(symbol, (TypeParameter, Variable)) or receiver is None:
            return None
        cls = receiver if isinstance(receiver, ClassValue) else None
        if isinstance(receiver, Reference):
            record = state.record(receiver.oid)
            cls = record.cls if isinstance(record, ObjectRecord) else None
        if cls is None:
            return None
        own = cls.info.type_parameters
        if symbol.name in own and own.index(symbol.name) < len(cls.arguments):
            argument = cls.arguments[own.index(symbol.name)]
            if isinstance(argument, ClassValue):
                return Scoped(
                    p.Name(0, argument.info.name), argument.info.module, argument.info.definition_scope
                )
        return cls.info.type_argument(symbol.name)

    def is_instance(self, state: State, value: Value, classes: tuple[Value, ...]) -> bool | None:
        answers = [self._is_instance(state, value, one) for one in classes]
        return True if True in answers else None if None in answers else False

    def _is_instance(self, state: State, value: Value, cls: Value) -> bool | None:
        if isinstance(value, Constant):
            if isinstance(cls, ExternalValue) and cls.name.startswith("builtins."):
                return type(value.value).__name__ == cls.name[9:]
            return False if value == NONE else None
        if isinstance(value, ExternalValue) and self.flow.meanings.exception_ancestors(value.name):
            if isinstance(cls, ExternalValue):  # `except Exception as error:`, of what a database answers
                return self.flow.meanings.is_exception(value.name, cls.name)
            return False if isinstance(cls, ClassValue) else None
        record = state.record(value.oid) if isinstance(value, Reference) else None
        info = record.class_info() if record is not None else None
        if info is None:
            if isinstance(record, ListRecord) and isinstance(cls, ExternalValue):
                return {"builtins.list": record.kind == "list"}.get(cls.name)
            if isinstance(value, Text):
                return cls == ExternalValue("builtins.str")
            if isinstance(cls, ExternalValue):
                return (value if record is None else record).is_external(cls.name)
            return None
        if isinstance(cls, ClassValue):
            if info.is_subclass_of(cls.info):
                return True
            return None if cls.info.is_subclass_of(info) else False
        if isinstance(cls, ExternalValue):
            if info.is_subclass_of(cls.name):
                return True
            return False if cls.name.startswith("builtins.") and not info.has_unknown_base else None
        return None

    def is_callable(self, state: State, value: Value) -> bool | None:
        record = state.record(value.oid) if isinstance(value, Reference) else None
        info = record.class_info() if record is not None else None
        if info is None:
            return (value if record is None else record).is_callable()
        return True if info.find("__call__") else None if info.has_unknown_base else False

    def is_coroutine_function(self, state: State, value: Value) -> bool | None:
        while isinstance(value, Partial):
            value = value.function
        if isinstance(value, FunctionValue):
            return value.info.is_async and not value.info.header.is_generator
        return False if isinstance(value, (ClassValue, Constant)) else None

    def specialise(self, flow: Flow, state: State, value: Value, cls: Value) -> Value | None:
        """`isinstance(value, cls)` holds: an unknown value is now one of that class."""
        if value is UNKNOWN or isinstance(value, Symbol):
            nowhere = Scoped(p.Opaque(0, ()), flow.frame.module)
            if isinstance(cls, ClassValue):
                return self.of_type(state, Type(cls.info, nowhere), 0)
            if isinstance(cls, ExternalValue):
                return self.of_type(state, Type(External(cls.name), nowhere), 0)
        return None
