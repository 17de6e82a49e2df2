from __future__ import annotations

import libcst as cst

from asyncsqla_lint.syntax.visitor import Visitor, children, semantic_fields

from . import sources


class Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def visit_Name(self, node: cst.Name) -> None:
        self.names.append(node.value)

    def visit_Lambda(self, node: cst.Lambda) -> str:
        return "a lambda"


def names_in(source: str) -> list[str]:
    visitor = Names()
    visitor.visit(cst.parse_module(source))
    return visitor.names


def test_children_come_in_source_order() -> None:
    assert names_in("@a\nasync def b[T](c: d = e) -> f:\n  g if h else i\n  j(k=l)\n") == list(
        "abTcdefghijkl"
    )
    assert names_in("with a as b, c: d\nfor e in f: g\n[h for i in j if k]\n") == list("abcdefghijk")


def test_a_method_that_does_not_go_on_hides_its_children() -> None:
    assert names_in("a(lambda b: c)\n") == ["a"]


def test_visit_returns_what_the_method_returns() -> None:
    assert Names().visit(cst.parse_expression("lambda: 0")) == "a lambda"


def test_every_name_is_reached() -> None:
    reached: list[str] = []

    class Oracle(cst.CSTVisitor):
        def visit_Name(self, node: cst.Name) -> None:
            reached.append(node.value)

    module = cst.parse_module(sources.EVERY_SYNTAX.replace("lambda", "lambda_"[:6]))
    module.visit(Oracle())

    class All(Names):
        def visit_Lambda(self, node: cst.Lambda) -> None:  # type: ignore[override]
            self.visit_children(node)

    visitor = All()
    visitor.visit(module)
    assert sorted(visitor.names) == sorted(reached)


def test_no_trivia_among_the_children() -> None:
    trivia = (
        cst.BaseParenthesizableWhitespace,
        cst.TrailingWhitespace,
        cst.EmptyLine,
        cst.Comment,
        cst.Comma,
    )

    def walk(node: cst.CSTNode) -> None:
        for child in children(node):
            assert not isinstance(child, trivia)
            walk(child)

    walk(cst.parse_module(sources.EVERY_SYNTAX + sources.MATCH))
    assert semantic_fields(cst.Call) == ("func", "args")
