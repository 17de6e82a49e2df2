"""Draws the programs: queries with their options, writes, expiry, reads, in
nested blocks and helper functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from generated.loading.programs import Node, Program
from generated.loading.queries import Queries
from generated.loading.schemas import Entity, Schema, draw_schema
from generated.loading.scopes import Scope, Variable
from generated.loading.ways import Ways

HEAD = """\
from __future__ import annotations

import asyncio

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    Load,
    contains_eager,
    defaultload,
    defer,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    noload,
    raiseload,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    undefer,
    with_loader_criteria,
    with_polymorphic,
)

from models import {entities}

engine = create_async_engine("sqlite+aiosqlite:///app.db")
Session = async_sessionmaker(engine{options})
{polymorphic}

class Undo(Exception):
    pass


"""


def draw_program(random: Random) -> Program:
    return Writer(random).program()


class Writer(Ways):
    def __init__(self, random: Random) -> None:
        self.random = random
        self.schema: Schema = draw_schema(random)
        self.queries = Queries(random, self.schema)
        self.helpers: list[Node] = []
        self.count = 0

    def program(self) -> Program:
        schema = self.schema
        body = self.session_block(Scope(""), self.random.randint(5, 14))
        flags = ", ".join(f"flag_{number}: bool" for number in range(schema.flags))
        case = Node(f"async def case({flags}) -> None:", body=body)
        head = HEAD.format(
            entities=", ".join(entity.name for entity in schema.entities),
            options="" if schema.expire_on_commit else ", expire_on_commit=False",
            polymorphic="".join(
                f"{one.with_polymorphic} = with_polymorphic({one.name}, [{one.subclasses[0].name}])\n"
                for one in schema.entities
                if one.subclasses
            ),
        )
        return Program(
            schema.source(), head, [*self.helpers, case], schema.flags, range(schema.worlds), schema.rows
        )

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem.lower()}{self.count}"

    # -- blocks

    def session_block(self, scope: Scope, size: int) -> list[Node]:
        """A session with work in it, and what is read after its end."""
        session = self.name("session")
        inner = scope.inner(session)
        random = self.random
        if random.random() < 0.15:
            header = Node(f"async with Session.begin() as {session}:", body=self.block(inner, size))
            nodes = [header]
        elif random.random() < 0.15:
            made = Node(f"{session} = Session()", defines=session)
            end = Node("finally:", body=[Node(f"await {session}.close()", frozenset({session}))])
            nodes = [made, Node("try:", body=self.block(inner, size), follow=[end])]
        else:
            nodes = [Node(f"async with Session() as {session}:", body=self.block(inner, size))]
        after = replace(inner, session="", depth=scope.depth)
        if random.random() < 0.5:
            for _ in range(random.randint(1, 3)):
                nodes += self.read(after)
        scope.variables[:] = [one for one in after.variables if one.session != session]
        return nodes

    def block(self, scope: Scope, size: int) -> list[Node]:
        nodes: list[Node] = []
        nodes += self.load_one(scope)
        for _ in range(size):
            nodes += self.statement(scope)
        return nodes

    def statement(self, scope: Scope) -> list[Node]:
        random = self.random
        choices: list[tuple[int, Callable[[Scope], list[Node]]]] = [
            (10, self.load_one),
            (4, self.load_many),
            (22, self.read),
            (3, self.commit),
            (1, self.rollback),
            (2, self.flush),
            (4, self.refresh),
            (3, self.expire),
            (1, self.expunge),
            (3, self.write_column),
            (2, self.assign),
            (2, self.append),
            (2, self.assign_collection),
            (4, self.new),
            (1, self.merge),
            (1, self.drop),
            (1, self.bulk_update),
            (1, self.run_query),
            (1, self.delete),
            (1, self.kept),
            (1, self.fetched_together),
        ]
        if scope.depth < 4:
            choices += [
                (2, self.helper),
                (2, self.failing_flush),
                (2, self.savepoint),
                (1, self.repeat),
                (3 if self.schema.flags else 0, self.branch),
                (3, self.worker),
                (1, self.without_autoflush),
                (1, self.pairs),
                (2, self.asked_first),
                (1, self.streamed),
                (1 if scope.depth < 2 else 0, self.another_session),
                (1, self.loop_over_keys),
            ]
        total = sum(weight for weight, _ in choices)
        at = random.randrange(total)
        for weight, make in choices:
            at -= weight
            if at < 0:
                return make(scope)
        return []

    def another_session(self, scope: Scope) -> list[Node]:
        return self.session_block(scope, self.random.randint(1, 4))

    def branch(self, scope: Scope) -> list[Node]:
        random = self.random
        flag = f"flag_{random.randrange(self.schema.flags)}"
        node = Node(f"if {flag}:", body=self.some(scope.inner()))
        if random.random() < 0.4:
            node.follow.append(Node("else:", body=self.some(scope.inner())))
        return [node]

    def repeat(self, scope: Scope) -> list[Node]:
        return [Node(f"for {self.name('n')} in range(2):", body=self.some(scope.inner()))]

    def loop_over_keys(self, scope: Scope) -> list[Node]:
        key = self.name("key")
        inner = scope.inner()
        entity = self.random.choice(self.schema.entities)
        keys = list(entity.named_rows)
        name = self.name(entity.name)
        query = self.queries.one(scope.session, entity, key)
        body = [Node(f"{name} = {query}", frozenset(), name)]
        inner.variables.append(Variable(name, entity, scope.session))
        body += self.some(inner)
        return [Node(f"for {key} in {keys}:", body=body)]

    def some(self, scope: Scope) -> list[Node]:
        return [node for _ in range(self.random.randint(1, 3)) for node in self.statement(scope)]

    def savepoint(self, scope: Scope) -> list[Node]:
        random = self.random
        body = self.some(scope.inner())
        how = random.randrange(3)
        if how == 0:
            return [Node(f"async with {scope.session}.begin_nested():", body=body)]
        if how == 1:
            name = self.name("savepoint")
            made = Node(f"{name} = await {scope.session}.begin_nested()", frozenset(), name)
            end = Node(
                f"await {name}.{random.choice(('commit', 'rollback', 'rollback'))}()", frozenset({name})
            )
            return [made, *body, end]
        inner = Node(f"async with {scope.session}.begin_nested():", body=[*body, Node("raise Undo")])
        return [Node("try:", body=[inner], follow=[Node("except Undo:", body=[])])]

    def failing_flush(self, scope: Scope) -> list[Node]:
        """A row that is there already is added: the flush fails."""
        entity = self.random.choice(self.schema.entities)
        body = self.some(scope.inner()) if self.random.random() < 0.3 else []
        body.append(Node(f"{scope.session}.add({entity.name}(id={self.random.choice(entity.rows)}))"))
        body.append(Node(f"await {scope.session}.flush()"))
        body.append(Node("raise Undo"))  # the source cannot know that the row is there
        handler = Node("except (IntegrityError, Undo):", body=[Node(f"await {scope.session}.rollback()")])
        return [Node("try:", body=body, follow=[handler], needs=body[-1])]

    def helper(self, scope: Scope) -> list[Node]:
        random = self.random
        entity = random.choice(self.schema.entities)
        if random.random() < 0.5 and scope.mine:
            given = random.choice(scope.mine)
            function, parameter = self.name("show"), self.name("given")
            inner = Scope("", [replace(given, name=parameter, session="")], 3, is_async=False)
            body = [node for _ in range(random.randint(1, 2)) for node in self.read(inner)]
            if not body:
                return []
            self.helpers.append(Node(f"def {function}({parameter}: {given.entity.name}) -> None:", body=body))
            return [Node(f"{function}({given.name})", frozenset({given.name}))]
        function, session = self.name("load"), "session"
        query = self.queries.one(session, entity, "key", certain=True)
        header = f"async def {function}(session: AsyncSession, key: int) -> {entity.name}:"
        self.helpers.append(Node(header, body=[Node(f"return {query}")]))
        name = self.name(entity.name)
        scope.variables.append(Variable(name, entity, scope.session))
        key = random.choice(entity.named_rows)
        return [Node(f"{name} = await {function}({scope.session}, {key})", frozenset(), name)]

    # -- queries

    def load_one(self, scope: Scope) -> list[Node]:
        entity = self.random.choice(self.schema.entities)
        name = self.name(entity.name)
        query = self.queries.one(scope.session, entity, str(self.random.choice(entity.named_rows)))
        scope.variables.append(Variable(name, entity, scope.session))
        return [Node(f"{name} = {query}", frozenset(), name)]

    def load_many(self, scope: Scope) -> list[Node]:
        entity = self.random.choice(self.schema.entities)
        name = self.name(entity.table)
        scope.variables.append(Variable(name, entity, scope.session, many=True))
        return [Node(f"{name} = {self.queries.many(scope.session, entity)}", frozenset(), name)]

    def run_query(self, scope: Scope) -> list[Node]:
        """Nobody takes what it gives; what it meets in the session feels it all the same."""
        entity = self.random.choice(self.schema.entities)
        if self.random.random() < 0.5:
            return [Node(self.queries.many(scope.session, entity))]
        return [Node(self.queries.one(scope.session, entity, str(self.random.choice(entity.named_rows))))]

    # -- reads

    def read(self, scope: Scope) -> list[Node]:
        if not scope.variables:
            return []
        variable = self.random.choice(scope.variables)
        if not variable.many:
            return self.read_one(scope, variable)
        name = self.name("each")
        inner = scope.inner()
        one = Variable(name, variable.entity, variable.session, is_derived=variable.is_derived)
        inner.variables = [one]
        body = [node for _ in range(self.random.randint(1, 2)) for node in self.read_one(inner, one)]
        uses = frozenset({variable.name})
        return [Node(f"for {name} in {variable.name}:", uses, body=body, is_derived=variable.is_derived)]

    def path(self, scope: Scope, variable: Variable, name: str) -> str:
        if scope.is_async and self.random.random() < 0.08:
            return f"(await {variable.name}.awaitable_attrs.{name})"
        return f"{variable.name}.{name}"

    def read_one(self, scope: Scope, variable: Variable) -> list[Node]:
        random, entity, derived = self.random, variable.entity, variable.is_derived
        uses = frozenset({variable.name})
        relationships = entity.all_relationships
        if random.random() < 0.1 and (described := [one for one in entity.lineage if one.described]):
            return [Node(f"{variable.name}.described", uses, is_derived=derived or described[-1].is_far)]
        if not relationships or random.random() < 0.4:
            column = random.choice(["id", *(column.name for column in entity.all_columns)])
            return [Node(self.path(scope, variable, column), uses, is_derived=derived)]
        one = random.choice(relationships)
        path = self.path(scope, variable, one.name)
        to_one = one.direction == "many-to-one"
        if variable.is_new:
            return [Node(path, uses, is_derived=derived, is_to_one=to_one)]
        if not one.is_collection:
            name = self.name(one.target.name)
            scope.variables.append(Variable(name, one.target, variable.session, is_derived=True))
            return [Node(f"{name} = {path}", uses, name, is_derived=derived, is_to_one=to_one)]
        how = random.randrange(5)
        if how == 4:
            column = random.choice(["id", *(column.name for column in one.target.all_columns)])
            return [Node(f"[each.{column} for each in {path}]", uses, is_derived=derived)]
        if how == 0 or scope.depth > 4:
            return [Node(f"len({path})", uses, is_derived=derived)]
        if how == 1:
            name = self.name(one.name)
            scope.variables.append(Variable(name, one.target, variable.session, many=True, is_derived=True))
            return [Node(f"{name} = {path}", uses, name, is_derived=derived)]
        name = self.name("each")
        inner = scope.inner()
        inner.variables = [Variable(name, one.target, variable.session, is_derived=True)]
        body = [
            node for _ in range(random.randint(1, 2)) for node in self.read_one(inner, inner.variables[0])
        ]
        return [Node(f"for {name} in {path}:", uses, body=body, is_derived=derived)]

    # -- the unit of work

    def commit(self, scope: Scope) -> list[Node]:
        return [Node(f"await {scope.session}.commit()")]

    def rollback(self, scope: Scope) -> list[Node]:
        return [Node(f"await {scope.session}.rollback()")]

    def flush(self, scope: Scope) -> list[Node]:
        return [Node(f"await {scope.session}.flush()")]

    def names_of(self, entity: Entity) -> str:
        names = [column.name for column in entity.all_columns] + [
            one.name for one in entity.all_relationships
        ]
        chosen = self.random.sample(names, min(len(names), self.random.randint(1, 2)))
        return f"{chosen}"

    def refresh(self, scope: Scope) -> list[Node]:
        if not scope.mine:
            return []
        one = self.random.choice(scope.mine)
        names = f", {self.names_of(one.entity)}" if self.random.random() < 0.5 else ""
        return [Node(f"await {scope.session}.refresh({one.name}{names})", frozenset({one.name}))]

    def expire(self, scope: Scope) -> list[Node]:
        if self.random.random() < 0.2 or not scope.mine:
            return [Node(f"{scope.session}.expire_all()")]
        one = self.random.choice(scope.mine)
        names = f", {self.names_of(one.entity)}" if self.random.random() < 0.5 else ""
        return [Node(f"{scope.session}.expire({one.name}{names})", frozenset({one.name}))]

    def expunge(self, scope: Scope) -> list[Node]:
        if self.random.random() < 0.2 or not scope.mine:
            return [Node(f"{scope.session}.expunge_all()")]
        one = self.random.choice(scope.mine)
        return [Node(f"{scope.session}.expunge({one.name})", frozenset({one.name}))]

    def drop(self, scope: Scope) -> list[Node]:
        """The program lets go of an object: the session forgets it too."""
        if len(scope.variables) < 2:
            return []
        one = scope.variables.pop(self.random.randrange(len(scope.variables)))
        return [Node(f"{one.name} = None", frozenset({one.name}))]

    # -- writes

    def write_column(self, scope: Scope) -> list[Node]:
        if not scope.mine:
            return []
        one = self.random.choice(scope.mine)
        column = self.random.choice([column.name for column in one.entity.all_columns])
        return [Node(f'{one.name}.{column} = "{self.name("value")}"', frozenset({one.name}))]

    def pair(self, scope: Scope, collection: bool) -> tuple[Variable, str, Variable] | None:
        """An object, one of its relationships, and an object that fits there."""
        found = [
            (one, relationship.name, other)
            for one in scope.mine
            for relationship in one.entity.all_relationships
            if relationship.is_collection == collection
            for other in scope.mine
            if relationship.target in other.entity.lineage and other is not one
        ]
        return self.random.choice(found) if found else None

    def assign(self, scope: Scope) -> list[Node]:
        pair = self.pair(scope, False)
        if pair is None:
            return []
        one, name, other = pair
        return [Node(f"{one.name}.{name} = {other.name}", frozenset({one.name, other.name}))]

    def append(self, scope: Scope) -> list[Node]:
        pair = self.pair(scope, True)
        if pair is None:
            return []
        one, name, other = pair
        return [Node(f"{one.name}.{name}.append({other.name})", frozenset({one.name, other.name}))]

    def assign_collection(self, scope: Scope) -> list[Node]:
        pair = self.pair(scope, True)
        if pair is None:
            return []
        one, name, other = pair
        return [Node(f"{one.name}.{name} = [{other.name}]", frozenset({one.name, other.name}))]

    def new(self, scope: Scope) -> list[Node]:
        random = self.random
        entity = random.choice(self.schema.entities)
        name = self.name("new")
        given = [f'name="{name}"']
        uses: set[str] = set()
        for one in entity.all_relationships:
            fitting = [other for other in scope.mine if one.target in other.entity.lineage]
            if fitting and random.random() < 0.5:
                other = random.choice(fitting)
                uses.add(other.name)
                given.append(
                    f"{one.name}=[{other.name}]" if one.is_collection else f"{one.name}={other.name}"
                )
            elif one.is_collection and random.random() < 0.2:
                given.append(
                    f'{one.name}=[{one.target.name}(name="child")]'
                    if random.random() < 0.7
                    else f"{one.name}=[]"
                )
        scope.variables.append(Variable(name, entity, scope.session, is_new=True))
        nodes = [Node(f"{name} = {entity.name}({', '.join(given)})", frozenset(uses), name)]
        if random.random() < 0.9:
            nodes.append(Node(f"{scope.session}.add({name})", frozenset({name})))
        if random.random() < 0.6:
            nodes.append(Node(f"await {scope.session}.{random.choice(('flush', 'commit'))}()"))
        return nodes

    def merge(self, scope: Scope) -> list[Node]:
        random = self.random
        others = [one for one in scope.ones if one.session != scope.session]
        name = self.name("merged")
        if others and random.random() < 0.6:
            other = random.choice(others)
            scope.variables.append(Variable(name, other.entity, scope.session, is_new=other.is_new))
            return [
                Node(f"{name} = await {scope.session}.merge({other.name})", frozenset({other.name}), name)
            ]
        entity = random.choice(self.schema.entities)
        scope.variables.append(Variable(name, entity, scope.session))
        given = f'{entity.name}(id={random.choice(entity.named_rows)}, name="{name}")'
        return [Node(f"{name} = await {scope.session}.merge({given})", frozenset(), name)]

    def bulk_update(self, scope: Scope) -> list[Node]:
        random = self.random
        entity = random.choice([one for one in self.schema.entities if one.base is None])
        where = (
            f".where({entity.name}.id == {random.choice(entity.named_rows)})" if random.random() < 0.7 else ""
        )
        value = f'"{self.name("value")}"' if random.random() < 0.5 else f'{entity.name}.name + "x"'
        return [Node(f"await {scope.session}.execute(update({entity.name}){where}.values(name={value}))")]
