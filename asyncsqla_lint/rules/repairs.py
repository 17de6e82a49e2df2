"""How a rule says what would mend a finding: sites and words become `Fix`es, each in one line of the rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from asyncsqla_lint.findings import Applicability, Fix, Location, Repair
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.knowledge.drivers import Where, replacement
from asyncsqla_lint.program import Attribute, Call, Name, Node, Span, end_of, start_of
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Model, Relationship
from asyncsqla_lint.semantics.api_events import AttributeMissing
from asyncsqla_lint.semantics.engine_events import EngineAbandoned, EngineCreated
from asyncsqla_lint.semantics.events import AttributeLoad, BindMismatched
from asyncsqla_lint.semantics.listening import ListenerMisplaced
from asyncsqla_lint.semantics.loader_options import EAGER
from asyncsqla_lint.semantics.urls import Address


def repair(codemod: str, site: Site, **arguments: str | list[str] | bool) -> Repair:
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


# --- loading ---------------------------------------------------------------------------------------


def eager_load(event: AttributeLoad) -> Fix | None:
    """Load at the query what is read later. What no query of ours gave is refreshed before the read."""
    made = event.loaded_at
    plan = event.instance.plan
    if isinstance(event.attribute, Relationship) and not event.is_detached:
        called = "" if made is None else _called_at(made)
        known = plan is not None and plan.strategy(event.attribute) in EAGER  # the query does all it can
        if called in ("get", "get_one") and event.instance.may_be_held:
            return refresh(event)  # `get` would not look at its options
        if event.instance.is_new or known or (made is not None and called not in _QUERIES):
            return refresh(event)
    return eager_loads([(event, event.path)]) or (None if event.is_detached else refresh(event))


def refresh(event: AttributeLoad) -> Fix | None:
    """`await session.refresh(obj)` before the read, where the instance has a name."""
    if event.read_at != event.site and event.read_at.module is event.site.module and event.use == "serialize":
        return None
    name = event.attribute.name
    attributes = [name] if isinstance(event.attribute, Relationship) or event.cause == "unloaded" else []
    message = (
        f'Add `await session.refresh(…, ["{name}"])`' if attributes else "Add `await session.refresh(…)`"
    )
    read = event.via.rpartition(".")[2] or name
    return unsafe(message, [repair("add_refresh", event.site, attributes=attributes, name=read)])


_QUERIES = frozenset({"select", "get", "get_one"})


def _called_at(site: Site) -> str:
    """The name of what is called there: `select`, `merge`."""
    found = _node_at((site.module.program.statements, *site.module.program.bodies), site.span)
    function = found.function if isinstance(found, Call) else None
    if isinstance(function, Attribute):
        return function.name
    return function.id if isinstance(function, Name) else ""


def _node_at(part: object, place: Span) -> Node | None:
    if isinstance(part, tuple):
        for one in part:
            found = _node_at(one, place)
            if found is not None:
                return found
        return None
    if not isinstance(part, Node) or not start_of(part.span) <= start_of(place) < end_of(part.span):
        return None
    for field in part.__struct_fields__:
        value = getattr(part, field)
        if isinstance(value, (tuple, Node)):
            found = _node_at(value, place)
            if found is not None:
                return found
    return part if part.span == place else None


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
        shown.append(".".join(_shown(step) for step in steps))
    listed = ", ".join(f"`{one}`" for one in dict.fromkeys(shown))
    return unsafe(f"Add {listed} to the query{_elsewhere(wanted[0][0])}", _joined(repairs))


def _shown(step: str) -> str:
    """ "selectinload app.models:User.posts" as it will be written."""
    strategy, _, target = step.partition(" ")
    return f"{strategy}({target.rpartition(':')[2]})"


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


def undefer(event: AttributeLoad) -> Fix | None:
    """Load a deferred column with the query; one that only a subclass has needs more than that."""
    made, plan = event.loaded_at, event.instance.plan
    if made is None or plan is None or not plan.trail or event.caused_by == "subclass":
        return None
    name = event.attribute.name
    if len(plan.trail) > 1 or not plan.trail[0].is_subclass_of(event.attribute.owner):
        return None
    entity = plan.trail[0].name
    arguments: dict[str, str | list[str] | bool] = {"entity": entity, "paths": [f"undefer {entity}.{name}"]}
    return unsafe(
        f"Add `undefer({entity}.{name})` to the query", [repair("add_eager_load", made, **arguments)]
    )


def async_attrs(model: Model) -> Fix | None:
    """The mixin goes to the declarative base, so that all models have it; else to the model itself."""
    base = next((cls for cls in reversed(model.cls.ancestors) if _is_declarative_base(cls)), model.cls)
    if any("AsyncAttrs" in _base_names(cls) for cls in _all_below(base)):
        base = model.cls  # some have it already, before the base: two orders that Python cannot reconcile
    site = Site(base.module, base.definition.name_span)
    arguments: dict[str, str | list[str] | bool] = {"name": "AsyncAttrs", "from": "sqlalchemy.ext.asyncio"}
    return safe(f"Let `{base.name}` inherit from `AsyncAttrs`", [repair("add_base", site, **arguments)])


def _is_declarative_base(cls: ClassInfo) -> bool:
    return any(name in ("DeclarativeBase", "DeclarativeBaseNoMeta") for name in _base_names(cls))


def _base_names(cls: ClassInfo) -> list[str]:
    found = [one.name for one in cls.definition.bases if isinstance(one, Attribute)]
    return found + [one.id for one in cls.definition.bases if isinstance(one, Name)]


def _all_below(cls: ClassInfo) -> list[ClassInfo]:
    found = list(cls.subclasses)
    for one in found:
        found += [below for below in one.subclasses if below not in found]
    return found


def write_only(event: AttributeLoad) -> Fix | None:
    declared = Site(event.attribute.module, event.attribute.span)
    use = repair("select_write_only", event.site, attribute=event.attribute.name)
    return unsafe(
        "Declare it write-only, and `select()` its rows", [repair("make_write_only", declared), use]
    )


# --- engines and sessions --------------------------------------------------------------------------


def replace_scheme(site: Site, old: str, new: str) -> Repair:
    return repair("replace_in_text", site, old=f"{old}://", new=f"{new}://")


def driver_swap(site: Site, url: Address, meant: Sequence[str]) -> Fix | None:
    if not meant:
        return None
    name = f"{url.backend}+{meant[0]}"
    return unsafe(f"Use `{name}`", [replace_scheme(site, url.name, name)])


def rename_argument(
    event: EngineCreated, driver: str, key: str, value: str | None, where: Where
) -> Fix | None:
    meant = replacement(driver, key, where, value)
    if meant is None or (value is None and where == "connect_args" and key in ("ssl", "sslmode")):
        return None  # what is an SSL context to one driver is a word to the other
    site = event.record.site
    if where == "query":
        return safe(f"Write `{meant}`", [repair("replace_in_text", site, old=f"{key}=", new=f"{meant}=")])
    return safe(f"Write `{meant}`", [repair("replace_in_text", site, old=key, new=meant)])


def fitting_pool(site: Site, pool: str | None) -> Fix | None:
    if pool == "SingletonThreadPool":
        return drop_keywords(site, ["poolclass"])
    return safe("Use `AsyncAdaptedQueuePool`", [repair("replace_pool", site)])


def drop_keywords(site: Site, names: Sequence[str]) -> Fix | None:
    listed = ", ".join(f"`{name}`" for name in names)
    return safe(f"Leave out {listed}", [repair("remove_keywords", site, names=list(names))])


def dispose(event: EngineAbandoned) -> Fix | None:
    return unsafe("Dispose it in a `finally`", [repair("dispose_finally", event.record.site)])


def sync_target(event: ListenerMisplaced) -> Fix | None:
    attribute = _SYNC_ATTRIBUTES.get(event.target)
    if event.listener or event.is_class or attribute is None:
        return None
    return safe(f"Listen on `.{attribute}`", [repair("append_attribute", event.site, attribute=attribute)])


_SYNC_ATTRIBUTES = {
    "AsyncEngine": "sync_engine",
    "AsyncConnection": "sync_connection",
    "AsyncSession": "sync_session",
}


def scope(site: Site) -> Fix | None:
    return safe("Scope it by `asyncio.current_task`", [repair("set_scope", site)])


def async_factory(event: BindMismatched) -> Fix | None:
    new = {"sessionmaker": "async_sessionmaker", "Session": "AsyncSession"}.get(event.name.rpartition(".")[2])
    if event.is_async or new is None:
        return None
    arguments: dict[str, str | list[str] | bool] = {
        "name": new,
        "from": "sqlalchemy.ext.asyncio",
        "drop": "class_",
    }
    return safe(f"Use `{new}`", [repair("replace_callee", event.site, **arguments)])


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


def in_sequence(site: Site) -> Fix | None:
    return unsafe("Await one after the other", [repair("await_in_sequence", site)])
