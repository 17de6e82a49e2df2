"""The contract between one codemod and the planner.

A codemod is a class in a file of `codemods/`. It is told where a repair stands, and answers with edits:

    class AddAwait(Codemod):
        '''Await a coroutine that nobody awaits.'''

        name = "add_await"

        def changes(self, file: File, repair: Repair) -> Changes:
            call = file.node(repair, cst.Call)
            …

It reads LibCST's tree of the file and writes pieces of text, so that what it does not mean to change stays as
it is to the byte. It raises `Refused` where it cannot be sure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, TypeVar

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.edits import Changes
from asyncsqla_lint.fixes.imports import Imports
from asyncsqla_lint.fixes.tree import Refused, Tree

N = TypeVar("N", bound=cst.CSTNode)


class File(Tree):
    """What a codemod sees of a file."""

    def __init__(self, text: str, package: str = "", *, whole: bool = False) -> None:
        super().__init__(text, whole=whole)
        self.imports = Imports(self, package)

    def place(self, repair: Repair) -> tuple[int, int]:
        return self.offset(repair.location), self.offset(repair.end_location)

    def node(self, repair: Repair, kind: type[N]) -> N:
        return self.at(*self.place(repair), kind)

    def expression(self, repair: Repair) -> cst.BaseExpression:
        return self.node(repair, cst.BaseExpression)  # type: ignore[type-abstract]  # any kind will do


class Codemod(ABC):
    name: ClassVar[str]
    # Repairs at one place become one, their lists of arguments joined.
    merges: ClassVar[bool] = False
    # All fixes that want it are made, or none: a declaration changes for every use of it.
    together: ClassVar[bool] = False
    # If not, the codemod itself sees to it that its file can be read afterwards.
    is_for_python: ClassVar[bool] = True

    @abstractmethod
    def changes(self, file: File, repair: Repair) -> Changes:
        """What is to be written; raises `Refused` where the source does not let it be done."""


def text_of(repair: Repair, key: str) -> str:
    value = repair.arguments.get(key, "")
    if not isinstance(value, str):
        raise Refused(f"`{key}` is not a text")
    return value


def list_of(repair: Repair, key: str) -> list[str]:
    value = repair.arguments.get(key, [])
    if not isinstance(value, list):
        raise Refused(f"`{key}` is not a list")
    return value


def flag_of(repair: Repair, key: str) -> bool:
    return repair.arguments.get(key, False) is True
