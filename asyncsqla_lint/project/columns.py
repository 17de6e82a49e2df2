"""Columns: `Column`, `mapped_column`, sqlmodel's `Field`, `deferred` and `column_property` around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.constants import (
    UNKNOWN,
    Construct,
    at,
    constant,
    followed,
    parsed,
    read_construct,
    read_dict,
    unwrapped,
    value_of,
)
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.models import Column, ForeignKey, Origin
from asyncsqla_lint.project.names import External, Module, Scoped, Variable

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

COLUMN = ("sqlalchemy.Column", "sqlalchemy.orm.mapped_column", "sqlalchemy.orm.MappedColumn")
_EXPRESSIONS = (
    "sqlalchemy.ClauseElement",
    "sqlalchemy.sql.ClauseElement",
    "sqlalchemy.ColumnElement",
    "sqlalchemy.FunctionElement",
    "sqlalchemy.sql.functions.FunctionElement",
    "sqlalchemy.sql.functions.GenericFunction",
    "sqlalchemy.sql.functions.Function",
    "sqlalchemy.Executable",
)
_PYTHON = (
    "builtins.",
    "datetime.",
    "uuid.",
    "time.",
    "secrets.",
    "random.",
    "decimal.",
    "functools.",
    "enum.",
)


@dataclass(frozen=True)
class Declared:
    """Where a column is declared, and how."""

    name: str
    owner: ClassInfo
    module: Module
    span: p.Span
    annotation: Scoped | None = None
    optional: bool | None = None  # what the annotation says, if anything


def read_column(
    index: Index, declared: Declared, construct: Construct | None, metadata: Construct | None = None
) -> Column:
    """A column from its call, its annotation, and the `mapped_column` inside the annotation's metadata."""
    column = Column(declared.name, declared.owner, declared.module, declared.span)
    column.annotation = declared.annotation
    column.column_name = declared.name
    for one in (metadata, construct):
        if one is not None:
            _apply(index, column, one, declared.owner)
    # An annotation speaks to mapped_column alone: a plain Column, also inside `deferred`, does not read it.
    plain = construct is not None and construct.name == "sqlalchemy.Column"
    if column.nullable is None and declared.optional is not None and not plain and not column.primary_key:
        column.nullable = declared.optional
    if column.primary_key and column.nullable is None:
        column.nullable = False
    return column


def _apply(index: Index, column: Column, construct: Construct, subject: ClassInfo) -> None:
    keywords = construct.keywords

    def flag(name: str) -> bool | None:
        value = constant(index, keywords.get(name), subject)
        return value if isinstance(value, bool) else None

    def text(where: Scoped | None) -> str | None:
        value = constant(index, where, subject)
        return value if isinstance(value, str) else None

    column.column_name = text(keywords.get("name")) or column.column_name
    for position, argument in enumerate(construct.arguments):
        if position == 0 and isinstance(argument.expression, (p.Constant, p.FormatString)):
            column.column_name = text(argument) or column.column_name
        else:
            _positional(index, column, argument, subject)
    if "type_" in keywords:
        _positional(index, column, keywords["type_"], subject)
    column.primary_key = flag("primary_key") or column.primary_key
    nullable = flag("nullable")
    column.nullable = column.nullable if nullable is None else nullable
    column.deferred = flag("deferred") or column.deferred
    group = text(keywords.get("deferred_group"))
    if group is not None:
        column.deferred, column.deferred_group = True, group
    if flag("deferred_raiseload"):
        column.deferred = column.deferred_raiseload = True
    default = keywords.get("insert_default", keywords.get("default"))
    if default is not None and not _is_none(default):
        column.default = origin(index, default)
    if "default_factory" in keywords and "insert_default" not in keywords and "default" not in keywords:
        column.default = column.default or "python"
    if "onupdate" in keywords and not _is_none(keywords["onupdate"]):
        column.onupdate = origin(index, keywords["onupdate"])
    for name in ("server_default", "server_onupdate"):
        if name in keywords and not _is_none(keywords[name]):
            setattr(column, name, True)
    if flag("init") is False:
        column.init = False
    column.init_default = column.init_default or bool({"default", "default_factory"} & keywords.keys())
    column.is_complete = column.is_complete and construct.complete


def read_field(index: Index, declared: Declared, construct: Construct | None) -> Column:
    """sqlmodel's `Field(primary_key=True, foreign_key="team.id", …)`, or no Field at all."""
    column = read_column(index, declared, None)
    column.init_default = construct is None
    if construct is None:
        return column
    inner = read_construct(index, construct.keywords.get("sa_column"))
    if inner is not None:
        return read_column(index, declared, inner)
    keywords = {
        name: where
        for name, where in construct.keywords.items()
        if name in ("primary_key", "nullable", "default", "default_factory")
    }
    if construct.arguments and "default" not in keywords:
        keywords["default"] = construct.arguments[0]
    if keywords.get("default") is not None and isinstance(keywords["default"].expression, p.Opaque):
        del keywords["default"]  # `Field(...)`: required
    extra = read_dict(index, construct.keywords.get("sa_column_kwargs"))
    keywords.update(extra or {})
    complete = construct.complete and (extra is not None or "sa_column_kwargs" not in construct.keywords)
    _apply(
        index, column, Construct("sqlalchemy.Column", construct.where, (), keywords, complete), declared.owner
    )
    reference = constant(index, construct.keywords.get("foreign_key"))
    if isinstance(reference, str):
        column.foreign_keys = (reference_of(reference),)
    if column.primary_key:
        column.nullable = False
    return column


def _positional(index: Index, column: Column, argument: Scoped, subject: ClassInfo) -> None:
    made = read_construct(index, argument)
    if made is None:
        return
    if made.name == "sqlalchemy.ForeignKey":
        reference = foreign_key(index, made.argument(0, "column"), subject)
        if reference is not None:
            column.foreign_keys += (reference,)
    elif made.name == "sqlalchemy.Computed":
        column.computed = True
    elif made.name == "sqlalchemy.Identity":
        column.identity = True
    elif made.name == "sqlalchemy.Sequence":
        column.default = "sql"
    elif made.name in ("sqlalchemy.FetchedValue", "sqlalchemy.DefaultClause"):
        if constant(index, made.argument(0, "for_update")) is True or "for_update" in made.keywords:
            column.server_onupdate = True
        else:
            column.server_default = True
    elif made.name == "sqlalchemy.ColumnDefault":
        column.default = origin(index, made.arguments[0]) if made.arguments else "unknown"


def foreign_key(index: Index, where: Scoped | None, subject: ClassInfo | None) -> ForeignKey | None:
    if where is None:
        return None
    where = unwrapped(where)
    value = constant(index, where, subject)
    if isinstance(value, str):
        return reference_of(value)
    node = where.expression
    if isinstance(node, p.FormatString) and node.parts:
        # Only a prefix (the schema, a table's prefix) cannot be told; the last component often can.
        last = constant(index, at(node.parts[-1], where), subject)
        if isinstance(last, str) and last.count(".") >= 2:
            return reference_of(last.lstrip("."))
        return ForeignKey(None)
    if isinstance(node, p.Attribute):
        return _column_reference(index, where, node)
    return ForeignKey(None) if value is UNKNOWN else None


def _column_reference(index: Index, where: Scoped, node: p.Attribute) -> ForeignKey:
    """`User.id`, `User.__table__.c.id`, `users.c.id`."""
    column, base = node.name, node.value
    if isinstance(base, p.Attribute) and base.name in ("c", "columns"):
        base = base.value
    if isinstance(base, p.Attribute) and base.name == "__table__":
        base = base.value
    symbol = index.resolve(where.module, base, where.scope)
    if isinstance(symbol, ClassInfo):
        return ForeignKey(None, None, column, symbol)
    if isinstance(symbol, Variable):
        made = read_construct(index, value_of(symbol))
        if made is not None and made.name == "sqlalchemy.Table":
            name = constant(index, made.argument(0, "name"))
            return ForeignKey(name if isinstance(name, str) else None, None, column)
    return ForeignKey(None, None, column)


def reference_of(text: str) -> ForeignKey:
    """`schema.table.column`, `table.column`, or a table alone."""
    parts = text.split(".")
    if len(parts) == 1:
        return ForeignKey(parts[0])
    return ForeignKey(parts[-2], ".".join(parts[:-2]) or None, parts[-1])


# --- who computes a default --------------------------------------------------------------------------


def origin(index: Index, where: Scoped, depth: int = 0) -> Origin:
    """Whether a default is a SQL expression, which only the database can compute, or Python's."""
    where = followed(where)
    node = where.expression
    if depth > 12:
        return "unknown"
    if isinstance(node, (p.Lambda, p.Constant, p.FormatString, p.DictDisplay, p.ListDisplay, p.TupleDisplay)):
        return "python"
    if isinstance(node, p.BinaryOperation):
        sides = {origin(index, at(side, where), depth + 1) for side in (node.left, node.right)}
        return "sql" if "sql" in sides else "unknown" if "unknown" in sides else "python"
    if isinstance(node, p.UnaryOperation):
        return origin(index, at(node.operand, where), depth + 1)
    if isinstance(node, p.Call):
        return _called(index, where, node, depth)
    if isinstance(node, (p.Name, p.Attribute)):
        symbol = index.resolve(where.module, node, where.scope)
        if isinstance(symbol, (ClassInfo, FunctionInfo)):
            return "python"
        if isinstance(symbol, Variable):
            value = value_of(symbol)
            return "unknown" if value is None else origin(index, value, depth + 1)
        if isinstance(symbol, External):
            return "sql" if symbol.name.startswith("sqlalchemy.func.") else _external(symbol.name)
    return "unknown"


def _external(name: str) -> Origin:
    return "python" if name.startswith(_PYTHON) else "unknown"


def _called(index: Index, where: Scoped, node: p.Call, depth: int) -> Origin:
    symbol = index.resolve(where.module, node.function, where.scope)
    if isinstance(symbol, External):
        return "sql" if symbol.name.startswith("sqlalchemy.") else _external(symbol.name)
    if isinstance(symbol, ClassInfo):
        if any(name in _EXPRESSIONS for name in symbol.external_bases):
            return "sql"
        return "unknown" if symbol.has_unknown_base or symbol.external_bases else "python"
    if isinstance(symbol, FunctionInfo) and not symbol.is_async:
        returned = {
            origin(index, Scoped(one, symbol.module, symbol), depth + 1)
            for one in symbol.returned
            if one is not None
        }
        return returned.pop() if len(returned) == 1 else "unknown"
    if symbol is None and isinstance(node.function, p.Attribute):
        # A method of an expression: `func.now().op(…)`, `text(…).bindparams(…)`.
        return "sql" if origin(index, at(node.function.value, where), depth + 1) == "sql" else "unknown"
    return "unknown"


def _is_none(where: Scoped) -> bool:
    return isinstance(where.expression, p.Constant) and where.expression.value is None


def read_deferred(index: Index, column: Column, construct: Construct) -> Column:
    """`deferred(Column(…), group=…, raiseload=…)`."""
    group = constant(index, construct.keywords.get("group"))
    column.deferred = True
    column.deferred_group = group if isinstance(group, str) else None
    column.deferred_raiseload = constant(index, construct.keywords.get("raiseload")) is True
    return column


def inner_column(index: Index, construct: Construct) -> Construct | None:
    """The Column inside `deferred(…)` or `column_property(…)`, if it is one."""
    if not construct.arguments:
        return None
    inner = read_construct(index, parsed(construct.arguments[0]))
    return inner if inner is not None and inner.name in COLUMN else None
