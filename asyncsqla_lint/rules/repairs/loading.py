"""What loads the attribute that is read: with the query, before the read, or by awaiting it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec.structs import replace

from asyncsqla_lint.findings import Fix, Location, Repair
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.program import (
    AnnotatedAssign,
    Assign,
    Attribute,
    Await,
    Call,
    Name,
    end_of,
    start_of,
)
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.models import Column, ColumnProperty, Model, Relationship
from asyncsqla_lint.project.names import Variable
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.rules.repairs.base import first_of, repair, safe, unsafe
from asyncsqla_lint.rules.repairs.handing_options import handed_to_builder
from asyncsqla_lint.rules.repairs.written import node_of
from asyncsqla_lint.semantics.events import AttributeLoad
from asyncsqla_lint.semantics.instances import MARKED
from asyncsqla_lint.semantics.loader_options import EAGER
from asyncsqla_lint.semantics.plans import eager_strategy
from asyncsqla_lint.semantics.refreshing_by_name import only_takes_what_is_held


def eager_load(event: AttributeLoad) -> Fix | None:
    """Load at the query what is read later. What no query of ours gave is refreshed before the read."""
    made = event.loaded_at
    plan = event.instance.plan
    is_deeper = event.read_at != event.site and any(a is b for a, b in pairwise(event.path))
    late = None if event.is_detached or is_deeper else first_of(awaitable(event), refresh(event))
    if isinstance(event.attribute, Relationship) and not event.is_detached:
        called = "" if made is None else _called_at(made)
        # The query does all it can.
        known = plan is not None and plan.strategy(event.attribute) in EAGER and not _is_of_subclass(event)
        if called in ("get", "get_one") and event.instance.may_be_held:
            return refresh(event)  # `get` would not look at its options
        if event.instance.is_new or known or (made is not None and called not in _QUERIES):
            return late
    if plan is not None and plan.lost_at:
        return late
    return first_of(eager_loads([(event, event.path)]), late)


def awaitable(event: AttributeLoad) -> Fix | None:
    """`await obj.awaitable_attrs.posts`, where the model has them and the read is written there."""
    name = event.attribute.name
    if event.is_detached or event.read_at != event.site or event.use == "serialize":
        return None
    if not isinstance(event.attribute, Relationship) or event.model.has_async_attrs is not True:
        return None
    if event.cause != "unloaded":
        return None
    wanted = repair("use_awaitable_attrs", event.site, name=name)
    return unsafe(f"Read `await ….awaitable_attrs.{name}`", [wanted])


def refresh(event: AttributeLoad) -> Fix | None:
    """`await session.refresh(obj)` before the read, where the instance has a name."""
    if event.read_at != event.site and event.read_at.module is event.site.module and event.use == "serialize":
        return None
    if not refresh_loads(event) or event.instance.lifecycle == MARKED:
        return None  # (it would flush first, and what is deleted then cannot be asked for)
    name = event.attribute.name
    attributes = [] if event.cause == "expired" and comes_with_a_refresh(event) else [name]
    message = (
        f'Add `await session.refresh(…, ["{name}"])`' if attributes else "Add `await session.refresh(…)`"
    )
    read = event.via.rpartition(".")[2] or name
    return unsafe(message, [repair("add_refresh", event.site, attributes=attributes, name=read)])


def refresh_loads(event: AttributeLoad) -> bool:
    """Would a refresh by its name bring it? In a tree it takes what the session holds, and nothing else."""
    one = event.attribute
    return not isinstance(one, Relationship) or not only_takes_what_is_held(event.instance, one)


def comes_with_a_refresh(event: AttributeLoad) -> bool:
    """A bare one loads what its query would load: what is lazy, or deferred, has to be named."""
    one, instance = event.attribute, event.instance
    if isinstance(one, Relationship):
        return bool(instance.replays) and all(plan.strategy(one) in EAGER for plan in instance.replays)
    return not isinstance(one, (Column, ColumnProperty)) or all(
        plan.loads_column(instance.model, one) is not False for plan in instance.replays
    )


def refresh_handed(site: Site, events: Sequence[AttributeLoad]) -> Fix | None:
    """`await session.refresh(obj, …)` before an object is handed over, where it was bound to a name here."""
    first = events[0]
    made = first.loaded_at
    if made is None or made.module is not site.module:
        return None
    if any(event.is_detached or event.above or event.loaded_at != made for event in events):
        return None
    if not all(refresh_loads(event) for event in events):
        return None
    name = _bound_name(made)
    if not name or first.instance.many:
        return None
    attributes: list[str] = []
    if any(event.cause != "expired" for event in events) or not any(map(comes_with_a_refresh, events)):
        attributes = list(dict.fromkeys(event.attribute.name for event in events))
    wanted = repair("add_refresh", site, attributes=attributes, instance=name)
    return unsafe("Add `await session.refresh(…)`", [wanted])


def keep(event: AttributeLoad) -> Fix | None:
    """What was expired is refreshed, or not expired at all: nothing refreshes what its session has left."""
    return first_of(None if event.is_detached else refresh(event), kept(event))


def kept(event: AttributeLoad) -> Fix | None:
    """Let commits expire nothing."""
    if event.cause != "expired" or event.caused_by != "commit" or event.maker is None:
        return None
    message = "Set `expire_on_commit=False` where the sessions are made"
    return unsafe(message, [repair("set_keyword", event.maker, name="expire_on_commit", value="False")])


_QUERIES = frozenset({"select", "get", "get_one"})


def _called_at(site: Site) -> str:
    """The name of what is called there: `select`, `merge`."""
    found = node_of(site)
    function = found.function if isinstance(found, Call) else None
    if isinstance(function, Attribute):
        return function.name
    return function.id if isinstance(function, Name) else ""


def _bound_name(site: Site) -> str:
    """What the value made there is called at once: `pet` of `pet = await session.get_one(Pet, 1)`."""
    program = site.module.program
    for node in walk((program.statements, *program.bodies)):
        if isinstance(node, (Assign, AnnotatedAssign)):
            target = node.targets[0] if isinstance(node, Assign) else node.target
            value = node.value.value if isinstance(node.value, Await) else node.value
            if value is not None and value.span == site.span and isinstance(target, Name):
                return target.id
    return ""


def eager_loads(wanted: Sequence[tuple[AttributeLoad, tuple[Relationship, ...]]]) -> Fix | None:
    """The options for all of these paths, each at its own query."""
    repairs: list[Repair] = []
    shown: list[str] = []
    for event, path in wanted:
        paths = _paths(event, path)
        entity = _entity(event)
        if not paths or entity is None or event.loaded_at is None:
            return None
        listed = [" > ".join(steps) for steps in paths]
        told = bool(_told(event))
        repairs.append(repair("add_eager_load", event.loaded_at, entity=entity.name, paths=listed, told=told))
        shown += [".".join(_shown(step) for step in steps if not _is_class(step)) for steps in paths]
    names = ", ".join(f"`{one}`" for one in dict.fromkeys(shown))
    built = unsafe(f"Add {names} to the query{_elsewhere(wanted[0][0])}", _joined(repairs))
    handed = [handed_to_builder(event, _paths(event, path)) for event, path in wanted]
    calls = _joined([one for one in handed if one is not None])
    if None in handed or len(calls) != 1:
        return built
    return first_of(unsafe(f"Hand {names} to the function that builds the query", calls), built)


def _is_of_subclass(event: AttributeLoad) -> bool:
    entity = _entity(event)
    return entity is not None and bool(event.path) and not entity.is_subclass_of(event.path[0].model.cls)


def _entity(event: AttributeLoad) -> ClassInfo | None:
    """What the query asks for, where the instance came of one."""
    plan = event.instance.plan
    return None if plan is None or not plan.trail or event.instance.is_new else plan.trail[0]


def _shown(step: str) -> str:
    """ "selectinload app.models:User.posts" as it will be written."""
    strategy, _, target = step.partition(" ")
    name = target.rpartition(":")[2]
    return f"{strategy}({name[:-1]}, recursion_depth=-1)" if name.endswith("*") else f"{strategy}({name})"


def _is_class(step: str) -> bool:
    return step.startswith("subclass ")


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


def _paths(event: AttributeLoad, path: Sequence[Relationship]) -> list[list[str]]:
    """What to write for a path, each relationship with its strategy and the class to name it by."""
    cls = _entity(event)
    found: list[list[str]] = []
    steps: list[str] = []
    known = (*event.above_by, *(None for _ in path))  # what the query loads already stays as it is
    for number, relationship in enumerate(path):
        owner = relationship.model.cls
        strategy = eager_strategy(relationship, known[number])
        if cls is None or cls.qualname != cls.name:
            return []
        if not cls.is_subclass_of(owner):
            if number or not owner.is_subclass_of(cls) or owner.qualname != owner.name:
                return []
            # A base query ignores what is said of a subclass that it has not been told of.
            if owner not in _told(event):
                found.append([f"selectin_polymorphic {cls.name}.", _class(owner)])
            steps.append(f"{strategy} {owner.module.name}:{owner.name}.{relationship.name}")
        else:
            name = f"{cls.module.name}:{cls.name}" if number else cls.name
            steps.append(f"{strategy} {name}.{relationship.name}")
        cls = None if relationship.target is None else relationship.target.cls
        if number and relationship is path[number - 1]:
            # A tree: what is read a second time is read at any depth.
            steps.pop()
            before, _, again = steps[-1].removesuffix("*").partition(" ")
            steps[-1] = f"{'selectinload' if before == 'joinedload' else before} {again}*"
    return [*found, steps] if steps else []


def _told(event: AttributeLoad) -> tuple[ClassInfo, ...]:
    """The subclasses that the query loads too."""
    return () if event.instance.plan is None else event.instance.plan.subclasses


def _class(cls: ClassInfo) -> str:
    return f"subclass {cls.module.name}:{cls.name}.{cls.name}"


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
    """Load a deferred column, or those of a subclass, with the query."""
    above, entity, made = event.above, _entity(event), event.loaded_at
    if made is None or entity is None or above is None or event.caused_by not in ("", "subclass"):
        return None  # (after an expiry, no option of the query brings it back)
    plan = event.instance.plan
    if event.instance.is_as_replayed or (plan is not None and plan.lost_at):
        return None
    prefix: list[str] = []
    if above:
        paths = _paths(event, above)
        if len(paths) != 1 or above[-1].target is None:
            return None
        (prefix,) = paths
    name = event.attribute.name
    cls = entity if not above or above[-1].target is None else above[-1].target.cls
    shown = f"{cls.module.name}:{cls.name}" if above else cls.name
    owner = event.attribute.owner
    if event.caused_by == "subclass":
        owner = event.model.cls
        steps = [f"selectin_polymorphic {shown}.", _class(owner)]
        message = f"Add `selectin_polymorphic({cls.name}, [{owner.name}])` to the query"
    else:
        steps = [f"undefer {shown}.{name}"]
        message = f"Add `undefer({cls.name}.{name})` to the query"
        if not cls.is_subclass_of(owner):
            return None
    if owner.qualname != owner.name or cls.qualname != cls.name:
        return None
    listed = [" > ".join([*prefix, *steps])]
    told = bool(_told(event)) and not above
    return unsafe(message, [repair("add_eager_load", made, entity=entity.name, paths=listed, told=told)])


def async_attrs(model: Model) -> Fix | None:
    """The mixin goes to the declarative base, so that all models have it; else to the model itself."""
    base = model.mapping.base_of(model.cls)
    if isinstance(base, Variable):
        made = _through_maker(model.mapping.index, base)
        if made is not None:
            return made
    if not isinstance(base, ClassInfo):
        base = model.cls
    if any(cls.is_subclass_of("sqlalchemy.ext.asyncio.AsyncAttrs") for cls in base.subclasses):
        base = model.cls  # some have it already, before the base: two orders that Python cannot reconcile
    return _inheriting(base)


_ASYNC_ATTRS: dict[str, str | list[str] | bool] = {"from": "sqlalchemy.ext.asyncio"}


def _inheriting(cls: ClassInfo) -> Fix | None:
    site = Site(cls.module, cls.definition.name_span)
    wanted = repair("add_base", site, name="AsyncAttrs", **_ASYNC_ATTRS)
    return safe(f"Let `{cls.name}` inherit from `AsyncAttrs`", [wanted])


def _through_maker(index: Index, base: Variable) -> Fix | None:
    """`Base = declarative_base(cls=AsyncAttrs)`; the class that is given there may inherit it as well."""
    made = base.value
    if not isinstance(made, Call) or any(word.name is None for word in made.keywords):
        return None
    given = next((word.value for word in made.keywords if word.name == "cls"), None)
    if given is None:
        wanted = repair(
            "set_keyword", Site(base.module, made.span), name="cls", value="AsyncAttrs", **_ASYNC_ATTRS
        )
        return safe(f"Let `{base.name}` have `AsyncAttrs`", [wanted])
    cls = index.resolve(base.module, given, base.owner or base.scope)
    return _inheriting(cls) if isinstance(cls, ClassInfo) else None


def write_only(event: AttributeLoad) -> Fix | None:
    declared = Site(event.attribute.module, event.attribute.span)
    use = repair("select_write_only", event.site, attribute=event.attribute.name)
    return unsafe(
        "Declare it write-only, and `select()` its rows", [repair("make_write_only", declared), use]
    )
