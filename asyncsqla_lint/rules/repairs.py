"""How a rule says what would mend a finding: sites and words become `Fix`es, each in one line of the rule."""

from __future__ import annotations

from collections.abc import Iterable

from asyncsqla_lint.findings import Applicability, Fix, Location, Repair
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.program import end_of, start_of


def repair(codemod: str, site: Site, **arguments: str | list[str] | bool) -> Repair:
    program = site.module.program
    start = Location(*program.location(start_of(site.span)))
    end = Location(*program.location(end_of(site.span)))
    return Repair(codemod, site.module.path, start, end, {"package": package_of(site), **arguments})


def package_of(site: Site) -> str:
    """The package that relative imports of the module start from."""
    module = site.module
    return module.name if module.is_package else module.name.rpartition(".")[0]


def safe(message: str, repairs: Iterable[Repair]) -> Fix | None:
    return _fix(message, "safe", repairs)


def unsafe(message: str, repairs: Iterable[Repair]) -> Fix | None:
    return _fix(message, "unsafe", repairs)


def _fix(message: str, applicability: Applicability, repairs: Iterable[Repair]) -> Fix | None:
    made = tuple(repairs)
    return Fix(message, applicability, made) if made else None


# --- in one line ---------------------------------------------------------------------------------


def set_keyword(site: Site, name: str, value: str) -> Fix | None:
    return safe(f"Set `{name}={value}`", [repair("set_keyword", site, name=name, value=value)])


def add_await(site: Site) -> Fix | None:
    return safe("Add `await`", [repair("add_await", site)])


def remove_await(site: Site) -> Fix | None:
    return safe("Remove `await`", [repair("remove_await", site)])


def move_await(site: Site) -> Fix | None:
    return safe("Put parentheses around `await` and the call", [repair("move_await", site)])
