"""Draws the queries: in all the ways of asking, with all the kinds of loader options."""

from __future__ import annotations

from random import Random

from generated.loading.schemas import Entity, Relationship, Schema

EAGER = ("selectinload", "selectinload", "joinedload", "subqueryload", "immediateload")


class Queries:
    def __init__(self, random: Random, schema: Schema) -> None:
        self.random = random
        self.schema = schema

    def one(self, session: str, entity: Entity, key: str, *, certain: bool = False) -> str:
        """An expression for the row with that key."""
        random = self.random
        options = self.options(entity)
        populate = random.random() < 0.12
        how = random.randrange(1 if certain else 0, 7)
        if how < 3:
            method = "get" if how == 0 else "get_one"
            given = f", options=[{', '.join(options)}]" if options else ""
            more = ", populate_existing=True" if populate else ""
            return f"await {session}.{method}({entity.name}, {key}{given}{more})"
        statement = self.statement(entity, options, f".where({entity.name}.id == {key})", populate)
        if how == 3:
            return f"(await {session}.execute({statement})).unique().scalar_one()"
        if how == 4:
            return f"(await {session}.scalars({statement})).unique().one()"
        if how == 5 or certain:
            return f"(await {session}.execute({statement})).unique().scalars().one()"
        return f"await {session}.scalar({statement})"

    def many(self, session: str, entity: Entity) -> str:
        where = f".where({entity.name}.id.in_([1, 2]))" if self.random.random() < 0.15 else ""
        statement = self.statement(entity, self.options(entity), where, self.random.random() < 0.1)
        if self.random.random() < 0.5:
            return f"(await {session}.scalars({statement}.order_by({entity.name}.id))).unique().all()"
        return f"(await {session}.execute({statement})).scalars().unique().all()"

    def statement(self, entity: Entity, options: list[str], where: str, populate: bool) -> str:
        random = self.random
        join = ""
        if random.random() < 0.08:
            fitting = [one for one in entity.all_relationships if _is_apart(entity, one.target)]
            if fitting:
                one = random.choice(fitting)
                join = f".join({entity.name}.{one.name})"
                options = [*options, f"contains_eager({entity.name}.{one.name})"]
        source = entity.name
        given = f".options({', '.join(options)})" if options else ""
        more = ".execution_options(populate_existing=True)" if populate else ""
        return f"select({source}){join}{where}{given}{more}"

    # -- options

    def options(self, entity: Entity) -> list[str]:
        random = self.random
        count = random.choice((0, 0, 0, 1, 1, 1, 2, 3))
        found = [option for _ in range(count) if (option := self.option(entity)) is not None]
        if entity.subclasses and random.random() < 0.3:
            subclass = entity.subclasses[0]
            found.append(f"selectin_polymorphic({entity.name}, [{subclass.name}])")
            if subclass.relationships and random.random() < 0.5:
                found.append(self.relationship_option(subclass, random.choice(subclass.relationships), 0))
        return found

    def option(self, entity: Entity, depth: int = 0) -> str | None:
        random = self.random
        relationships = entity.all_relationships
        if relationships and random.random() < 0.72:
            return self.relationship_option(entity, random.choice(relationships), depth)
        if random.random() < 0.7:
            return self.column_option(entity)
        if depth:
            return None
        strategy = random.choice(("raiseload", "lazyload", "raiseload", "selectinload"))
        return f'{strategy}("*")' if random.random() < 0.6 else f'Load({entity.name}).{strategy}("*")'

    def column_option(self, entity: Entity) -> str:
        random = self.random
        columns = [column.name for column in entity.all_columns]
        deferred = [column.name for column in entity.all_columns if column.kind == "deferred"]
        if deferred and random.random() < 0.5:
            return f"undefer({entity.name}.{random.choice(deferred)})"
        column = f"{entity.name}.{random.choice(columns)}"
        return f"{random.choice(('load_only', 'load_only', 'defer'))}({column})"

    def relationship_option(self, entity: Entity, one: Relationship, depth: int) -> str:
        random = self.random
        path = f"{entity.name}.{one.name}"
        at = random.random()
        if at < 0.08:
            return f"raiseload({path}{', sql_only=True' if random.random() < 0.4 else ''})"
        if at < 0.13:
            return f"lazyload({path})"
        start = f"defaultload({path})" if at < 0.18 else f"{random.choice(EAGER)}({path})"
        if depth > 1 or (at >= 0.18 and random.random() < 0.55):
            return start
        target = one.target
        nested = [
            option
            for _ in range(random.randint(1, 2))
            if (option := self.option(target, depth + 1)) is not None
        ]
        if not nested:
            return start
        if len(nested) > 1 or random.random() < 0.5:
            return f"{start}.options({', '.join(nested)})"
        return f"{start}.{nested[0]}"


def _is_apart(one: Entity, other: Entity) -> bool:
    """No alias is needed to join them."""
    return one.lineage[0] is not other.lineage[0]
