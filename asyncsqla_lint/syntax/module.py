"""A module's source, lowered to a Program."""

from __future__ import annotations

import re

import libcst as cst

from asyncsqla_lint.program import Function, Program
from asyncsqla_lint.syntax.function import Definitions, without_docstring
from asyncsqla_lint.syntax.suppressions import suppressions

LINE_END = re.compile(r"\r\n|\n|\r")


class SyntaxFailure(Exception):
    """The text is no Python module. `row` and `column` are 1-based, in characters."""

    def __init__(self, message: str, row: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column


def line_starts(text: str) -> tuple[int, ...]:
    return (0, *[match.end() for match in LINE_END.finditer(text)])


def parse(text: str) -> cst.Module:
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise SyntaxFailure(error.message, error.raw_line, error.raw_column + 1) from None


def lower(text: str) -> Program:
    """Lower a module's text; raises SyntaxFailure, and nothing else."""
    module = parse(text)
    lowering = Definitions(text)
    try:
        statements = without_docstring(lowering.block(module.body))
    finally:
        lowering.handlers.clear()  # bound methods: a cycle
    starts = line_starts(text)
    functions: list[Function] = [function for function in lowering.functions if function is not None]
    return Program(
        statements,
        tuple(functions),
        tuple(lowering.bodies),
        suppressions(text, starts, lowering.strings, lowering.extents),
        starts,
    )
