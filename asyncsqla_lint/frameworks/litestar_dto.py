"""Litestar's DTOs of mapped classes: a `return_dto` reads every field of what a handler returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.frames import Frame, Outcome, PathEnds
from asyncsqla_lint.flow.values import UNKNOWN, Reference, TupleValue, Value, alternatives
from asyncsqla_lint.frameworks.litestar_layers import layers_of
from asyncsqla_lint.frameworks.serializing import Reading, serialize
from asyncsqla_lint.frameworks.validation import PageRecord
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.models import Column, MappedAttribute, Model, Relationship
from asyncsqla_lint.project.names import External, Scoped
from asyncsqla_lint.semantics.instances import InstanceRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

Path = tuple[str, ...]
_NAME = "SQLAlchemyDTO"


class Transfer(Struct):
    """What a DTO takes from an instance."""

    name: str
    excluded: frozenset[Path] = frozenset()
    included: frozenset[Path] = frozenset()
    depth: int = 1  # how many relationships deep

    def wants(self, path: Path) -> bool:
        if path in self.excluded:
            return False
        return not self.included or any(one[: len(path)] == path for one in self.included)


def transfer_of(flow: Flow, info: FunctionInfo, handler: p.Call) -> Transfer | None:
    """The DTO that a handler's response goes through: its own, or that of the nearest layer around it."""
    layers = layers_of(flow.index)
    for name in ("return_dto", "dto"):
        for word in handler.keywords:
            if word.name == name:
                return _read(flow, Scoped(word.value, info.module, info.parent or info.owner))
        found = info.owner.find(name) if info.owner is not None else None
        if found is not None and found[1].value is not None:
            return _read(flow, Scoped(found[1].value, found[0].module, found[0]))
    for layer in layers.around(info):
        where = layer.word("return_dto", "dto")
        if where is not None:
            return _read(flow, where)
    return Transfer(_NAME) if layers.serializes and _returns_rows(flow, info) else None


def _returns_rows(flow: Flow, info: FunctionInfo) -> bool:
    """Is a mapped class, or a collection of its instances, promised?"""
    if info.header.returns is None:
        return False
    type_ = flow.index.type(Scoped(info.header.returns, info.module, info.parent or info.owner))
    for one in (type_, *type_.arguments):
        if isinstance(one.symbol, ClassInfo) and flow.index.model(one.symbol) is not None:
            return True
    return False


def _read(flow: Flow, where: Scoped) -> Transfer | None:
    type_ = flow.index.type(where)
    if _is_dto(type_.symbol):
        return _with_config(flow, Transfer(_NAME), _written(type_))
    if not isinstance(type_.symbol, ClassInfo):
        return None
    cls = type_.symbol
    base = next((one for ancestor in cls.ancestors for one in ancestor.bases if _is_dto(one.symbol)), None)
    if base is None:
        return None
    transfer = Transfer(cls.name)
    config = cls.find("config")
    if config is not None and config[1].value is not None:
        return _with_config(flow, transfer, [Scoped(config[1].value, config[0].module, config[0])])
    arguments = [flow.index.type(one) for one in base.arguments]
    return _with_config(flow, transfer, [one for argument in arguments for one in argument.metadata])


def _is_dto(symbol: object) -> bool:
    return isinstance(symbol, External) and symbol.name.rpartition(".")[2] == _NAME


def _written(type_: Type) -> list[Scoped]:
    return [one for argument in type_.arguments for one in argument.metadata]


def _with_config(flow: Flow, transfer: Transfer, places: list[Scoped]) -> Transfer | None:
    """None where a part of the configuration cannot be read."""
    for where in places:
        if not isinstance(where.expression, p.Call):
            return None
        for word in where.expression.keywords:
            if word.name in ("exclude", "include"):
                paths = _paths(word.value)
                if paths is None:
                    return None
                setattr(transfer, f"{word.name}d", paths)
            elif word.name == "max_nested_depth":
                if not isinstance(word.value, p.Constant) or not isinstance(word.value.value, int):
                    return None
                transfer.depth = word.value.value
            elif word.name is None:
                return None
    return transfer


def _paths(node: p.Expression) -> frozenset[Path] | None:
    """`{"secret", "leaves.0.plant"}`; a number stands for the items of a collection."""
    if not isinstance(node, (p.SetDisplay, p.ListDisplay, p.TupleDisplay)):
        return None
    names = [one.value for one in node.elements if isinstance(one, p.Constant)]
    if len(names) != len(node.elements):
        return None
    return frozenset(tuple(part for part in str(name).split(".") if not part.isdigit()) for name in names)


# --- reading -------------------------------------------------------------------------------------


def transferred(flow: Flow, frame: Frame, outcome: Outcome, transfer: Transfer) -> None:
    state, value, at = outcome.state, outcome.value, outcome.at

    def act(reading: Reading) -> Value:
        _take(flow, state, value, transfer, (), at)
        return UNKNOWN

    try:
        with flow.entered(frame):
            serialize(flow, state, at, transfer.name, act)
    except PathEnds:
        return


def _take(flow: Flow, state: State, value: Value, transfer: Transfer, path: Path, at: p.Span) -> None:
    for one in alternatives(value):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(one, TupleValue) or isinstance(record, ListRecord):
            for element in one.refers_to(state):
                _take(flow, state, element, transfer, path, at)
        elif isinstance(record, PageRecord):
            _take(flow, state, record.items, transfer, path, at)
        elif isinstance(one, Reference) and isinstance(record, InstanceRecord):
            for name, attribute in _fields(record.model, transfer, path):
                inner = one.attribute(flow, state, name, at)
                if isinstance(attribute, Relationship):
                    _take(flow, state, inner, transfer, (*path, name), at)


def _fields(model: Model, transfer: Transfer, path: Path) -> Iterator[tuple[str, MappedAttribute]]:
    for name, attribute in model.attributes.items():
        is_nested = isinstance(attribute, Relationship)
        if not isinstance(attribute, (Column, Relationship)) or (is_nested and len(path) >= transfer.depth):
            continue
        if not name.startswith("_") and transfer.wants((*path, name)) and not _is_marked(attribute):
            yield name, attribute


def _is_marked(attribute: MappedAttribute) -> bool:
    """`info=dto_field("private")`: it may be kept out."""
    member = attribute.owner.members.get(attribute.name)
    call = member.value if member is not None else None
    return isinstance(call, p.Call) and any(word.name == "info" for word in call.keywords)
