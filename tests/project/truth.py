"""What SQLAlchemy makes of a source, and what our Index makes of it, in one comparable shape."""

from __future__ import annotations

import itertools
import linecache
import sys
import types
import warnings
from typing import Any

from sqlalchemy.orm import Mapper, configure_mappers
from sqlalchemy.orm import properties as orm_properties
from sqlalchemy.orm.decl_api import registry as Registry
from sqlalchemy.sql.schema import Column as SQLColumn

from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.models import Column, Model, Relationship
from asyncsqla_lint.syntax import lower

Shape = dict[str, Any]
_LAZY = {True: "select", False: "joined", None: "noload"}
_counter = itertools.count()


def make_index(sources: dict[str, str]) -> Index:
    """An index of modules; a name that ends in `.__init__` is a package."""
    modules = []
    for name, text in sources.items():
        package = name.endswith("__init__")
        dotted = name.removesuffix("__init__").rstrip(".") if package else name
        path = name.replace(".", "/") + ".py"
        modules.append(Module(dotted, path, package, lower(text)))
    return Index(modules)


# --- SQLAlchemy's answer ---------------------------------------------------------------------------


def execute(source: str) -> dict[str, Shape]:
    """Run a module of models and read every mapper that it made."""
    name = f"models_under_test_{next(_counter)}"
    module = types.ModuleType(name)
    module.__file__ = f"<{name}>"
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(True), module.__file__)
    sys.modules[name] = module
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, module.__file__, "exec", dont_inherit=True), vars(module))
            return _read(name)
    finally:
        for one in _registries(vars(module)):
            one.dispose(cascade=True)
        del sys.modules[name]
        linecache.cache.pop(module.__file__, None)


def _registries(namespace: dict[str, Any]) -> list[Registry]:
    found: list[Registry] = []
    for value in list(namespace.values()):
        own = (
            value
            if isinstance(value, Registry)
            else getattr(value, "registry", getattr(value, "_sa_registry", None))
        )
        if isinstance(own, Registry) and own not in found:
            found.append(own)
    return found


def _read(name: str) -> dict[str, Shape]:
    configure_mappers()
    found: dict[str, Shape] = {}
    for own in _registries(vars(sys.modules[name])):
        for mapper in own.mappers:
            if mapper.class_.__module__ == name:
                found[mapper.class_.__name__] = _mapper(mapper)
    return found


def _mapper(mapper: Mapper[Any]) -> Shape:
    columns: Shape = {}
    others: Shape = {}
    for key, prop in mapper.attrs.items():
        if isinstance(prop, orm_properties.RelationshipProperty):
            continue
        if isinstance(prop, orm_properties.ColumnProperty):
            column = prop.columns[0]
            if isinstance(column, SQLColumn) and _is_of_another(mapper, key):
                continue
            if isinstance(column, SQLColumn):
                columns[key] = _column(column, prop)
            elif prop.strategy_key == (("query_expression", True),):
                others[key] = "query_expression"
            else:
                others[key] = "column_property"
        else:
            others[key] = type(prop).__name__.removesuffix("Property").lower()
    for key, descriptor in mapper.all_orm_descriptors.items():
        kind = getattr(descriptor.extension_type, "name", "")
        if kind == "HYBRID_PROPERTY":
            others[key] = "hybrid"
        elif kind == "ASSOCIATION_PROXY":
            others[key] = "association_proxy"
    return {
        "table": mapper.local_table.name,
        "parent": mapper.inherits.class_.__name__ if mapper.inherits else None,
        "inheritance": _inheritance(mapper),
        "primary_key": sorted(mapper.get_property_by_column(one).key for one in mapper.primary_key),
        "eager_defaults": mapper.eager_defaults,
        "polymorphic_load": mapper.polymorphic_load,
        "columns": columns,
        "relationships": {
            key: {
                "target": prop.mapper.class_.__name__,
                "uselist": prop.uselist,
                "direction": _direction(prop.direction.name),
                "lazy": _LAZY.get(prop.lazy, prop.lazy),
                "secondary": prop.secondary is not None,
                "viewonly": prop.viewonly,
                "inverse": sorted(one.key for one in prop._reverse_property)[:1],
                "join_depth": prop.join_depth,
            }
            for key, prop in mapper.relationships.items()
        },
        "others": others,
    }


def _is_of_another(mapper: Mapper[Any], key: str) -> bool:
    """A class below a joined table is given the columns that one beside its parent, declared between the two,
    has put into the grandparents' table. Nobody has said that it has them, and nobody means to.
    """

    def declares(cls: type) -> bool:
        return key in vars(cls).get("__annotations__", ())

    others = (other.class_ for other in mapper.registry.mappers if other.single)
    lineage = mapper.class_.__mro__
    return not any(map(declares, lineage)) and any(declares(one) for one in others if one not in lineage)


def _direction(name: str) -> str:
    return {"MANYTOONE": "many-to-one", "ONETOMANY": "one-to-many", "MANYTOMANY": "many-to-many"}[name]


def _inheritance(mapper: Mapper[Any]) -> str | None:
    if mapper.inherits is None:
        return None
    return "concrete" if mapper.concrete else "single" if mapper.single else "joined"


def _column(column: SQLColumn[Any], prop: Any) -> Shape:
    return {
        "name": column.name,
        "primary_key": column.primary_key,
        "nullable": bool(column.nullable),
        "deferred": bool(prop.deferred),
        "default": _origin(column.default),
        "onupdate": _origin(column.onupdate),
        "server_default": column.server_default is not None
        and column.computed is None
        and column.identity is None,
        "server_onupdate": column.server_onupdate is not None and column.computed is None,
        "computed": column.computed is not None,
        "identity": column.identity is not None,
        "foreign_keys": sorted(key.target_fullname for key in column.foreign_keys),
    }


def _origin(default: Any) -> str | None:
    if default is None:
        return None
    return "sql" if default.is_clause_element or default.is_sequence else "python"


# --- ours ------------------------------------------------------------------------------------------


def understand(index: Index) -> dict[str, Shape]:
    return {model.name: _model(model) for model in index.models}


def _our_inheritance(model: Model) -> str | None:
    if model.parent is None:
        return None
    concrete = model.mapper_arguments.get("concrete")
    if concrete is not None and model.mapping.constant(concrete, model.cls) is True:
        return "concrete"
    return "joined" if model.has_own_table else "single"


def _model(model: Model) -> Shape:
    return {
        "table": model.table_name,
        "parent": model.parent.name if model.parent else None,
        "inheritance": _our_inheritance(model),
        "primary_key": sorted(model.primary_key),
        "eager_defaults": model.eager_defaults,
        "polymorphic_load": model.polymorphic_load,
        "columns": {name: _our_column(one) for name, one in model.columns.items()},
        "relationships": {name: _our_relationship(one) for name, one in model.relationships.items()},
        "others": {
            name: one.kind
            for name, one in model.attributes.items()
            if not isinstance(one, (Column, Relationship))
        },
    }


def _our_column(column: Column) -> Shape:
    return {
        "name": column.column_name,
        "primary_key": column.primary_key,
        "nullable": True if column.nullable is None else column.nullable,
        "deferred": column.deferred,
        "default": column.default,
        "onupdate": column.onupdate,
        "server_default": column.server_default,
        "server_onupdate": column.server_onupdate,
        "computed": column.computed,
        "identity": column.identity,
        "foreign_keys": sorted(_reference(one) for one in column.foreign_keys),
    }


def _reference(reference: Any) -> str:
    if reference.cls is not None:
        return f"<{reference.cls.name}>.{reference.column}"
    return ".".join(part for part in (reference.schema, reference.table, reference.column) if part)


def _our_relationship(relationship: Relationship) -> Shape:
    return {
        "target": relationship.target.name if relationship.target else None,
        "uselist": relationship.uselist,
        "direction": relationship.direction,
        "lazy": relationship.lazy,
        "secondary": relationship.has_secondary,
        "viewonly": relationship.viewonly,
        "inverse": [relationship.inverse.name] if relationship.inverse else [],
        "join_depth": relationship.join_depth,
    }
