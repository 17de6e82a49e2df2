"""One file per output format. Each has `render(findings, context)`, which yields pieces of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from asyncsqla_lint.findings import Finding

if TYPE_CHECKING:
    from asyncsqla_lint.report.context import Context


class Render(Protocol):
    def __call__(self, findings: Sequence[Finding], context: Context) -> Iterator[str]: ...


class Format:
    """A format by name; its module is imported when it is first used."""

    def __init__(self, module: str, *, for_people: bool = False) -> None:
        self._module = module
        self.for_people = for_people  # has a summary and may have colour; the others are for machines

    def load(self) -> Render:
        module = import_module(f"{__name__}.{self._module}")
        return cast(Render, module.render)


FORMATS: dict[str, Format] = {
    "full": Format("full", for_people=True),
    "concise": Format("concise", for_people=True),
    "grouped": Format("grouped", for_people=True),
    "json": Format("json"),
    "json-lines": Format("json_lines"),
    "github": Format("github"),
    "gitlab": Format("gitlab"),
    "sarif": Format("sarif"),
    "junit": Format("junit"),
    "azure": Format("azure"),
    "rdjson": Format("rdjson"),
    "pylint": Format("pylint"),
}
