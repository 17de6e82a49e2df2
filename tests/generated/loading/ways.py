"""Draws what stands around queries and reads: functions, blocks, conditions, rows of two, streams."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from generated.loading.programs import Node
from generated.loading.queries import Queries
from generated.loading.schemas import Schema
from generated.loading.scopes import Scope, Variable


class Ways:
    random: Random
    schema: Schema
    queries: Queries
    helpers: list[Node]

    def name(self, stem: str) -> str:
        raise NotImplementedError

    def some(self, scope: Scope) -> list[Node]:
        raise NotImplementedError

    def read(self, scope: Scope) -> list[Node]:
        raise NotImplementedError

    def read_one(self, scope: Scope, variable: Variable) -> list[Node]:
        raise NotImplementedError

    def worker(self, scope: Scope) -> list[Node]:
        """A function of its own, which works with the session around it and with an object."""
        if not scope.mine:
            return []
        given = self.random.choice(scope.mine)
        function, parameter = self.name("work"), self.name("given")
        inner = scope.inner()
        inner.variables = [*scope.variables, replace(given, name=parameter)]
        body = self.some(inner)
        result = self.random.choice([one for one in inner.variables if not one.many])
        header = f"async def {function}({parameter}: {given.entity.name})"
        call = f"await {function}({given.name})"
        uses = frozenset({given.name, function})
        if self.random.random() < 0.5:
            return [Node(f"{header} -> None:", defines=function, body=body), Node(call, uses)]
        body.append(Node(f"return {result.name}", frozenset({result.name})))
        name = self.name(result.entity.name)
        scope.variables.append(replace(result, name=name))
        made = Node(f"{header} -> {result.entity.name}:", defines=function, body=body)
        return [made, Node(f"{name} = {call}", uses, name)]

    def fetched_together(self, scope: Scope) -> list[Node]:
        """Each with a session of its own, which is over when they are here."""
        names, calls = [], []
        for _ in range(2):
            entity = self.random.choice(self.schema.entities)
            function = self.name("fetch")
            query = self.queries.one("session", entity, "key", certain=True)
            within = Node("async with Session() as session:", body=[Node(f"return {query}")])
            self.helpers.append(Node(f"async def {function}(key: int) -> {entity.name}:", body=[within]))
            names.append(self.name(entity.name))
            calls.append(f"{function}({self.random.choice(entity.named_rows)})")
            scope.variables.append(Variable(names[-1], entity, "another"))
        return [Node(f"{', '.join(names)} = await asyncio.gather({', '.join(calls)})", frozenset(), names[0])]

    def without_autoflush(self, scope: Scope) -> list[Node]:
        return [Node(f"with {scope.session}.no_autoflush:", body=self.some(scope.inner()))]

    def asked_first(self, scope: Scope) -> list[Node]:
        """What a relationship leads to is asked for, and then looked at."""
        found = [
            (one, relationship)
            for one in scope.ones
            for relationship in one.entity.all_relationships
            if not one.is_new
        ]
        if not found:
            return []
        one, relationship = self.random.choice(found)
        path = f"{one.name}.{relationship.name}"
        inner = scope.inner()
        body: list[Node] = []
        if relationship.is_collection:
            header = f"if {path}:"
            body += self.some(inner)
        else:
            header = f"if {path} is not None:"
            name = self.name(relationship.target.name)
            body.append(Node(f"{name} = {path}", frozenset({one.name}), name, is_derived=True))
            there = Variable(name, relationship.target, one.session, is_derived=True)
            inner.variables = [there]
            body += self.read_one(inner, there)
        is_to_one = relationship.direction == "many-to-one"
        uses = frozenset({one.name})
        return [Node(header, uses, body=body, is_derived=one.is_derived, is_to_one=is_to_one)]

    def pairs(self, scope: Scope) -> list[Node]:
        """Rows of two entities."""
        fitting = [
            (entity, one)
            for entity in self.schema.entities
            for one in entity.all_relationships
            if entity.lineage[0] is not one.target.lineage[0]
        ]
        if not fitting:
            return []
        entity, one = self.random.choice(fitting)
        first, second = self.name("each"), self.name("other")
        inner = scope.inner()
        inner.variables = [
            Variable(first, entity, scope.session),
            Variable(second, one.target, scope.session, is_derived=True),
        ]
        body = [node for _ in range(self.random.randint(1, 3)) for node in self.read(inner)]
        statement = self.queries.pair(entity, one)
        rows = f"(await {scope.session}.execute({statement})).unique().all()"
        return [Node(f"for {first}, {second} in {rows}:", body=body)]

    def streamed(self, scope: Scope) -> list[Node]:
        entity = self.random.choice(self.schema.entities)
        name = self.name("each")
        inner = scope.inner()
        inner.variables = [Variable(name, entity, scope.session)]
        body = self.read_one(inner, inner.variables[0])
        statement = self.queries.statement(entity, entity.name, "", self.random.random() < 0.1)
        rows = f"(await {scope.session}.stream_scalars({statement})).unique()"
        return [Node(f"async for {name} in {rows}:", body=body)]

    def delete(self, scope: Scope) -> list[Node]:
        if not scope.mine:
            return []
        one = self.random.choice(scope.mine)
        return [Node(f"await {scope.session}.delete({one.name})", frozenset({one.name}))]

    def kept(self, scope: Scope) -> list[Node]:
        """Objects in a list, to which a loop comes one after the other."""
        some = [one for one in scope.ones if not one.is_new]
        if not some:
            return []
        first = self.random.choice(some)
        alike = [one for one in some if one.entity is first.entity and one.session == first.session][-3:]
        name = self.name("kept")
        is_derived = any(one.is_derived for one in alike)
        scope.variables.append(Variable(name, first.entity, first.session, True, is_derived=is_derived))
        names = ", ".join(one.name for one in alike)
        return [Node(f"{name} = [{names}]", frozenset(one.name for one in alike), name)]
