"""The seam between the run and the engine that analyses: what goes in, what comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.project.bodies import Consulted
from asyncsqla_lint.rules.itself import internal_error
from asyncsqla_lint.workspace.config import Config

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index


class Analysis(Protocol):
    """What an engine answers. A crash inside one function is a finding (ASQ903), not an exception."""

    @property
    def findings(self) -> Sequence[Finding]: ...
    @property
    def counters(self) -> Mapping[str, int]: ...


# Which modules to check, by their keys in `index.modules`; the config's target release is resolved.
Analyse = Callable[["Index", Sequence[str], Config], Analysis]


class Checked(Struct, frozen=True):
    findings: tuple[Finding, ...]
    counters: dict[str, int]
    consulted: tuple[Consulted, ...] = ()  # the texts that it depends on
    asked: tuple[str, ...] = ()  # see `Index.families`
    pages: Mapping[str, str] = {}  # see `Index.pages_asked_for`


def check_modules(analyse: Analyse, index: Index, modules: Sequence[str], config: Config) -> Checked:
    """The unit of work, a pure function. A crash costs the module that causes it, and no other."""
    try:
        analysis = analyse(index, modules, config)
    except Exception as error:
        if len(modules) == 1:
            path = index.modules[modules[0]].path
            return Checked((internal_error(path, f"`{modules[0]}`", error),), {})
        middle = len(modules) // 2
        halves = [
            check_modules(analyse, index, part, config) for part in (modules[:middle], modules[middle:])
        ]
        return Checked(
            tuple(finding for half in halves for finding in half.findings),
            added(half.counters for half in halves),
        )
    return Checked(tuple(analysis.findings), dict(analysis.counters))


def added(counters: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counters:
        total.update(each)
    return dict(sorted(total.items()))
