"""Every node and every place, held against CPython's own `ast`."""

from __future__ import annotations

import ast
import sys
import warnings
from pathlib import Path

import pytest

from asyncsqla_lint.program import end_of, start_of
from asyncsqla_lint.syntax import SyntaxFailure, lower

from . import sources
from .rebuild import expected, rebuilt

# Valid Python that LibCST 1.9 refuses; the files are the only ones of the standard library that hold it.
REFUSED = {"test_grammar.py", "ann_module.py", "ann_module8.py"}
# The whole library is `python -m syntax.whole_library`.
SAMPLE = [path for path in sources.standard_library(every=40) if path.name not in REFUSED]


def same_as_ast(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = expected(text)
    assert rebuilt(lower(text)) == wanted


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name)
def test_standard_library(path: Path) -> None:
    text = sources.read(path)
    if text is None or not parses(text):
        with pytest.raises(SyntaxFailure):
            lower(text or "\ud800")
        return
    same_as_ast(text)


def parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            return False
    return True


def test_every_syntax() -> None:
    text = sources.EVERY_SYNTAX
    if sys.version_info < (3, 12):
        text = text.replace("function[T]", "function")
    same_as_ast(text)


def test_match() -> None:
    same_as_ast(sources.MATCH)


@pytest.mark.parametrize("version", sources.NEWER, ids=lambda version: f"{version[0]}.{version[1]}")
def test_newer_syntax_is_read_by_every_interpreter(version: tuple[int, int]) -> None:
    text = sources.NEWER[version]
    program = lower(text)
    assert program.statements
    if sys.version_info >= version and version < (3, 14):
        same_as_ast(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "# only a comment",
        "x",
        "\ufeffx = 1\n",
        "x = 1\r\ny = '''a\r\nb'''\r\n",
        "x = 1\ry = 2\r",
        "\x0cx = 1\n\x0cdef f():\n  \x0c  return 1\n",
        "if x:\n\tif y:\n\t\tz\n\telse: w\n",
        "x = 1 + \\\n    2\\\r\n + 3\nif a and \\\n b: c\n",
        "x = 1;\ny = 2 ; z = 3 ;  # end\n",
        "def f(): x; y;\n\nz\n",
        "x = [\n\n  # a, b\n  1 , # c\n  2\n\n]  \n\n\n# end",
        "def f():\n    x\n# outdented comment\n    y\n  # more\nz\n",
        "class A:\n\n    # before\n\n    @d  # after\n    # between\n    def f(self): pass\n",
    ],
)
def test_layout(text: str) -> None:
    if text.startswith("\ufeff"):
        program = lower(text)
        assert start_of(program.statements[0].span) == 1
    else:
        same_as_ast(text)


def test_definitions_begin_at_their_keyword_and_know_their_name() -> None:
    text = "@decorator\nasync def go[T]():\n    pass\n\n@final\nclass Widget(Base): pass\n"
    program = lower(text)
    function = program.functions[0]
    assert cut(text, function.span) == "async def go[T]():\n    pass"
    assert cut(text, function.name_span) == "go"
    assert cut(text, function.decorators[0].span) == "decorator"
    widget = program.statements[1]
    assert cut(text, widget.span) == "class Widget(Base): pass"
    assert cut(text, widget.name_span) == "Widget"  # type: ignore[union-attr]


def cut(text: str, span: int) -> str:
    return text[start_of(span) : end_of(span)]


def test_location_counts_characters() -> None:
    text = "é = 1\nß = ü.x\n"
    program = lower(text)
    assignment = program.statements[1]
    assert program.location(start_of(assignment.value.span)) == (2, 5)  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["(x): int = 1\n", "class A(metaclass=M, *bases): pass\n"])
def test_what_libcst_refuses(text: str) -> None:
    """When this fails, LibCST has learned it: let `REFUSED` shrink."""
    ast.parse(text)
    with pytest.raises(SyntaxFailure):
        lower(text)
