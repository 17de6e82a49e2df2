"""Draws the queries: in all the ways of asking, with all the kinds of loader options."""

from __future__ import annotations

from random import Random

from generated.loading.schemas import Entity, Relationship, Schema

NAMES = ('"nobody"', '"name1"')  # to leave out: rows of one world, or others in each
EAGER = ("selectinload", "selectinload", "joinedload", "subqueryload", "immediateload")


class Queries:
    def __init__(self, random: Random, schema: Schema) -> None:
        self.random = random
        self.schema = schema

    def one(self, session: str, entity: Entity, key: str, *, certain: bool = False) -> str:
        """An expression for the row with that key."""
        random = self.random
        populate = random.random() < 0.12
        how = random.randrange(1 if certain else 0, 7)
        if how < 3:
            method = "get" if how == 0 else "get_one"
            options = self.options(entity, entity.name)
            given = f", options=[{', '.join(options)}]" if options else ""
            more = ", populate_existing=True" if populate else ""
            return f"await {session}.{method}({entity.name}, {key}{given}{more})"
        source = self.source(entity)
        statement = self.statement(entity, source, f".where({source}.id == {key})", populate)
        if how == 3:
            return f"(await {session}.execute({statement})).unique().scalar_one()"
        if how == 4:
            return f"(await {session}.scalars({statement})).unique().one()"
        if how == 5 or certain:
            return f"(await {session}.execute({statement})).unique().scalars().one()"
        return f"await {session}.scalar({statement})"

    def many(self, session: str, entity: Entity) -> str:
        source = self.source(entity)
        where = (
            f'.where({source}.name != "name{self.random.randrange(3)}")'
            if self.random.random() < 0.15
            else ""
        )
        statement = self.statement(entity, source, where, self.random.random() < 0.1)
        if self.random.random() < 0.5:
            return f"(await {session}.scalars({statement}.order_by({source}.id))).unique().all()"
        return f"(await {session}.execute({statement})).scalars().unique().all()"

    def source(self, entity: Entity) -> str:
        """What the query selects: mostly the class itself."""
        return entity.with_polymorphic if entity.subclasses and self.random.random() < 0.2 else entity.name

    def statement(self, entity: Entity, source: str, where: str, populate: bool) -> str:
        random = self.random
        options = self.options(entity, source)
        join = ""
        if random.random() < 0.08:
            fitting = [one for one in entity.all_relationships if _is_apart(entity, one.target)]
            if fitting:
                one = random.choice(fitting)
                join = f".join({source}.{one.name})"
                options = [*options, f"contains_eager({source}.{one.name})"]
        given = f".options({', '.join(options)})" if options else ""
        more = ".execution_options(populate_existing=True)" if populate else ""
        return f"select({source}){join}{where}{given}{more}"

    def pair(self, entity: Entity, one: Relationship) -> str:
        options = [*self.options(entity, entity.name), *self.options(one.target, one.target.name)]
        given = f".options({', '.join(options)})" if options else ""
        return f"select({entity.name}, {one.target.name}).join({entity.name}.{one.name}){given}"

    # -- options

    def options(self, entity: Entity, source: str) -> list[str]:
        random = self.random
        count = random.choice((0, 0, 0, 1, 1, 1, 2, 3))
        found = [option for _ in range(count) if (option := self.option(entity, source)) is not None]
        if entity.subclasses and (source != entity.name or random.random() < 0.3):
            subclass = entity.subclasses[0]
            of_subclass = subclass.name
            if source == entity.name:
                found.append(f"selectin_polymorphic({entity.name}, [{subclass.name}])")
            else:
                of_subclass = f"{source}.{subclass.name}"
            if subclass.relationships and random.random() < 0.5:
                found.append(self.relationship_option(of_subclass, random.choice(subclass.relationships), 0))
        if random.random() < 0.05:
            found.append(self.criteria())
        return found

    def criteria(self) -> str:
        entity = self.random.choice(self.schema.entities)
        return f"with_loader_criteria({entity.name}, {entity.name}.name != {self.random.choice(NAMES)})"

    def option(self, entity: Entity, source: str, depth: int = 0) -> str | None:
        random = self.random
        relationships = entity.all_relationships
        if relationships and random.random() < 0.72:
            return self.relationship_option(source, random.choice(relationships), depth)
        if random.random() < 0.7:
            return self.column_option(entity, source)
        if depth:
            return None
        strategy = random.choice(("raiseload", "lazyload", "raiseload", "selectinload", "noload"))
        return f'{strategy}("*")' if random.random() < 0.6 else f'Load({source}).{strategy}("*")'

    def column_option(self, entity: Entity, source: str) -> str:
        random = self.random
        columns = [column.name for column in entity.all_columns]
        deferred = [column.name for column in entity.all_columns if column.kind == "deferred"]
        if deferred and random.random() < 0.5:
            return f"undefer({source}.{random.choice(deferred)})"
        column = f"{source}.{random.choice(columns)}"
        if random.random() < 0.1:
            return f"defer({column}, raiseload=True)"
        return f"{random.choice(('load_only', 'load_only', 'defer'))}({column})"

    def relationship_option(self, source: str, one: Relationship, depth: int) -> str:
        random = self.random
        path = f"{source}.{one.name}"
        target, reached = one.target, one.target.name
        at = random.random()
        if at < 0.08:
            return f"raiseload({path}{', sql_only=True' if random.random() < 0.4 else ''})"
        if at < 0.12:
            return f"lazyload({path})"
        if at < 0.14:
            return f"noload({path})"
        if target.subclasses and at >= 0.18 and random.random() < 0.25:
            if random.random() < 0.6:
                target = target.subclasses[0]
                reached = target.name
            else:
                reached = target.with_polymorphic
            path += f".of_type({reached})"
        elif at >= 0.18 and random.random() < 0.07:
            path += f".and_({target.name}.name != {random.choice(NAMES)})"
        start = f"defaultload({path})" if at < 0.18 else f"{random.choice(EAGER)}({path})"
        if depth > 1 or (at >= 0.18 and random.random() < 0.55):
            return start
        nested = [
            option
            for _ in range(random.randint(1, 2))
            if (option := self.option(target, reached, depth + 1)) is not None
        ]
        if not nested:
            return start
        if len(nested) > 1 or random.random() < 0.5:
            return f"{start}.options({', '.join(nested)})"
        return f"{start}.{nested[0]}"


def _is_apart(one: Entity, other: Entity) -> bool:
    """No alias is needed to join them."""
    return one.lineage[0] is not other.lineage[0]
