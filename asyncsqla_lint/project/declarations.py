"""One member of a class body, as the attributes that it maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project import relationships
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.columns import (
    COLUMN,
    Declared,
    inner_column,
    read_column,
    read_deferred,
    read_field,
)
from asyncsqla_lint.project.constants import Construct, constant, read_construct, unwrapped
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.models import (
    AssociationProxy,
    Attribute,
    ColumnProperty,
    Composite,
    Hybrid,
    Model,
    QueryExpression,
    Synonym,
    UnknownAttribute,
)
from asyncsqla_lint.project.names import External, Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.project.mapping import Mapping

DECLARED_ATTR = (
    "sqlalchemy.orm.declared_attr",
    "sqlalchemy.orm.declared_attr.directive",
    "sqlalchemy.orm.declared_attr.cascading",
)
_HYBRID = "sqlalchemy.ext.hybrid.hybrid_property"
MAPPED = {
    "sqlalchemy.orm.Mapped": None,
    "sqlalchemy.orm.DynamicMapped": "dynamic",
    "sqlalchemy.orm.WriteOnlyMapped": "write_only",
}
_RELATIONSHIP = (
    "sqlalchemy.orm.relationship",
    "sqlalchemy.orm.relation",
    "sqlalchemy.orm.dynamic_loader",
    "sqlalchemy.orm.RelationshipProperty",
    "sqlalchemy.orm.Relationship",
    "sqlmodel.Relationship",
)
# Values of classes that are never mapped, so that an unread call there is no unknown attribute.
_NOT_MAPPED = ("builtins.", "logging.", "typing.", "datetime.", "re.", "dataclasses.", "functools.", "enum.")


def returned(function: FunctionInfo) -> Iterator[Scoped]:
    for expression in function.returned:
        if expression is not None:
            yield Scoped(expression, function.module, function)


def read_member(mapping: Mapping, model: Model, owner: ClassInfo, member: Member) -> list[Attribute]:
    function = member.function
    if function is not None:
        wrapper = None if member.value is None else read_construct(mapping.index, member.where)
        if function.decorated_by(_HYBRID) or (wrapper is not None and wrapper.name == _HYBRID):
            return [Hybrid(member.name, owner, owner.module, member.span)]
        if not function.decorated_by(*DECLARED_ATTR):
            return []
        annotation = function.header.returns
        annotated = None if annotation is None else Scoped(annotation, function.module, owner)
        for where in returned(function):
            return read_value(mapping, model, owner, member.name, where, annotated, member.span)
        return [UnknownAttribute(member.name, owner, owner.module, member.span)]
    if member.kind != "value":
        return []
    if member.value is None and model.style != "sqlmodel":
        mapped = None if member.annotated is None else mapping.index.type(member.annotated)
        if mapped is None or mapped.external() not in MAPPED:
            return []
    return read_value(mapping, model, owner, member.name, member.where, member.annotated, member.span)


def read_value(
    mapping: Mapping,
    model: Model,
    owner: ClassInfo,
    name: str,
    where: Scoped | None,
    annotation: Scoped | None,
    place: p.Span,
) -> list[Attribute]:
    """What `name: annotation = value` maps; nothing when it is no mapping at all."""
    index = mapping.index
    where = None if where is None else unwrapped(where)
    construct = read_construct(index, where)
    declared_type = None if annotation is None else index.type(annotation)
    inner, lazy = _inside_mapped(declared_type)
    module = owner.module if where is None else where.module
    if owner.module is not module and annotation is not None:
        module = owner.module  # a value borrowed from elsewhere is still declared here
    declared = Declared(name, owner, module, place, annotation, None if inner is None else inner.optional)
    if construct is None:
        return _without_construct(mapping, model, declared, where, declared_type, inner)
    if construct.name in _RELATIONSHIP:
        return [relationships.read_relationship(model, declared, construct, inner or declared_type, lazy)]
    if construct.name in COLUMN:
        return [read_column(index, declared, construct, _metadata(mapping, inner))]
    if construct.name == "sqlmodel.Field" or (
        construct.name == "pydantic.Field" and model.style == "sqlmodel"
    ):
        return _sqlmodel_field(mapping, declared, declared_type, construct)
    return _other(mapping, declared, construct, inner)


def _without_construct(
    mapping: Mapping,
    model: Model,
    declared: Declared,
    where: Scoped | None,
    declared_type: Type | None,
    inner: Type | None,
) -> list[Attribute]:
    if inner is not None:
        if where is None or model.cls.kind == "dataclass" or isinstance(where.expression, p.Constant):
            column = read_column(mapping.index, declared, None, _metadata(mapping, inner))
            column.init_default = where is not None
            return [column]
        return [UnknownAttribute(declared.name, declared.owner, declared.module, declared.span)]
    if model.style == "sqlmodel":
        if declared_type is None or declared_type.external() == "typing.ClassVar":
            return []
        return _sqlmodel_field(mapping, declared, declared_type, None)
    if where is not None and isinstance(where.expression, p.Call) and not _is_class_variable(declared):
        symbol = mapping.index.resolve(where.module, where.expression.function, where.scope)
        if symbol is None or isinstance(symbol, FunctionInfo):
            return [UnknownAttribute(declared.name, declared.owner, declared.module, declared.span)]
    return []


def _sqlmodel_field(
    mapping: Mapping, declared: Declared, declared_type: Type | None, construct: Construct | None
) -> list[Attribute]:
    if declared.name == "model_config" or declared.name.startswith("_"):
        return []
    if _is_class_variable(declared):
        return []
    if construct is None and declared_type is not None:
        for metadata in declared_type.metadata:
            inside = read_construct(mapping.index, metadata)
            if inside is not None and inside.name == "sqlmodel.Field":
                construct = inside
    optional = None if declared_type is None else declared_type.optional
    declared = Declared(
        declared.name, declared.owner, declared.module, declared.span, declared.annotation, optional
    )
    return [read_field(mapping.index, declared, construct)]


def _is_class_variable(declared: Declared) -> bool:
    """`ClassVar[…]`: no mapper looks at it."""
    annotation = None if declared.annotation is None else declared.annotation.expression
    if not isinstance(annotation, p.Subscript):
        return False
    index = declared.owner.index
    return index.resolve(declared.module, annotation.value, declared.owner) == External("typing.ClassVar")


def _inside_mapped(declared: Type | None) -> tuple[Type | None, str | None]:
    """The type inside Mapped[…], and the loading that DynamicMapped or WriteOnlyMapped asks for."""
    if declared is None or declared.external() not in MAPPED:
        return None, None
    inner = declared.arguments[0] if declared.arguments else None
    return inner, MAPPED[declared.external() or ""]


def _metadata(mapping: Mapping, inner: Type | None) -> Construct | None:
    """The mapped_column in `Annotated[int, mapped_column(primary_key=True)]`."""
    for where in () if inner is None else inner.metadata:
        construct = read_construct(mapping.index, where)
        if construct is not None and construct.name in COLUMN:
            return construct
    return None


def _other(mapping: Mapping, declared: Declared, construct: Construct, inner: Type | None) -> list[Attribute]:
    index = mapping.index
    place = (declared.name, declared.owner, declared.module, declared.span)

    def text(position: int, keyword: str) -> str | None:
        value = constant(index, construct.argument(position, keyword), declared.owner)
        return value if isinstance(value, str) else None

    short = construct.name.rpartition(".")[2]
    if not construct.name.startswith("sqlalchemy."):
        if construct.name.startswith(_NOT_MAPPED) or declared.name == "model_config":
            return []
        if _is_class_variable(declared):
            return []
        return [UnknownAttribute(*place)]
    if short == "deferred":
        wrapped = inner_column(index, construct)
        if wrapped is not None:
            column = read_column(index, replace(declared, optional=None), wrapped)
            return [read_deferred(index, column, construct)]
        return [ColumnProperty(*place, deferred=True)]
    if short in ("column_property", "ColumnProperty", "MappedSQLExpression"):
        wrapped = inner_column(index, construct)
        deferred = constant(index, construct.keywords.get("deferred")) is True
        group = constant(index, construct.keywords.get("group"))
        raiseload = constant(index, construct.keywords.get("raiseload")) is True
        if wrapped is not None:
            column = read_column(index, replace(declared, optional=None), wrapped)
            column.deferred, column.deferred_raiseload = deferred or column.deferred, raiseload
            return [column]
        return [
            ColumnProperty(
                *place,
                deferred=deferred,
                deferred_group=group if isinstance(group, str) else None,
                deferred_raiseload=raiseload,
                expires_on_flush=constant(index, construct.keywords.get("expire_on_flush")) is not False,
            )
        ]
    if short in ("composite", "Composite", "CompositeProperty"):
        return _composite(mapping, declared, construct, inner)
    if short in ("synonym", "Synonym", "SynonymProperty"):
        return [Synonym(*place, target=text(0, "name"))]
    if short == "query_expression":
        return [QueryExpression(*place)]
    if short == "association_proxy":
        proxy = AssociationProxy(*place, collection=text(0, "target_collection"), attribute=text(1, "attr"))
        return [proxy]
    if short == "hybrid_property":
        return [Hybrid(*place)]
    if short in ("Table", "ForeignKey", "Index", "UniqueConstraint", "CheckConstraint", "MetaData"):
        return []
    return [UnknownAttribute(*place)]


def _composite(
    mapping: Mapping, declared: Declared, construct: Construct, inner: Type | None
) -> list[Attribute]:
    index = mapping.index
    names: list[str] = []
    found: list[Attribute] = []
    # The columns take the types of the fields of the class that they make up.
    cls = None if inner is None else inner.symbol
    fields = list(cls.fields.values()) if isinstance(cls, ClassInfo) else []
    arguments = construct.arguments
    if arguments and index.resolve(arguments[0].module, arguments[0].expression, arguments[0].scope) == cls:
        arguments = arguments[1:] if cls is not None else arguments
    for position, argument in enumerate(arguments):
        value = constant(index, argument, declared.owner)
        made = read_construct(index, argument)
        if isinstance(value, str):
            names.append(value)
        elif made is not None and made.name in COLUMN:
            column_name = constant(index, made.argument(0, "name"))
            if isinstance(column_name, str):
                annotated = fields[position].annotated if position < len(fields) else None
                optional = None if annotated is None else index.type(annotated).optional
                place = Declared(
                    column_name, declared.owner, declared.module, argument.span, optional=optional
                )
                if not isinstance(argument.expression, p.Name):
                    found.append(read_column(index, place, made))
                names.append(column_name)
            elif isinstance(argument.expression, p.Name):
                names.append(argument.expression.id)
    composite = Composite(declared.name, declared.owner, declared.module, declared.span, tuple(names))
    return [*found, composite]
