"""What the project's mapped classes give: an instance that is made, or promised, a mapper, SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import Arguments, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import Hybrid, MappedAttribute
from asyncsqla_lint.semantics.assumptions import only_session
from asyncsqla_lint.semantics.expressions import SQL, AttributeValue
from asyncsqla_lint.semantics.instances import InstanceRecord, allocate, forget_defaults
from asyncsqla_lint.semantics.mappers import MapperValue
from asyncsqla_lint.semantics.writing import construct

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


MEMBER_DECORATORS = frozenset(
    {
        "sqlalchemy.ext.hybrid.hybrid_property",
        "sqlalchemy.ext.hybrid.hybrid_method",
        "sqlalchemy.orm.declared_attr",
        "sqlalchemy.orm.declared_attr.directive",
        "sqlalchemy.orm.declared_attr.cascading",
        "sqlalchemy.orm.validates",
        "sqlalchemy.orm.reconstructor",
    }
)


def register(meanings: Meanings) -> None:
    meanings.member_decorators |= MEMBER_DECORATORS
    meanings.when_instantiated.append(_instantiate)
    meanings.when_promised.append(_promise)
    meanings.when_class_read.append(_class_attribute)
    meanings.when_root_ended.append(forget_defaults)


def _instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    model = flow.index.model(cls.info)
    return None if model is None else construct(flow, state, cls, model, arguments, at)


def _promise(flow: Flow, state: State, cls: ClassValue, at: Span) -> Value | None:
    model = flow.index.model(cls.info)
    if model is None:
        return None
    return allocate(flow, state, InstanceRecord(model, plan=None, session=only_session(flow, state)))


def _class_attribute(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    model = flow.index.model(cls.info)
    if model is None:
        return None
    if name in ("__mapper__", "__table__"):
        return MapperValue(model)
    attribute = model.attributes.get(name)
    if isinstance(attribute, MappedAttribute) and not isinstance(attribute, Hybrid):
        return AttributeValue(cls.info, name)
    return SQL if isinstance(attribute, Hybrid) else None
