"""What a run asks of every module, whether or not it has to be checked again."""

from __future__ import annotations

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.project.bodies import said
from asyncsqla_lint.project.outline import outline
from asyncsqla_lint.project.signs import Signs, signs_of


class Facts(Struct, frozen=True, array_like=True):
    outline: str
    lines: int
    silencing: p.Program | None  # its suppressions alone, where it has any
    signs: Signs | None  # None: nested too deep to be walked
    bodies: bytes  # what each function says: see `bodies`


def facts_of(program: p.Program, text: str, content: str, words: str) -> Facts:
    """`content` is the hash of the text, which stands for what is nested too deep; `words` are the text's."""
    silencing = None
    if program.suppressions:
        silencing = p.Program((), (), (), program.suppressions, program.line_starts)
    try:
        shown, signs = outline(program), signs_of(program, words)
    except RecursionError:
        shown, signs = content, None
    return Facts(shown, len(program.line_starts), silencing, signs, said(program, text))
