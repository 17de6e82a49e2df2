"""Relationships: their arguments, target, direction and backrefs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project import tables
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.columns import Declared
from asyncsqla_lint.project.constants import (
    UNKNOWN,
    Construct,
    constant,
    elements,
    is_subject,
    parsed,
    read_construct,
    read_dict,
    unwrapped,
)
from asyncsqla_lint.project.models import Direction, Model, Relationship
from asyncsqla_lint.project.names import External, Scoped, Variable, dotted

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index
    from asyncsqla_lint.project.mapping import Mapping

_KEYED = frozenset(
    ["builtins.dict", "sqlalchemy.orm.KeyFuncDict", "sqlalchemy.orm.MappedCollection"]
    + [f"typing.{name}" for name in ("Dict", "Mapping", "MutableMapping")]
    + [f"collections.abc.{name}" for name in ("Mapping", "MutableMapping")]
)
_COLLECTIONS = _KEYED.union(
    [f"builtins.{name}" for name in ("list", "set", "frozenset", "tuple")]
    + [
        f"{module}.{name}"
        for module in ("typing", "collections.abc")
        for name in (
            *("List", "Set", "FrozenSet", "Tuple", "Sequence", "MutableSequence", "Collection"),
            *("Iterable", "MutableSet", "AbstractSet", "DefaultDict"),
        )
    ]
    + ["sqlalchemy.ext.orderinglist.OrderingList", "sqlalchemy.orm.AppenderQuery"]
)
_LAZY: dict[object, str] = {True: "select", False: "joined", None: "noload"}


def read_relationship(
    model: Model, declared: Declared, construct: Construct, declared_type: Type | None, lazy: str | None
) -> Relationship:
    index = model.mapping.index
    found = Relationship(declared.name, declared.owner, declared.module, declared.span, model=model)
    found.annotation = declared.annotation
    found.is_complete = construct.complete
    keywords = dict(construct.keywords)
    reference = construct.argument(0, "argument")
    if construct.name == "sqlmodel.Relationship":
        reference = None
        inner = read_construct(index, keywords.get("sa_relationship"))
        extra = read_dict(index, keywords.get("sa_relationship_kwargs"))
        if "sa_relationship_kwargs" in keywords and extra is None:
            found.is_complete = False
        if inner is not None:
            reference, keywords = inner.argument(0, "argument"), dict(inner.keywords)
        keywords.update(extra or {})
        if "link_model" in keywords and not _is_none(keywords["link_model"]):
            keywords.setdefault("secondary", keywords["link_model"])
    elif len(construct.arguments) > 1:
        keywords.setdefault("secondary", construct.arguments[1])
    _apply(found, keywords)
    if construct.name == "sqlalchemy.orm.dynamic_loader":
        found.lazy = "dynamic"
    if lazy is not None:
        found.lazy = lazy
    if declared_type is not None:
        element, is_collection = _element(declared_type)
        found.target_reference = element.where if reference is None else reference
        if lazy is None and found.lazy not in ("dynamic", "write_only"):
            found.annotated_uselist = is_collection
            found.is_keyed = declared_type.external() in _KEYED
    else:
        found.target_reference = reference
    if reference is not None:
        found.target_reference = reference
    return found


def _apply(found: Relationship, keywords: dict[str, Scoped]) -> None:
    index, subject = found.model.mapping.index, found.model.cls

    def value(name: str) -> object:
        return constant(index, keywords[name], subject)

    def text(name: str) -> str | None:
        one = value(name) if name in keywords else None
        return one if isinstance(one, str) else None

    if "lazy" in keywords:
        lazy = value("lazy")
        if lazy is UNKNOWN:
            found.lazy = None
        elif isinstance(lazy, str):
            found.lazy = lazy
        else:
            found.lazy = _LAZY.get(lazy)
    elif not found.is_complete:
        found.lazy = None
    if "uselist" in keywords:
        uselist = value("uselist")
        found.uselist_argument = uselist if isinstance(uselist, bool) else None
    found.back_populates = text("back_populates")
    if "backref" in keywords:
        found.backref = _backref_name(found, keywords["backref"])
    found.viewonly = "viewonly" in keywords and value("viewonly") is True
    if "join_depth" in keywords:
        depth = value("join_depth")
        found.join_depth = depth if isinstance(depth, int) else None
    if "innerjoin" in keywords:
        innerjoin = value("innerjoin")
        found.innerjoin = None if innerjoin is UNKNOWN else bool(innerjoin)
    if "secondary" in keywords and not _is_none(keywords["secondary"]):
        found.has_secondary, found.secondary = True, keywords["secondary"]
    found.order_by = keywords.get("order_by")
    found.foreign_keys = keywords.get("foreign_keys")
    found.remote_side = keywords.get("remote_side")
    found.primaryjoin = keywords.get("primaryjoin")
    found.cascade = text("cascade")
    found.passive_deletes = "passive_deletes" in keywords and bool(value("passive_deletes"))
    found.init = not ("init" in keywords and value("init") is False)
    found.init_default = bool({"default", "default_factory"} & keywords.keys())


def _element(declared: Type) -> tuple[Type, bool]:
    """What a relationship's annotation holds, and whether it holds many."""
    name = declared.external()
    symbol = declared.symbol
    many = name in _COLLECTIONS or (isinstance(symbol, ClassInfo) and _is_collection_class(symbol, declared))
    if many and declared.arguments:
        return declared.arguments[-1], True
    return declared, many


def _is_collection_class(cls: ClassInfo, declared: Type) -> bool:
    return bool(declared.arguments) and any(name in _COLLECTIONS for name in cls.external_bases)


def _is_none(where: Scoped) -> bool:
    return isinstance(where.expression, p.Constant) and where.expression.value is None


# --- targets ---------------------------------------------------------------------------------------


def target_of(found: Relationship) -> Model | None:
    where = found.target_reference
    if where is None:
        return None
    mapping = found.model.mapping
    where = unwrapped(where)
    if isinstance(where.expression, p.Constant):
        where = parsed(where)
    if isinstance(where.expression, p.Subscript):
        where = mapping.index.type(where).where
    symbol = mapping.index.resolve(where.module, where.expression, where.scope)
    if isinstance(symbol, Variable) and isinstance(symbol.value, p.Call):
        symbol = mapping.mapped_by(Scoped(symbol.value, symbol.module, symbol.owner or symbol.scope))
    if isinstance(symbol, ClassInfo):
        model = mapping.model(symbol)
        if model is not None:
            return model
    name = dotted(where.expression)
    return None if name is None else registered(mapping, found.model, name)


def registered(mapping: Mapping, source: Model, name: str) -> Model | None:
    """The class that a string names in the registry: by its name, or by a path that ends in it."""
    path, _, short = name.rpartition(".")
    for cls in (source.cls, *mapping.neighbours(source.cls)):
        if cls.name == short:
            model = mapping.model(cls)
            if model is not None:
                return model
    candidates = [one for one in mapping.named(short) if _in_module(one, path)]
    if len(candidates) > 1:
        base = mapping.base_of(source.cls)
        candidates = [one for one in candidates if mapping.base_of(one.cls) == base] or candidates
    for near in (source.module.name, source.module.package):
        if len(candidates) > 1:
            here = [one for one in candidates if near in (one.module.name, one.module.package)]
            candidates = here or candidates
    if len(candidates) > 1:
        candidates = [one for one in candidates if one.module.root == source.module.root]
    return candidates[0] if len(candidates) == 1 else None


def _in_module(model: Model, path: str) -> bool:
    full = f".{model.module.name}."
    return not path or full.endswith(f".{path}.")


# --- direction -------------------------------------------------------------------------------------


def direction_of(found: Relationship) -> Direction | None:
    if found.has_secondary:
        return "many-to-many"
    target, source = found.target, found.model
    if target is None:
        return _guess(found)
    if found.foreign_keys is not None or found.primaryjoin is not None:
        side = _by_columns(found, source, target)
        if side is not None:
            return side
    if source in target.lineage or target in source.lineage:
        related = [
            name for name, reference in tables.foreign_keys(source) if tables.refers_to(reference, source)
        ]
        if found.remote_side is not None:
            remote = _column_names(found.remote_side)
            return "one-to-many" if remote and set(remote) <= set(related) else "many-to-one"
        if source is target or related:
            return "one-to-many"
    forward = [one for one in tables.foreign_keys(source) if tables.refers_to(one[1], target)]
    backward = [one for one in tables.foreign_keys(target) if tables.refers_to(one[1], source)]
    if not forward and not backward:
        forward = [one for one in tables.foreign_keys(source) if tables.may_refer_to(one[1], target)]
        backward = [one for one in tables.foreign_keys(target) if tables.may_refer_to(one[1], source)]
        if forward and backward:
            return _guess(found)
    if forward and backward:
        return _guess(found)
    if forward:
        return "many-to-one"
    return "one-to-many" if backward else _guess(found)


def _guess(found: Relationship) -> Direction | None:
    """By what is annotated, when no foreign key can be seen."""
    uselist = found.uselist_argument if found.uselist_argument is not None else found.annotated_uselist
    if uselist is None:
        return None
    return "one-to-many" if uselist else "many-to-one"


def local_keys_of(found: Relationship) -> frozenset[str]:
    """The columns on its own side whose values say where a many-to-one leads."""
    target = found.target
    if target is None or found.direction != "many-to-one":
        return frozenset()
    if found.foreign_keys is not None:
        return frozenset(_column_names(found.foreign_keys)) & frozenset(found.model.columns)
    keys = tables.foreign_keys(found.model)
    return frozenset(name for name, reference in keys if tables.refers_to(reference, target))


def _by_columns(found: Relationship, source: Model, target: Model) -> Direction | None:
    """Which side the named foreign key columns stand on."""
    if source is target:
        return None
    where = found.foreign_keys
    if where is not None:
        sides = {_side(found, one, source, target) for one in elements(where)}
        if sides == {"source"}:
            return "many-to-one"
        return "one-to-many" if sides == {"target"} else None
    if found.primaryjoin is None:
        return None
    annotated = list(_foreign_in(found.model.mapping.index, unwrapped(parsed(found.primaryjoin))))
    if annotated:
        sides = {_side(found, one, source, target) for one in annotated}
        if sides == {"source"}:
            return "many-to-one"
        return "one-to-many" if sides == {"target"} else None
    forward = backward = False
    for column in _columns_in(unwrapped(parsed(found.primaryjoin))):
        node = column.expression
        if not isinstance(node, p.Attribute):
            continue
        side = _side(found, column, source, target)
        forward = forward or (side == "source" and _is_key(source, node.name, target))
        backward = backward or (side == "target" and _is_key(target, node.name, source))
    if forward == backward:
        return None
    return "many-to-one" if forward else "one-to-many"


def _side(found: Relationship, column: Scoped, source: Model, target: Model) -> str | None:
    column = unwrapped(parsed(column))
    node = column.expression
    if isinstance(node, p.Name):
        return "source"  # a column of the class body that the relationship stands in
    if not isinstance(node, p.Attribute):
        return None
    base = node.value
    if isinstance(base, p.Attribute) and base.name in ("c", "columns"):
        base = base.value
    if is_subject(base, column):
        return "source"
    symbol = found.model.mapping.index.resolve(column.module, base, column.scope)
    if symbol is None and isinstance(base, p.Name):
        model = registered(found.model.mapping, source, base.id)
        symbol = None if model is None else model.cls
    if isinstance(symbol, ClassInfo):
        is_source = any(symbol is one.cls for one in source.lineage)
        is_target = any(symbol is one.cls for one in target.lineage)
        if is_source and is_target and source is not target:
            return (
                None  # a manager's reports are employees, as the manager is one: either side has the column
            )
        if is_source or is_target:
            return "source" if is_source else "target"
    if isinstance(symbol, Variable):
        made = read_construct(found.model.mapping.index, Scoped(base, column.module, column.scope))
        if made is not None and made.name == "sqlalchemy.Table":
            name = constant(found.model.mapping.index, made.argument(0, "name"))
            if name == source.table_name:
                return "source"
            return "target" if name == target.table_name else None
    return None


def _is_key(model: Model, column: str, other: Model) -> bool:
    return any(
        name == column and (tables.refers_to(reference, other) or tables.may_refer_to(reference, other))
        for name, reference in tables.foreign_keys(model)
    )


def _column_names(where: Scoped) -> list[str]:
    names: list[str] = []
    for one in elements(where):
        node = unwrapped(parsed(one)).expression
        if isinstance(node, (p.ListDisplay, p.TupleDisplay)):
            names += _column_names(Scoped(node, one.module, one.scope))
        elif isinstance(node, p.Attribute):
            names.append(node.name)
        elif isinstance(node, p.Name):
            names.append(node.id)
    return names


def _foreign_in(index: Index, where: Scoped) -> Iterator[Scoped]:
    """The columns that `foreign(…)` marks in a join condition; in a string the name needs no import."""
    for call in _calls_in(where):
        node = call.expression
        if not isinstance(node, p.Call) or not node.arguments:
            continue
        name = dotted(node.function)
        symbol = index.resolve(call.module, node.function, call.scope)
        if symbol == External("sqlalchemy.orm.foreign") or name == "foreign":
            argument = Scoped(node.arguments[0], call.module, call.scope)
            inner = argument.expression
            if isinstance(inner, p.Call) and inner.arguments:  # `foreign(remote(…))`
                argument = Scoped(inner.arguments[0], call.module, call.scope)
            yield argument


def _calls_in(where: Scoped) -> Iterator[Scoped]:
    node = where.expression
    if isinstance(node, p.Call):
        yield where
    for part in _parts(node):
        yield from _calls_in(Scoped(part, where.module, where.scope))


def _parts(node: p.Expression) -> tuple[p.Expression, ...]:
    if isinstance(node, p.Call):
        method = (node.function.value,) if isinstance(node.function, p.Attribute) else ()
        return (*method, *node.arguments)
    if isinstance(node, p.Compare):
        return (node.left, *node.comparators)
    if isinstance(node, p.BinaryOperation):
        return (node.left, node.right)
    return node.elements if isinstance(node, (p.ListDisplay, p.TupleDisplay)) else ()


def _columns_in(where: Scoped) -> Iterator[Scoped]:
    """Every dotted name in a join condition."""
    node = where.expression
    if isinstance(node, p.Attribute) and dotted(node) is not None:
        yield where
    for part in _parts(node):
        yield from _columns_in(Scoped(part, where.module, where.scope))


# --- backrefs --------------------------------------------------------------------------------------


def _backref_name(found: Relationship, where: Scoped) -> str | None:
    index, subject = found.model.mapping.index, found.model.cls
    value = constant(index, where, subject)
    if isinstance(value, str):
        return value
    made = read_construct(index, where)
    if made is None or made.name != "sqlalchemy.orm.backref":
        return None
    value = constant(index, made.argument(0, "name"), subject)
    found.backref_construct = made
    return value if isinstance(value, str) else None


def read_backref(found: Relationship) -> Relationship:
    """The relationship that `backref` puts on the target."""
    target = found.target
    model = found.model if target is None else target
    name = found.backref or ""
    made = Relationship(name, found.owner, found.module, found.span, model=model)
    made.generated_by = found
    made.back_populates = found.name
    made.has_secondary, made.secondary = found.has_secondary, found.secondary
    made.viewonly = found.viewonly
    if found.backref_construct is not None:
        made.is_complete = found.backref_construct.complete
        keywords = {
            key: where for key, where in found.backref_construct.keywords.items() if key != "back_populates"
        }
        _apply(made, keywords)
        made.back_populates = found.name
        made.has_secondary = made.has_secondary or found.has_secondary
    return made
