"""Model graphs: entities with their columns and relationships, their source, and the rows they start with."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

NAMES = ("Author", "Book", "Shop", "Award")
LAZY = (
    "select",
    "select",
    "select",
    "select",
    "joined",
    "selectin",
    "subquery",
    "immediate",
    "raise",
    "raise_on_sql",
    "noload",
)
ROWS = (1, 2, 3)
SUBCLASS_ROWS = (4, 5, 6)
# In each world the same rows refer to other rows, which is what the source cannot know: to their like, to
# the next, all to the first, all to the second; in one the rows that programs name refer to nothing; in two
# they refer to any; in one none refers to another, but to itself where it can; where there is a subclass, in
# a last one all rows are of that and refer to such a row.
UNLINKED = 4
MIXED = (5, 6)
BARE = 7
OF_SUBCLASS = 8
# Where nine worlds say another thing than the linter, these are asked too: any row refers to any other, in
# every second one to itself or to nothing, too; in every third some of the rows are not there; in half of
# them all rows of a class that has a subclass are of that; in half of them rows that no query orders come
# the other way round. Rare worlds are more of these, for what has to coincide.
FURTHER = range(100, 148)
RARE = (range(148, 198), range(198, 248), range(248, 298))

Rows = list[tuple[str, list[dict[str, object]]]]


@dataclass
class Column:
    name: str
    kind: str  # "plain", "deferred", "onupdate", "default"


@dataclass(eq=False)
class Relationship:
    name: str
    owner: Entity
    target: Entity
    direction: str  # "many-to-one", "one-to-many", "many-to-many", "one-to-one"
    lazy: str
    inverse: str | None = None
    key: str = ""  # the foreign key's column, or the association table
    is_near: bool = True  # it stands on the side of the foreign key, or first in the association table

    @property
    def is_collection(self) -> bool:
        return self.direction in ("one-to-many", "many-to-many")


@dataclass(eq=False)
class Entity:
    name: str
    columns: list[Column] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    foreign_keys: list[tuple[str, Entity]] = field(default_factory=list)
    base: Entity | None = None
    inheritance: str = ""  # of a subclass: "joined" or "single"
    subclasses: list[Entity] = field(default_factory=list)
    described: str = ""  # what a property of the class reads
    is_far: bool = False  # …of what a relationship leads to

    @property
    def table(self) -> str:
        holder = self.base if self.base is not None and self.inheritance == "single" else self
        return holder.name.lower() + "s"

    @property
    def with_polymorphic(self) -> str:
        """What programs call the class together with its subclasses."""
        return f"every_{self.name.lower()}"

    @property
    def lineage(self) -> list[Entity]:
        return [self] if self.base is None else [*self.base.lineage, self]

    @property
    def all_columns(self) -> list[Column]:
        return [column for entity in self.lineage for column in entity.columns]

    @property
    def all_relationships(self) -> list[Relationship]:
        return [one for entity in self.lineage for one in entity.relationships]

    @property
    def rows(self) -> tuple[int, ...]:
        return ROWS if self.base is None else SUBCLASS_ROWS

    @property
    def named_rows(self) -> tuple[int, ...]:
        """Those that programs ask for."""
        return self.rows[:2] if self.base is None else self.rows[:1]

    @property
    def all_rows(self) -> tuple[int, ...]:
        return self.rows + (SUBCLASS_ROWS if self.subclasses else ())


@dataclass
class Schema:
    entities: list[Entity]
    associations: list[tuple[str, Entity, Entity]]
    expire_on_commit: bool
    flags: int

    @property
    def worlds(self) -> int:
        return 9 if any(entity.subclasses for entity in self.entities) else 8

    def source(self) -> str:
        return "\n".join(
            [IMPORTS, *map(self._association, self.associations), *map(_class_source, self.entities)]
        )

    @staticmethod
    def _association(one: tuple[str, Entity, Entity]) -> str:
        name, left, right = one
        return (
            f"{name} = Table(\n    {name!r},\n    Base.metadata,\n"
            f'    Column("left_id", ForeignKey("{left.table}.id"), primary_key=True),\n'
            f'    Column("right_id", ForeignKey("{right.table}.id"), primary_key=True),\n)\n'
        )

    def rows(self, world: int) -> Rows:
        """What every table holds at the start."""
        found: Rows = []
        for entity in self.entities:
            if entity.base is None:
                found.append((entity.table, _rows_of(entity, world)))
        for entity in self.entities:
            if entity.inheritance == "joined":
                there = _there(_rows_in(entity, world), entity, world)
                found.append((entity.table, [{"id": id, **_values(entity, id, world)} for id in there]))
        for name, left, right in self.associations:
            pairs = (
                {
                    (id, other)
                    for id in _there(_rows_in(left, world), left, world)
                    for other in _there(_rows_in(right, world), right, world)
                    if Random(f"{world} {name} {id} {other}").random() < 0.4
                    and (id != other or left is not right)
                }
                if world in MIXED or is_drawn(world)
                else {
                    (id, other)
                    for id in left.all_rows
                    for shift in (0, 1)
                    if (other := _referred(id, right, shift + world if world < 2 else world, left is right))
                }
            )
            found.append((name, [{"left_id": one, "right_id": other} for one, other in sorted(pairs)]))
        return found


IMPORTS = """\
from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, func
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(AsyncAttrs, DeclarativeBase):
    pass

"""


def is_drawn(world: int) -> bool:
    return world >= FURTHER.start


def is_loose(world: int) -> bool:
    """May rows refer to themselves there, or to nothing?"""
    return world in (BARE, UNLINKED) or (is_drawn(world) and world % 2 == 1)


def is_of_subclass(world: int) -> bool:
    """Are all rows of a class that has a subclass of that?"""
    return world == OF_SUBCLASS or (is_drawn(world) and world % 4 > 1)


def is_backwards(world: int) -> bool:
    return is_drawn(world) and world % 8 > 3


def _rows_in(entity: Entity, world: int) -> tuple[int, ...]:
    return entity.base.all_rows if entity.base is not None and is_of_subclass(world) else entity.all_rows


def _there(rows: tuple[int, ...], entity: Entity, world: int) -> tuple[int, ...]:
    if not is_drawn(world) or world % 3:
        return rows
    return tuple(id for id in rows if Random(f"{world} {entity.lineage[0].name} {id}").random() < 0.7)


def _rows_of(entity: Entity, world: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    single = [one for one in entity.subclasses if one.inheritance == "single"]
    for id in _there(entity.all_rows, entity, world):
        is_plain = False
        row: dict[str, object] = {"id": id, **_values(entity, id, world)}
        if entity.subclasses:
            is_plain = id in ROWS and not is_of_subclass(world)
            row["kind"] = entity.table if is_plain else entity.subclasses[0].name.lower()
        for subclass in single:
            given = _values(subclass, id, world)
            row |= dict.fromkeys(given) if is_plain else given
        found.append(row)
    return found


def _values(entity: Entity, id: int, world: int) -> dict[str, object]:
    values: dict[str, object] = {column.name: f"{column.name}{id}" for column in entity.columns}
    if "name" in values:
        # Which rows a criterion finds is another thing in each world: some, all, any.
        values["name"] = "other" if world == MIXED[0] else f"name{(id * world + world) % 3}"
        if world == MIXED[1] and Random(f"{entity.name} {id}").random() < 0.3:
            values["name"] = "nobody"
    if is_drawn(world):
        random = Random(f"{world} {entity.name} {id}")
        if "name" in values:
            values["name"] = random.choice(("nobody", "name0", "name1", "name2", None))
        for name, target in entity.foreign_keys:
            there = _there(_rows_in(target, world), target, world)
            rows: list[int | None] = [one for one in there if one != id or is_loose(world)]
            values[name] = random.choice([*rows, None] if is_loose(world) else rows or [None])
        return values
    for name, target in entity.foreign_keys:
        values[name] = (
            Random(f"{world} {entity.name} {name} {id}").choice([one for one in target.rows if one != id])
            if world in MIXED
            else _referred(id, target, world, target in entity.lineage)
        )
    return values


def _referred(id: int, target: Entity, world: int, is_same: bool) -> int | None:
    """The row that row `id` refers to; itself in one world only."""
    rows = target.rows
    if world == BARE:
        return id if is_same and id in rows else None
    if world == UNLINKED:
        return None if id in (1, 2, 4, 5) or (is_same and id in rows) else rows[-1]
    if world == OF_SUBCLASS and target.subclasses:
        return SUBCLASS_ROWS[id == SUBCLASS_ROWS[0] and is_same]
    if world in (2, OF_SUBCLASS):
        return rows[1] if is_same and id == rows[0] else rows[0]
    if world == 3:
        return rows[0] if is_same and id == rows[1] else rows[1]
    return rows[(id - 1 + world + is_same) % len(rows)]


def _class_source(entity: Entity) -> str:
    base = "Base" if entity.base is None else entity.base.name
    lines = [f"\nclass {entity.name}({base}):"]
    if entity.inheritance != "single":
        lines += [f"    __tablename__ = {entity.table!r}", ""]
    if entity.base is None:
        lines.append("    id: Mapped[int] = mapped_column(primary_key=True)")
    elif entity.inheritance == "joined":
        lines.append(
            f'    id: Mapped[int] = mapped_column(ForeignKey("{entity.base.table}.id"), primary_key=True)'
        )
    for column in entity.columns:
        lines.append(f"    {column.name}: Mapped[str | None] = mapped_column({_COLUMNS[column.kind]})")
    for name, target in entity.foreign_keys:
        lines.append(f'    {name}: Mapped[int | None] = mapped_column(ForeignKey("{target.table}.id"))')
    for one in entity.relationships:
        annotation = f"list[{one.target.name}]" if one.is_collection else f"{one.target.name} | None"
        arguments = [f"lazy={one.lazy!r}"] if one.lazy != "select" else []
        if one.inverse is not None:
            arguments.append(f"back_populates={one.inverse!r}")
        arguments += _joining(one)
        lines.append(f"    {one.name}: Mapped[{annotation}] = relationship({', '.join(arguments)})")
    if entity.described:
        lines += [
            "",
            "    @property",
            "    def described(self) -> object:",
            f"        return {entity.described}",
        ]
    if entity.subclasses:
        lines += [
            "    kind: Mapped[str]",
            f'    __mapper_args__ = {{"polymorphic_on": "kind", "polymorphic_identity": {entity.table!r}}}',
        ]
    elif entity.base is not None:
        lines.append(f'    __mapper_args__ = {{"polymorphic_identity": {entity.name.lower()!r}}}')
    return "\n".join(lines) + "\n"


def _joining(one: Relationship) -> list[str]:
    """How the tables are joined, as far as SQLAlchemy cannot find it out."""
    if one.direction == "many-to-many":
        near, far = ("left_id", "right_id") if one.is_near else ("right_id", "left_id")
        found = [f"secondary={one.key!r}"]
        if one.owner is one.target:
            found.append(f'primaryjoin="{one.owner.name}.id == {one.key}.c.{near}"')
            found.append(f'secondaryjoin="{one.target.name}.id == {one.key}.c.{far}"')
        return found
    holder = one.owner if one.is_near else one.target
    found = []
    sides = ({*_family(one.owner)}, {*_family(one.target)})
    keys = {
        name
        for near, far in (sides, sides[::-1])
        for each in near
        for name, target in each.foreign_keys
        if target in far
    }
    if len(keys) > 1:
        found.append(f'foreign_keys="{holder.name}.{one.key}"')
    if one.owner is one.target and one.is_near:
        found.append(f'remote_side="{one.target.name}.id"')
    return found


def _family(entity: Entity) -> list[Entity]:
    return [*entity.lineage, *entity.subclasses]


_COLUMNS = {
    "plain": "",
    "deferred": "deferred=True",
    "onupdate": "server_default=func.now(), onupdate=func.now()",
    "default": "server_default=func.now()",
}


def draw_schema(random: Random) -> Schema:
    entities = [Entity(name, [Column("name", "plain")]) for name in NAMES[: random.randint(2, 3)]]
    schema = Schema(entities, [], random.random() < 0.5, random.choice((0, 0, 1, 2)))
    for entity in list(entities):
        for name, kind, chance in (
            ("notes", "deferred", 0.35),
            ("stamp", "onupdate", 0.3),
            ("since", "default", 0.2),
        ):
            if random.random() < chance:
                entity.columns.append(Column(name, kind))
    if random.random() < 0.4:
        _add_subclass(random, schema)
    for _ in range(random.randint(1, 4)):
        _add_relationship(random, schema)
    for entity in schema.entities:
        if random.random() < 0.5:
            _describe(random, entity)
    return schema


def _describe(random: Random, entity: Entity) -> None:
    """A property: of columns, or of what relationships lead to."""
    if not entity.relationships or random.random() < 0.2:
        entity.described = f"(self.id, self.{random.choice(entity.all_columns).name})"
        return
    one = random.choice(entity.relationships)
    column = random.choice(["id", *(column.name for column in one.target.all_columns)])
    entity.is_far = True
    if one.is_collection:
        entity.described = f"[one.{column} for one in self.{one.name}]"
    else:
        entity.described = f"None if self.{one.name} is None else self.{one.name}.{column}"


def _add_subclass(random: Random, schema: Schema) -> None:
    base = random.choice(schema.entities)
    subclass = Entity("Special" + base.name, [Column("extra", "plain")], base=base)
    subclass.inheritance = random.choice(("joined", "single"))
    base.subclasses.append(subclass)
    schema.entities.append(subclass)


def _add_relationship(random: Random, schema: Schema) -> None:
    one, other = random.choice(schema.entities), random.choice(schema.entities)
    shape = random.choice(("to-one", "to-one", "to-many", "many-to-many", "one-to-one"))
    if (one in other.lineage or other in one.lineage) and (one is not other or one.base is not None):
        return  # SQLAlchemy wants more said about these than the generator says
    number = 2 * sum(len(entity.relationships) for entity in schema.entities)
    forward, backward = f"{other.name.lower()}_{number}", f"{one.name.lower()}_{number + 1}"
    if shape == "many-to-many":
        key = f"{one.name.lower()}_{other.name.lower()}_{number}"
        schema.associations.append((key, one, other))
        ends = [("many-to-many", forward, one, other), ("many-to-many", backward, other, one)]
    else:
        key = f"{forward}_id"
        one.foreign_keys.append((key, other))
        far = "one-to-one" if shape == "one-to-one" else "one-to-many"
        ends = [("many-to-one", forward, one, other), (far, backward, other, one)]
    kept = [0, 1]
    if random.random() < 0.3:
        kept = [1] if shape == "to-many" else [0]
    for index in kept:
        direction, name, owner, target = ends[index]
        inverse = ends[1 - index][1] if len(kept) == 2 else None
        made = Relationship(name, owner, target, direction, random.choice(LAZY), inverse, key, index == 0)
        owner.relationships.append(made)
