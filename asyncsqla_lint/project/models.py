"""Mapped classes: what SQLAlchemy's mapper would know of them.

Data first: a `Model` and the attributes that it maps. How they are read from source is in `mapping`,
`columns` and `relationships`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, Union

from asyncsqla_lint import program as p
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.names import Module, Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.project.constants import Construct
    from asyncsqla_lint.project.mapping import Mapping

Direction = Literal["many-to-one", "one-to-many", "many-to-many"]
Origin = Literal["python", "sql", "unknown"]  # who computes a default: the program or the database
Style = Literal["declarative", "imperative", "sqlmodel", "flask"]


@dataclass(eq=False)
class MappedAttribute:
    """One attribute of a mapped class; `module` and `span` are where it is declared."""

    kind: ClassVar[str] = "unknown"

    name: str
    owner: ClassInfo  # the class whose body declares it: the model, a base or a mixin
    module: Module
    span: p.Span

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.owner.name}.{self.name})"


@dataclass(eq=False, repr=False)
class UnknownAttribute(MappedAttribute):
    """Something is mapped here, and what cannot be told."""


@dataclass(frozen=True)
class ForeignKey:
    """A column's reference, by table name or by class."""

    table: str | None
    schema: str | None = None
    column: str | None = None
    cls: ClassInfo | None = None


@dataclass(eq=False, repr=False)
class Column(MappedAttribute):
    kind: ClassVar[str] = "column"

    column_name: str = ""
    primary_key: bool = False
    nullable: bool | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()
    deferred: bool = False
    deferred_group: str | None = None
    deferred_raiseload: bool = False
    default: Origin | None = None
    onupdate: Origin | None = None
    server_default: bool = False
    server_onupdate: bool = False
    computed: bool = False
    identity: bool = False
    is_complete: bool = True  # False: arguments came in by a `**` that could not be read
    annotation: Scoped | None = None
    init: bool = True  # is a parameter of a dataclass's constructor
    init_default: bool = False  # and has a default there

    @property
    def is_set_by_server_on_insert(self) -> bool:
        """Its value after an INSERT is known to the database only."""
        return self.server_default or self.computed or self.identity or self.default == "sql"

    @property
    def is_set_by_server_on_update(self) -> bool:
        """Its value after an UPDATE is known to the database only, so the flush expires it."""
        return self.server_onupdate or self.computed or self.onupdate == "sql"


@dataclass(eq=False, repr=False)
class Relationship(MappedAttribute):
    kind: ClassVar[str] = "relationship"

    model: Model = field(kw_only=True)  # the side that it is read from
    lazy: str | None = "select"  # None: cannot be told
    viewonly: bool = False
    join_depth: int | None = None
    innerjoin: bool | None = False
    has_secondary: bool = False
    secondary: Scoped | None = None
    order_by: Scoped | None = None
    back_populates: str | None = None
    backref: str | None = None
    uselist_argument: bool | None = None
    annotated_uselist: bool | None = None
    is_keyed: bool = False  # `Mapped[dict[str, Stock]]`
    target_reference: Scoped | None = None
    foreign_keys: Scoped | None = None
    remote_side: Scoped | None = None
    primaryjoin: Scoped | None = None
    cascade: str | None = None
    passive_deletes: bool = False
    is_complete: bool = True
    annotation: Scoped | None = None
    init: bool = True
    init_default: bool = False
    backref_construct: Construct | None = None
    generated_by: Relationship | None = None  # the relationship whose `backref` made this one

    @property
    def cascades_deletes(self) -> bool:
        return any(word in (self.cascade or "") for word in ("delete", "all"))

    @cached_property
    def target(self) -> Model | None:
        """The mapped class that it leads to; None when that cannot be told."""
        if self.generated_by is not None:
            return self.generated_by.model
        return self.model.mapping.target_of(self)

    @cached_property
    def direction(self) -> Direction | None:
        if self.generated_by is not None:
            return _OPPOSITE.get(self.generated_by.direction)
        return self.model.mapping.direction_of(self)

    @cached_property
    def local_keys(self) -> frozenset[str]:
        """The columns on this side whose values say where a many-to-one leads."""
        return frozenset() if self.generated_by is not None else self.model.mapping.local_keys_of(self)

    @cached_property
    def uselist(self) -> bool | None:
        """Whether it holds a collection; None when that cannot be told."""
        if self.uselist_argument is not None:
            return self.uselist_argument
        if self.annotated_uselist is False:
            return False
        if self.direction is not None:
            return self.direction != "many-to-one"
        return self.annotated_uselist

    @cached_property
    def inverse(self) -> Relationship | None:
        """The relationship on the target that back_populates or backref ties to this one."""
        if self.generated_by is not None:
            return self.generated_by
        name = self.back_populates or self.backref
        found = None if name is None or self.target is None else self.target.attributes.get(name)
        return found if isinstance(found, Relationship) else None


_OPPOSITE: dict[Direction | None, Direction] = {
    "many-to-one": "one-to-many",
    "one-to-many": "many-to-one",
    "many-to-many": "many-to-many",
}


@dataclass(eq=False, repr=False)
class Composite(MappedAttribute):
    kind: ClassVar[str] = "composite"

    attributes: tuple[str, ...] = ()  # of the columns it is made of, where they have names


@dataclass(eq=False, repr=False)
class Synonym(MappedAttribute):
    kind: ClassVar[str] = "synonym"

    target: str | None = None


@dataclass(eq=False, repr=False)
class ColumnProperty(MappedAttribute):
    """`column_property(expression)`; of a single Column it is that Column."""

    kind: ClassVar[str] = "column_property"

    deferred: bool = False
    deferred_group: str | None = None
    deferred_raiseload: bool = False
    expires_on_flush: bool = True


@dataclass(eq=False, repr=False)
class QueryExpression(MappedAttribute):
    kind: ClassVar[str] = "query_expression"


@dataclass(eq=False, repr=False)
class Hybrid(MappedAttribute):
    """A hybrid property: its getter runs on the instance."""

    kind: ClassVar[str] = "hybrid"


@dataclass(eq=False, repr=False)
class AssociationProxy(MappedAttribute):
    kind: ClassVar[str] = "association_proxy"

    collection: str | None = None
    attribute: str | None = None


Attribute = Union[
    Column,
    Relationship,
    Composite,
    Synonym,
    ColumnProperty,
    QueryExpression,
    Hybrid,
    AssociationProxy,
    UnknownAttribute,
]


@dataclass(eq=False)
class Model:
    """A mapped class."""

    mapping: Mapping
    cls: ClassInfo
    style: Style

    def __repr__(self) -> str:
        return f"Model({self.cls.module.name}.{self.cls.qualname})"

    @property
    def name(self) -> str:
        return self.cls.name

    @property
    def module(self) -> Module:
        return self.cls.module

    @property
    def span(self) -> p.Span:
        return self.cls.span

    @cached_property
    def parent(self) -> Model | None:
        """The mapped class that it inherits from."""
        for ancestor in self.cls.ancestors[1:]:
            model = self.mapping.model(ancestor)
            if model is not None:
                return model
        return None

    @cached_property
    def lineage(self) -> tuple[Model, ...]:
        """This model and those it inherits from, nearest first."""
        line = [self]
        while line[-1].parent is not None and line[-1].parent not in line:
            line.append(line[-1].parent)
        return tuple(line)

    @property
    def root(self) -> ClassInfo:
        """The class at the top of its inheritance: whose table all of them are in."""
        return self.lineage[-1].cls

    @cached_property
    def own_attributes(self) -> dict[str, Attribute]:
        """What it maps itself, mixins and abstract bases included, inherited mappings not."""
        return self.mapping.attributes_of(self)

    @cached_property
    def attributes(self) -> dict[str, Attribute]:
        """Everything that the mapper knows, inherited and backrefs included."""
        found = dict(self.parent.attributes) if self.parent is not None and self in self.lineage[:1] else {}
        found.update(self.own_attributes)
        for name, attribute in self.mapping.backrefs_of(self).items():
            found.setdefault(name, attribute)
        return found

    @cached_property
    def columns(self) -> dict[str, Column]:
        return {name: one for name, one in self.attributes.items() if isinstance(one, Column)}

    @cached_property
    def relationships(self) -> dict[str, Relationship]:
        return {name: one for name, one in self.attributes.items() if isinstance(one, Relationship)}

    def written_by_listeners(self, event: str) -> frozenset[str]:
        """The attributes to which listeners to an event of its mapper (`before_update`) give a value."""
        return self.mapping.listeners.written(self, event)

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        root = self.lineage[-1]
        return tuple(name for name, one in root.columns.items() if one.primary_key)

    @cached_property
    def table_name(self) -> str | None:
        """Its table's name (the parent's in single-table inheritance); None when it cannot be told."""
        return self.mapping.table_name_of(self)

    @cached_property
    def schema(self) -> str | None:
        return self.mapping.schema_of(self)

    @cached_property
    def has_own_table(self) -> bool:
        return self.mapping.has_own_table(self)

    @property
    def subclasses(self) -> tuple[Model, ...]:
        found = (self.mapping.model(cls) for cls in self.cls.subclasses)
        return tuple(model for model in found if model is not None)

    @cached_property
    def mapper_arguments(self) -> dict[str, Scoped]:
        """`__mapper_args__` by name."""
        return self.mapping.mapper_arguments_of(self)

    @cached_property
    def eager_defaults(self) -> bool | Literal["auto"] | None:
        """None when it cannot be told; "auto" is SQLAlchemy's default."""
        for model in self.lineage:
            where = model.mapper_arguments.get("eager_defaults")
            if where is not None:
                value = self.mapping.constant(where, self.cls)
                if isinstance(value, bool):
                    return value
                return "auto" if value == "auto" else None
        return "auto"

    @cached_property
    def polymorphic_on(self) -> Scoped | None:
        return next(
            (
                one.mapper_arguments["polymorphic_on"]
                for one in self.lineage
                if "polymorphic_on" in one.mapper_arguments
            ),
            None,
        )

    @cached_property
    def discriminator(self) -> str | None:
        """The column that says of which class a row is: `"kind"`, `kind`, `table.c.kind`."""
        said = None if self.polymorphic_on is None else self.polymorphic_on.expression
        if isinstance(said, p.Constant):
            return str(said.value)
        if isinstance(said, p.Attribute):
            return said.name
        return said.id if isinstance(said, p.Name) else None

    @cached_property
    def polymorphic_load(self) -> str | None:
        where = self.mapper_arguments.get("polymorphic_load")
        value = None if where is None else self.mapping.constant(where, self.cls)
        return value if isinstance(value, str) else None

    @cached_property
    def with_polymorphic(self) -> bool:
        """Its mapper loads columns of subclasses along: of all (`"*"`) or some, taken for all."""
        return "with_polymorphic" in self.mapper_arguments

    @cached_property
    def has_async_attrs(self) -> bool | None:
        """Whether `awaitable_attrs` is there; None when an ancestor is unknown."""
        return self.mapping.has_async_attrs(self)

    @cached_property
    def is_open(self) -> bool:
        """Some ancestor is unknown, so there may be attributes that are not seen."""
        return self.mapping.is_open(self)

    @cached_property
    def is_dataclass(self) -> bool:
        return self.mapping.is_dataclass(self)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names that its constructor takes: in order for a dataclass, any mapped name otherwise."""
        if not self.is_dataclass:
            return tuple(self.attributes)
        return tuple(
            name
            for name, one in self.attributes.items()
            if not isinstance(one, (Column, Relationship)) or (one.init and _is_field(one))
        )

    def fields(self, purpose: str | None = None) -> tuple[str, ...]:
        """The fields of a dataclass, or those that take part in its `repr` or in how it is compared."""
        if purpose is not None and _is_off(self.cls, "eq" if purpose == "compare" else purpose):
            return ()
        return tuple(
            name
            for name in self.cls.fields
            if name in self.attributes and not (purpose is not None and _is_left_out(self.cls, name, purpose))
        )


def _is_off(cls: ClassInfo, word: str) -> bool:
    """`class User(MappedAsDataclass, Base, eq=False)`, `@mapped_as_dataclass(repr=False)`."""
    for ancestor in cls.ancestors:
        words = [*ancestor.definition.keywords]
        for decorator in ancestor.definition.decorators:
            words += decorator.keywords if isinstance(decorator, p.Call) else ()
        for one in words:
            if one.name == word:
                return isinstance(one.value, p.Constant) and one.value.value is False
    return False


def _is_left_out(cls: ClassInfo, name: str, purpose: str) -> bool:
    """`mapped_column(repr=False)`; what an `Annotated` type says is not looked for."""
    found = cls.find(name)
    call = None if found is None else found[1].value
    return isinstance(call, p.Call) and any(
        word.name == purpose and isinstance(word.value, p.Constant) and word.value.value is False
        for word in call.keywords
    )


def _is_field(attribute: Column | Relationship) -> bool:
    return attribute.annotation is not None
