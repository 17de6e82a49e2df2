"""A text lowered in the light of one that is known is what it is by itself, or it is not lowered so."""

from __future__ import annotations

import random

import msgspec
import pytest

from asyncsqla_lint.stretches import stretches
from asyncsqla_lint.syntax import SyntaxFailure, lower, lower_again

from . import sources

NEW = (
    "import x\n# of its own\n",
    "def new(a=lambda: 1):\n    return [lambda z: known for z in (1, 2)]\n",
    '"""text"""\n',
    "if a:\n    global b\n",
    "@decorated(\n    by=1,\n)\n# between\nclass New(Base): pass\n",
    'x = """\ndef no():\n# no\n"""\n',
    "y = [\n1,\n]\n",
    "z = 1 + \\\n2; w = 3\n",
)


def edited(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines) + 1)
        kind = chance.choice("nnnnddcs")
        if kind == "n" or not lines:
            lines.insert(at, chance.choice(NEW))
        elif kind == "d":
            del lines[min(at, len(lines) - 1)]
        elif kind == "c":
            lines.insert(at, "# a comment, 'quoted\n")
        else:
            first, last = sorted((at, chance.randrange(len(lines) + 1)))
            lines[first:last] = []
    return "".join(lines)


def same_as_anew(before: str, after: str) -> bool:
    """Whether it was to be had from what was known; then it has to be right."""
    found = lower_again(after, before, lower(before))
    if found is not None:
        assert msgspec.msgpack.encode(found) == msgspec.msgpack.encode(lower(after))
    return found is not None


@pytest.mark.parametrize("path", sources.standard_library(every=60), ids=lambda path: path.name)
def test_edits_of_the_standard_library(path) -> None:
    text = sources.read(path) or ""
    try:
        lower(text)
    except SyntaxFailure:
        return
    chance = random.Random(path.name)
    for _ in range(2):
        same_as_anew(text, edited(text, chance))


@pytest.mark.parametrize("seed", range(40))
def test_edits_of_every_syntax(seed) -> None:
    text = sources.EVERY_SYNTAX + "".join(NEW)
    same_as_anew(text, edited(text, random.Random(seed)))


def test_what_a_fix_does() -> None:
    before = "".join(f"def f{n}():\n    return [lambda: {n}]\n\n\n# about the next\n" for n in range(5))
    assert same_as_anew(before, "import a\n" + before.replace("[lambda: 3]", "3"))


def test_suppressions_are_told_by_the_whole() -> None:
    before = "x = 1\ny = 2\n"
    assert lower_again("x = 1  # noqa\ny = 2\n", before, lower(before)) is None


def test_stretches_leave_nothing_out() -> None:
    for text in (
        sources.EVERY_SYNTAX,
        sources.MATCH,
        "",
        "\n",
        "# only\n",
        "x",
        "x\r\n\r\n# c\r\ny\r\n",
        *NEW,
    ):
        found = stretches(text)
        assert "".join(text[one.start : one.end] for one in found) == text
