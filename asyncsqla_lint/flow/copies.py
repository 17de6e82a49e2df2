"""Copies of values and of Python's own records, with other objects and other symbols in them."""

from __future__ import annotations

from collections.abc import Mapping

from asyncsqla_lint.flow.callables import ClassValue, Decorated, FunctionValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Symbol,
    TupleValue,
    Union,
    UnknownCall,
    Value,
)

PLAIN = (ListRecord, DictRecord, ObjectRecord)  # Python's own, of which there can be copies


class Copier:
    def __init__(self, objects: Mapping[int, Reference], symbols: Mapping[str, str]) -> None:
        self.objects = objects
        self.symbols = symbols

    def value(self, value: Value) -> Value:
        if value is UNKNOWN or isinstance(value, Constant):
            return value
        if isinstance(value, Reference):
            return self.objects.get(value.oid, value)
        if isinstance(value, Symbol):
            return self._symbol(value)
        if isinstance(value, TupleValue):
            return TupleValue(self.values(value.elements))
        if isinstance(value, Union):
            return Union(self.values(value.alternatives))
        if isinstance(value, ClassValue):
            return ClassValue(value.info, self.values(value.arguments)) if value.arguments else value
        if isinstance(value, FunctionValue) and value.receiver is not None:
            return FunctionValue(value.info, value.closure, self.value(value.receiver))
        if isinstance(value, Decorated):
            return Decorated(value.kind, self.value(value.function))
        if isinstance(value, Method):
            return Method(self.value(value.receiver), value.name)
        if isinstance(value, UnknownCall):
            return UnknownCall(self.values(value.touched))
        return value

    def _symbol(self, symbol: Symbol) -> Symbol:
        """A symbol is called after the one that it was read from: `user` of `user.id`."""
        found = self.symbols.get(symbol.name)
        if found is not None:
            return Symbol(found)
        head, dot, rest = symbol.name.partition(".")
        found = self.symbols.get(head)
        return symbol if found is None else Symbol(f"{found}{dot}{rest}")

    def values(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        return tuple([self.value(one) for one in values])

    def arguments(self, given: Arguments) -> Arguments:
        return Arguments(
            self.values(given.positional),
            {name: self.value(one) for name, one in given.keywords.items()},
            None if given.more is None else self.value(given.more),
            None if given.more_keywords is None else self.value(given.more_keywords),
        )

    def record(self, record: Record) -> Record:
        if type(record) is ListRecord:
            return ListRecord(
                None if record.items is None else self.values(record.items),
                None if record.element is None else self.value(record.element),
                record.kind,
                record.may_be_empty,
            )
        if type(record) is DictRecord:
            return DictRecord(
                {key: self.value(one) for key, one in record.entries.items()},
                None if record.other is None else self.value(record.other),
                None if record.other_key is None else self.value(record.other_key),
                {key: self.value(one) for key, one in record.by_key.items()},
                record.default,  # a constant
            )
        if type(record) is ObjectRecord:
            cls = self.value(record.cls)
            assert isinstance(cls, ClassValue)
            attributes = {name: self.value(one) for name, one in record.attributes.items()}
            held = tuple(self.value(one) for one in record.held)
            return ObjectRecord(cls, attributes, record.is_open, held)
        return record
