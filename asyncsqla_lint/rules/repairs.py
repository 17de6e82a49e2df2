"""How a rule says what would mend a finding: sites and words become `Fix`es, each in one line of the rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from asyncsqla_lint.findings import Applicability, Fix, Location, Repair
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.program import end_of, start_of
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.semantics.events import AttributeLoad


def repair(codemod: str, site: Site, **arguments: str | list[str] | bool) -> Repair:
    program = site.module.program
    start = Location(*program.location(start_of(site.span)))
    end = Location(*program.location(end_of(site.span)))
    return Repair(codemod, site.module.path, start, end, {"package": package_of(site), "module": site.module.name, **arguments})


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


# --- loading ---------------------------------------------------------------------------------------


def eager_load(event: AttributeLoad) -> Fix | None:
    """Load at the query what is read later; a new object is asked for it before the read."""
    return eager_loads([(event, event.path)])


def eager_loads(wanted: Sequence[tuple[AttributeLoad, tuple[Relationship, ...]]]) -> Fix | None:
    """The options for all of these paths, each at its own query."""
    repairs: list[Repair] = []
    shown: list[str] = []
    for event, path in wanted:
        steps = _steps(event, path)
        if not steps or event.loaded_at is None or event.instance.is_new or event.instance.plan is None:
            return None
        entity = event.instance.plan.trail[0].name
        arguments: dict[str, str | list[str] | bool] = {"entity": entity, "paths": [" > ".join(steps)]}
        repairs.append(repair("add_eager_load", event.loaded_at, **arguments))
        shown.append(".".join(f"{step.split(' ')[0]}({step.rpartition(':')[2]})" for step in steps))
    listed = ", ".join(f"`{one}`" for one in dict.fromkeys(shown))
    return unsafe(f"Add {listed} to the query{_elsewhere(wanted[0][0])}", _joined(repairs))


def _elsewhere(event: AttributeLoad) -> str:
    """Who else pays, when the query stands in another function."""
    made = event.loaded_at
    if made is None:
        return ""
    frame: Frame | None = event.frame
    while frame is not None and frame.function is not None:
        body = frame.function.header.span
        if made.module is frame.module and start_of(body) <= start_of(made.span) < end_of(body):
            return "" if frame is event.frame else f" in `{frame.function.qualname}`, for all its callers"
        frame = frame.caller
    return f" in `{made.module.name}`, for all who use it" if made.module is not event.site.module else ""


def _steps(event: AttributeLoad, path: Sequence[Relationship]) -> list[str]:
    """Each relationship with its strategy and the class to name it by, the entity's own first."""
    plan = event.instance.plan
    if plan is None or not plan.trail or not path:
        return []
    found: list[str] = []
    cls: ClassInfo | None = plan.trail[0]
    for number, relationship in enumerate(path):
        if cls is None or not cls.is_subclass_of(relationship.model.cls) or cls.qualname != cls.name:
            return []  # only a subclass has it: the query has to be told of the subclass first
        strategy = "joinedload" if relationship.uselist is False else "selectinload"
        owner = f"{cls.module.name}:{cls.name}" if number else cls.name
        found.append(f"{strategy} {owner}.{relationship.name}")
        cls = None if relationship.target is None else relationship.target.cls
    return found


def _joined(repairs: Sequence[Repair]) -> list[Repair]:
    """One repair for each place."""
    found: dict[tuple[str, Location], Repair] = {}
    for one in repairs:
        key = (one.path, one.location)
        known = found.get(key)
        if known is None:
            found[key] = one
            continue
        before, more = known.arguments["paths"], one.arguments["paths"]
        assert isinstance(before, list) and isinstance(more, list)
        paths = [*before, *(path for path in more if path not in before)]
        found[key] = replace(known, arguments={**known.arguments, "paths": paths})
    return list(found.values())


# --- in one line ---------------------------------------------------------------------------------


def set_keyword(site: Site, name: str, value: str) -> Fix | None:
    return safe(f"Set `{name}={value}`", [repair("set_keyword", site, name=name, value=value)])


def add_await(site: Site) -> Fix | None:
    return safe("Add `await`", [repair("add_await", site)])


def remove_await(site: Site) -> Fix | None:
    return safe("Remove `await`", [repair("remove_await", site)])


def move_await(site: Site) -> Fix | None:
    return safe("Put parentheses around `await` and the call", [repair("move_await", site)])
