"""Displays and comprehensions, from LibCST to the Program."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.program import (
    Clause,
    Comprehension,
    DictDisplay,
    DictItem,
    Expression,
    ListDisplay,
    Opaque,
    SetDisplay,
    Starred,
    TupleDisplay,
)
from asyncsqla_lint.syntax.literal import Literals


class Displays(Literals):
    def elements(self, nodes: Sequence[cst.BaseElement]) -> tuple[Expression, ...]:
        handlers = self.handlers
        return tuple(
            [
                handlers[type(node.value)](node.value)
                if type(node) is cst.Element
                else self.visit_StarredElement(node)  # type: ignore[arg-type]  # the only other element
                for node in nodes
            ]
        )

    def visit_StarredElement(self, node: cst.StarredElement) -> Starred:
        start = self.begin(node)
        self.at += 1
        value = self.expression(node.value)
        return Starred(self.finish(node, start), value)

    def visit_Tuple(self, node: cst.Tuple) -> Expression:
        if not node.lpar:
            start = self.next()
            elements = self.elements(node.elements)
            if isinstance(node.elements[-1].comma, cst.Comma):
                self.trailing_comma()
            return TupleDisplay(self.since(start), elements)
        for _ in node.lpar:
            start = self.token(1)
        elements = self.elements(node.elements)
        self.token(1)
        place = self.since(start)
        for _ in node.rpar[1:]:
            self.token(1)
        return TupleDisplay(place, elements)

    def visit_List(self, node: cst.List) -> Expression:
        start = self.begin(node)
        self.at += 1
        elements = self.elements(node.elements)
        self.token(1)
        return ListDisplay(self.finish(node, start), elements)

    def visit_Set(self, node: cst.Set) -> Expression:
        start = self.begin(node)
        self.at += 1
        elements = self.elements(node.elements)
        self.token(1)
        return SetDisplay(self.finish(node, start), elements)

    def visit_Dict(self, node: cst.Dict) -> Expression:
        start = self.begin(node)
        self.at += 1
        items: list[DictItem] = []
        for element in node.elements:
            key: Expression | None = None
            if isinstance(element, cst.DictElement):
                first = self.next()
                key = self.expression(element.key)
                self.token(1)
            else:
                first = self.token(2)
            value = self.expression(element.value)
            items.append(DictItem(self.since(first), key, value))
        self.token(1)
        return DictDisplay(self.finish(node, start), tuple(items))

    def clauses(self, clause: cst.CompFor | None) -> tuple[Clause, ...]:
        clauses: list[Clause] = []
        while clause is not None:
            start = self.next()
            if clause.asynchronous is not None:
                self.token(5)
            self.token(3)
            target = self.expression(clause.target)
            self.token(2)
            iterable = self.expression(clause.iter)
            conditions: list[Expression] = []
            for condition in clause.ifs:
                self.token(2)
                conditions.append(self.expression(condition.test))
            is_async = clause.asynchronous is not None
            clauses.append(Clause(self.since(start), target, iterable, tuple(conditions), is_async))
            clause = clause.inner_for_in
        return tuple(clauses)

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> Expression:
        start = self.next()
        for _ in node.lpar:
            start = self.token(1)
        element = self.expression(node.elt)
        clauses = self.clauses(node.for_in)
        if node.rpar:
            self.token(1)
        place = self.since(start)
        for _ in node.rpar[1:]:
            self.token(1)
        return Comprehension(place, "generator", element, None, clauses)

    def visit_ListComp(self, node: cst.ListComp) -> Expression:
        return self.comprehension(node, "list")

    def visit_SetComp(self, node: cst.SetComp) -> Expression:
        return self.comprehension(node, "set")

    def comprehension(self, node: cst.ListComp | cst.SetComp, kind: str) -> Expression:
        start = self.begin(node)
        self.at += 1
        element = self.expression(node.elt)
        clauses = self.clauses(node.for_in)
        self.token(1)
        return Comprehension(self.finish(node, start), kind, element, None, clauses)

    def visit_DictComp(self, node: cst.DictComp) -> Expression:
        start = self.begin(node)
        self.at += 1
        key = self.expression(node.key)
        self.token(1)
        value = self.expression(node.value)
        clauses = self.clauses(node.for_in)
        self.token(1)
        return Comprehension(self.finish(node, start), "dict", key, value, clauses)

    def visit_StarredDictComp(self, node: cst.StarredDictComp) -> Expression:
        # `{**a for a in b}` (3.15) merges mappings; the Program has no such comprehension.
        start = self.begin(node)
        self.at += 1
        self.token(2)
        value = self.expression(node.value)
        clauses = self.clauses(node.for_in)
        self.token(1)
        place = self.finish(node, start)
        return Opaque(place, (Comprehension(place, "generator", value, None, clauses),))
