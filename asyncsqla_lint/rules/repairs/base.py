"""Sites and words become `Fix`es."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from asyncsqla_lint.findings import Applicability, Fix, Location, Repair
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.program import end_of, start_of
from asyncsqla_lint.semantics.api_events import AttributeMissing


def repair(codemod: str, site: Site, **arguments: str | list[str] | bool) -> Repair:
    site.module.consult()
    program = site.module.program
    start = Location(*program.location(start_of(site.span)))
    end = Location(*program.location(end_of(site.span)))
    return Repair(
        codemod,
        site.module.path,
        start,
        end,
        {"package": package_of(site), "module": site.module.name, **arguments},
    )


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


def first_of(*ways: Fix | None) -> Fix | None:
    """The first that there is; the others for where the source does not let it be made."""
    made: Fix | None = None
    for way in reversed(ways):
        if way is not None:
            made = replace(way, otherwise=_last(way.otherwise, made))
    return made


def _last(known: Fix | None, more: Fix | None) -> Fix | None:
    return more if known is None else replace(known, otherwise=_last(known.otherwise, more))


# --- in one line ---------------------------------------------------------------------------------


def set_keyword(site: Site, name: str, value: str) -> Fix | None:
    return safe(f"Set `{name}={value}`", [repair("set_keyword", site, name=name, value=value)])


def add_await(site: Site) -> Fix | None:
    return safe("Add `await`", [repair("add_await", site)])


def remove_await(site: Site) -> Fix | None:
    return safe("Remove `await`", [repair("remove_await", site)])


def move_await(site: Site) -> Fix | None:
    return safe("Put parentheses around `await` and the call", [repair("move_await", site)])


def one_repair(codemod: str, site: Site, message: str) -> Fix | None:
    return safe(message, [repair(codemod, site)])


def one_unsafe(codemod: str, site: Site, message: str) -> Fix | None:
    return unsafe(message, [repair(codemod, site)])


def run_sync(what: str, site: Site) -> Fix | None:
    if what == "awaited":
        return remove_await(site)
    if what in ("async", "coroutine"):
        return safe("Await it directly", [repair("await_directly", site)])
    return safe("Pass the function itself", [repair("pass_function", site)])


def query_to_select(event: AttributeMissing) -> Fix | None:
    if event.name != "query":
        return None
    return unsafe("Use `select()`", [repair("query_to_select", event.site)])
