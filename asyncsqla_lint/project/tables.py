"""Tables behind mapped classes: names, columns of `Table(…)`, and foreign keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project import libraries
from asyncsqla_lint.project.columns import COLUMN, Declared, foreign_key, read_column, reference_of
from asyncsqla_lint.project.constants import Construct, constant, elements, read_construct, read_dict
from asyncsqla_lint.project.models import Column, ForeignKey, Model
from asyncsqla_lint.project.names import Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.project.mapping import Mapping


def table_of(mapping: Mapping, model: Model) -> Construct | None:
    """The `Table(…)` that a class is mapped to by hand."""
    where: Scoped | None = None
    if model.cls in mapping.imperative:
        where = mapping.imperative[model.cls][0]
    else:
        member = model.cls.members.get("__table__")
        where = None if member is None else member.where
    made = read_construct(mapping.index, where)
    return made if made is not None and made.name == "sqlalchemy.Table" else None


def read_columns(mapping: Mapping, model: Model, table: Construct) -> Iterator[Column]:
    for argument in table.arguments[2:]:
        made = read_construct(mapping.index, argument)
        if made is None or made.name not in COLUMN:
            continue
        key = constant(mapping.index, made.keywords.get("key"))
        if not isinstance(key, str):
            key = constant(mapping.index, made.argument(0, "name"))
        if isinstance(key, str):
            yield read_column(mapping.index, Declared(key, model.cls, argument.module, argument.span), made)


def _names(mapping: Mapping, model: Model) -> list[Scoped]:
    """The values that `__tablename__` may take for a class itself, not only for what it inherits from."""
    for ancestor in model.cls.ancestors:
        member = ancestor.members.get("__tablename__")
        if member is None:
            continue
        if ancestor is not model.cls and member.function is None and mapping.model(ancestor) is not None:
            return []  # a plain name belongs to the mapped class that states it
        if member.function is not None:
            function = member.function
            return [Scoped(one, function.module, function) for one in function.returned if one is not None]
        return [] if member.where is None else [member.where]
    return []


def has_own_table(model: Model) -> bool:
    mapping = model.mapping
    if model.parent is None or "__table__" in model.cls.members or model.cls in mapping.imperative:
        return True
    names = _names(mapping, model)
    return bool(names) and not any(_is_none(where) for where in names)


def table_name_of(model: Model) -> str | None:
    mapping = model.mapping
    table = table_of(mapping, model)
    if table is not None:
        name = constant(mapping.index, table.argument(0, "name"), model.cls)
        return name if isinstance(name, str) else None
    names = _names(mapping, model)
    if model.parent is not None and (not names or any(_is_none(where) for where in names)):
        return model.parent.table_name if model.parent is not model else None
    for where in names:
        if not _is_none(where):
            value = constant(mapping.index, where, model.cls)
            return value if isinstance(value, str) else None
    if model.style == "sqlmodel":
        return model.name.lower()
    if model.style == "flask" or any(libraries.is_base(name) for name in model.cls.external_bases):
        return re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", model.name).lower()
    return None


def schema_of(model: Model) -> str | None:
    for where in _table_arguments(model):
        options = read_dict(model.mapping.index, where)
        if options is not None and "schema" in options:
            value = constant(model.mapping.index, options["schema"], model.cls)
            return value if isinstance(value, str) else None
    return None


def _table_arguments(model: Model) -> Iterator[Scoped]:
    """What stands in `__table_args__`, or after the name and metadata of a `Table(…)`."""
    for where in model.mapping.directive(model.cls, "__table_args__"):
        yield from elements(where)
    table = table_of(model.mapping, model)
    if table is not None:
        yield from table.arguments[2:]


def foreign_keys(model: Model) -> list[tuple[str, ForeignKey]]:
    """Column name and reference of each foreign key of a model's tables, without joined inheritance's."""
    found: list[tuple[str, ForeignKey]] = []
    for column in model.columns.values():
        for reference in column.foreign_keys:
            parent = _model_of(model, column)
            if column.primary_key and parent is not None and refers_to(reference, parent):
                continue
            found.append((column.name, reference))
    return found


def apply_constraints(model: Model, columns: dict[str, Column]) -> None:
    """A ForeignKeyConstraint's references, given to the columns that it names."""
    for where in _table_arguments(model):
        made = read_construct(model.mapping.index, where)
        if made is None or made.name != "sqlalchemy.ForeignKeyConstraint":
            continue
        for name, reference in _constraint(model, made):
            for column in columns.values():
                if name in (column.column_name, column.name):
                    column.foreign_keys += (reference,)
                    break


def _constraint(model: Model, made: Construct) -> Iterator[tuple[str, ForeignKey]]:
    local, remote = made.argument(0, "columns"), made.argument(1, "refcolumns")
    if local is None or remote is None:
        return
    names = elements(local)
    for position, where in enumerate(elements(remote)):
        name = _column_name(model, names[position]) if position < len(names) else None
        if name is None:
            continue
        value = constant(model.mapping.index, where, model.cls)
        if isinstance(value, str):
            yield name, reference_of(value)
        elif isinstance(where.expression, p.Attribute):
            reference = foreign_key(model.mapping.index, where, model.cls)
            if reference is not None:
                yield name, reference


def _column_name(model: Model, where: Scoped) -> str | None:
    value = constant(model.mapping.index, where, model.cls)
    if isinstance(value, str):
        return value
    return where.expression.id if isinstance(where.expression, p.Name) else None


def _model_of(model: Model, column: Column) -> Model | None:
    """The mapped parent of the model in the lineage that maps a column: where its inheritance key points."""
    for one in model.lineage:
        if one.own_attributes.get(column.name) is column:
            return one.parent
    return None


def refers_to(reference: ForeignKey, target: Model) -> bool:
    if reference.cls is not None:
        return any(reference.cls is one.cls for one in target.lineage) or any(
            target.cls is other for other in reference.cls.ancestors
        )
    if reference.table is None:
        return False
    for one in target.lineage:
        if one.table_name == reference.table and reference.schema in (None, one.schema):
            return True
        if one.table_name == reference.table and one.schema is None:
            return True
    return False


def may_refer_to(reference: ForeignKey, target: Model) -> bool:
    """Whether it could, as one of the two tables' names cannot be told."""
    if reference.cls is not None:
        return False
    if reference.table is None:
        return True
    unnamed = any(one.table_name is None for one in target.lineage)
    return unnamed and reference.table not in target.mapping.known_tables


def _is_none(where: Scoped) -> bool:
    return isinstance(where.expression, p.Constant) and where.expression.value is None
