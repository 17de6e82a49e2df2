"""A module's source, lowered to a Program."""

from __future__ import annotations

import threading

import libcst as cst

from asyncsqla_lint.program import Function, Program
from asyncsqla_lint.stretches import line_starts
from asyncsqla_lint.syntax.failure import SyntaxFailure, explain
from asyncsqla_lint.syntax.function import Definitions, without_docstring
from asyncsqla_lint.syntax.nesting import DEEPEST, SHALLOW, depth
from asyncsqla_lint.syntax.suppressions import suppressions
from asyncsqla_lint.syntax.unvalidated import unvalidated

LARGE_STACK = 256 << 20  # reserved, not used: only the pages that are touched become memory
TOO_DEEP = "nested too deeply"


def parse(text: str) -> cst.Module:
    """LibCST's tree; a text that nests deep is parsed on a stack of its own."""
    deepest, where = depth(text)
    if deepest > DEEPEST:
        raise SyntaxFailure.at(TOO_DEEP, text, where)
    return parsed(text) if deepest <= SHALLOW else on_large_stack(text)


def on_large_stack(text: str) -> cst.Module:
    outcome: list[cst.Module | BaseException] = []

    def run() -> None:
        try:
            outcome.append(parsed(text))
        except BaseException as error:
            outcome.append(error)

    usual = threading.stack_size(LARGE_STACK)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(usual)
    thread.join()
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result


def parsed(text: str) -> cst.Module:
    try:
        with unvalidated():
            return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise explain(text, error) from None
    except UnicodeEncodeError as error:
        raise SyntaxFailure.at("a lone surrogate is no text", text, error.start) from None
    except BaseException as error:
        # LibCST's Rust side reports its own mistakes so; it is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise SyntaxFailure("the parser gave up", 1, 1) from None


def lower(text: str) -> Program:
    """Lower a module's text; raises SyntaxFailure, and nothing else."""
    return lowered(text, parse(text))


def lowered(text: str, module: cst.Module) -> Program:
    """The Program of a text that is already parsed."""
    lowering = Definitions(text)
    try:
        statements = without_docstring(lowering.block(module.body))
    except RecursionError:
        raise SyntaxFailure.at(TOO_DEEP, text, lowering.at) from None
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
