"""Whatever the text, the answer is a Program or a SyntaxFailure with its place."""

from __future__ import annotations

import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsqla_lint.program import Program
from asyncsqla_lint.syntax import SyntaxFailure, lower

from . import sources


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ("print 1\n", 1, 7),
        ("exec 'x'\n", 1, 8),
        ("ok\nf(a bcd)\n", 2, 5),
        ("x = (\n", 1, 6),
        ("x = 1 +\n", 1, 8),
        ("a\n b\n", 2, 1),
        ("ok\n\nx = $\n", 3, 5),
        ("ok\ny = 'abc\n", 2, 1),
        ('ok\n"""closed"""\ny = """abc\n\n', 3, 5),
        ("x = '\ud800'\n", 1, 6),
        ("try:\n  pass\n", 2, 7),
        ("\r\n\r\nx yz\r\n", 3, 3),
        ("é = ü ß\n", 1, 7),
    ],
)
def test_the_place_of_a_mistake(text: str, row: int, column: int) -> None:
    with pytest.raises(SyntaxFailure) as failure:
        lower(text)
    assert (failure.value.row, failure.value.column) == (row, column)
    assert failure.value.message and "\n" not in failure.value.message


@pytest.mark.parametrize(
    "text", ["x = \0", "\0", "x = '\\", "\\", "(", ")", "'", '"""', "f'{'", "f'{a!}'", "\t x\n  y"]
)
def test_broken_texts_fail_cleanly(text: str) -> None:
    with pytest.raises(SyntaxFailure):
        lower(text)


DEEP = {
    "parentheses": lambda n: "(" * n + ")" * n,
    "unclosed": lambda n: "(" * n,
    "lists": lambda n: "[" * n + "]" * n,
    "mixed": lambda n: "[({1: " * n + "1" + "})]" * n,
    "format strings": lambda n: 'f"{' * n + "1" + '}"' * n,
    "not": lambda n: "not " * n + "a",
    "minus": lambda n: "-" * n + "a",
    "sum": lambda n: "+".join(["a"] * n),
    "powers": lambda n: "**".join(["a"] * n),
    "and": lambda n: " and ".join(["a"] * n),
    "compare": lambda n: " < ".join(["a"] * n),
    "strings": lambda n: "'a' " * n,
    "attributes": lambda n: "a" + ".b" * n,
    "calls": lambda n: "a" + "()" * n,
    "subscripts": lambda n: "a" + "[0]" * n,
    "conditionals": lambda n: "a if b else " * n + "c",
    "lambdas": lambda n: "lambda: " * n + "1",
    "blocks": lambda n: "1\n" + "".join(" " * i + "if a:\n" for i in range(n)) + " " * n + "b",
    "else if": lambda n: "1\nif a: b\n" + "elif a: b\n" * n,
    "decorators": lambda n: "1\n" + "@a\n" * n + "def f(): pass\n",
}


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("depth", [40, 150, 400, 20_000])
def test_deep_nesting_is_no_crash(shape: str, depth: int) -> None:
    text = f"x = {DEEP[shape](min(depth, 2000) if shape == 'blocks' else depth)}\n"
    try:
        program = lower(text)
    except SyntaxFailure as failure:
        assert depth > 100 or shape == "unclosed"
        assert failure.row >= 1
        return
    # What is lowered can be stored and read back.
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(program), type=Program) == program


def test_a_long_chain_of_else_if_keeps_its_meaning() -> None:
    text = "if a0: b0\n" + "".join(f"elif a{i}: b{i}\n" for i in range(1, 300)) + "else: c\n"
    program = lower(text)
    assert program == msgspec.msgpack.decode(msgspec.msgpack.encode(program), type=Program)
    assert str(program).count("Evaluate(") == 301


def test_a_long_sum_still_evaluates_its_parts() -> None:
    program = lower("x = " + " + ".join(f"f{i}()" for i in range(500)) + "\n")
    assert str(program).count("Call(") == 500


def test_lowering_within_a_deep_stack() -> None:
    def down(levels: int) -> Program:
        return lower("x = " + "a.b()" + ".c(1)" * 60) if not levels else down(levels - 1)

    assert down(sys.getrecursionlimit() // 2).statements


def answers(text: str) -> None:
    try:
        lower(text)
    except SyntaxFailure as failure:
        assert failure.row >= 1 and failure.column >= 1
        assert failure.message


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    answers(text)


@settings(max_examples=300, deadline=None)
@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    answers(data.decode("utf-8", "replace"))
    answers(data.decode("latin-1"))


LEXICON = r'''
( ) [ ] { } , : ; . = := -> * ** @ + - | 'a' """ f"{ }" \ # lambda if else for in async await def class match
case _ with as try except finally return yield import from x y 1 ...
'''
TOKENS = [*LEXICON.split(), "\n", "\r\n", "\t", "\x0c", "\n    "]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=40), st.sampled_from(["", " "]))
def test_any_tokens(tokens: list[str], between: str) -> None:
    answers(between.join(tokens))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_to_a_program(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([sources.EVERY_SYNTAX, sources.MATCH]))
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 30))
    answers(text[:start] + data.draw(st.text(max_size=3)) + text[start + length :])
