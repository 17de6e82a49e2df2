from __future__ import annotations

import pytest

from asyncsqla_lint.program import end_of, start_of
from asyncsqla_lint.syntax import lower


def found(text: str) -> list[tuple[str, tuple[str, ...], int, int]]:
    return [(s.kind, s.codes, s.first_line, s.last_line) for s in lower(text).suppressions]


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# noqa", ()),
        ("#noqa", ()),
        ("# NoQA", ()),
        ("# noqa because of reasons", ()),
        ("# noqa: ASQ301", ("ASQ301",)),
        ("# noqa:ASQ301", ("ASQ301",)),
        ("# noqa : asq301", ("ASQ301",)),
        ("# noqa: ASQ301,ASQ302", ("ASQ301", "ASQ302")),
        ("# noqa: ASQ301, E501 W6  free text", ("ASQ301", "E501", "W6")),
        ("# why # noqa: ASQ301", ("ASQ301",)),
        ("# type: ignore # noqa", ()),
        ("# noqa: see the wiki", ()),
    ],
)
def test_noqa(comment: str, codes: tuple[str, ...]) -> None:
    assert found(f"x = 1  {comment}\n") == [("noqa", codes, 1, 1)]


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# asyncsqla-lint: ignore", ()),
        ("# asyncsqla-lint:ignore", ()),
        ("# Asyncsqla-Lint: Ignore[asq301]", ("ASQ301",)),
        ("# asyncsqla-lint: ignore[ASQ301, ASQ302] on purpose", ("ASQ301", "ASQ302")),
    ],
)
def test_ignore(comment: str, codes: tuple[str, ...]) -> None:
    assert found(f"x = 1  {comment}\n") == [("ignore", codes, 1, 1)]


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# asyncsqla-lint: ignore-file", ()),
        ("# asyncsqla-lint: ignore-file[ASQ301]", ("ASQ301",)),
        ("# flake8: noqa", ()),
        ("# flake8: NOQA", ()),
        ("# ruff: noqa: ASQ301, ASQ302", ("ASQ301", "ASQ302")),
        ("# asyncsqla-lint: noqa", ()),
    ],
)
def test_whole_file(comment: str, codes: tuple[str, ...]) -> None:
    assert found(f"import x\n\n{comment}\ny\n") == [("file", codes, 1, 5)]


def test_a_file_level_comment_has_a_line_of_its_own() -> None:
    assert found("x = 1  # flake8: noqa\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "x = '# noqa'\n",
        'x = """\n# noqa: ASQ301\n"""\n',
        "x = f'{a} # noqa'\n",
        "x  # noqa-like\n",
        "x  # noqabc\n",
        "x  # nothing about noqa\n",
        "x  # asyncsqla-lint is a tool\n",
    ],
)
def test_what_silences_nothing(text: str) -> None:
    assert found(text) == []


def test_a_comment_after_a_string_that_holds_a_hash() -> None:
    assert found("x = f('#', \"# noqa: X1\")  # noqa: Y2\n") == [("noqa", ("Y2",), 1, 1)]


@pytest.mark.parametrize("row", range(4))
def test_a_comment_covers_its_whole_statement(row: int) -> None:
    lines = ["before", "value = call(", "    first,", "    second,", ")", "after"]
    lines[1 + row] += "  # noqa: ASQ301"
    assert found("\n".join(lines)) == [("noqa", ("ASQ301",), 2, 5)]


def test_a_comment_covers_a_header_but_not_the_body() -> None:
    text = "async def f(\n    a,  # noqa\n    b,\n):\n    one\n    two  # noqa\n\nif (\n    x  # noqa\n): y\n"
    assert [(first, last) for _, _, first, last in found(text)] == [(1, 4), (6, 6), (8, 10)]


def test_a_comment_on_a_line_of_its_own_covers_that_line() -> None:
    assert found("x = 1\n# noqa: ASQ301\ny = 2\n") == [("noqa", ("ASQ301",), 2, 2)]


def test_a_comment_after_a_multi_line_string() -> None:
    assert found('x = """\na\n"""  # noqa\n') == [("noqa", (), 1, 3)]


def test_the_place_of_the_comment() -> None:
    text = "x = 1  # é noqa, # noqa: ASQ301 text\n"
    (suppression,) = lower(text).suppressions
    assert text[start_of(suppression.span) : end_of(suppression.span)] == "# noqa: ASQ301"


def test_many_comments_cost_no_more_than_their_number() -> None:
    text = "x = 1  # noqa\n" * 5000
    assert len(found(text)) == 5000
