"""The words that the rules of loading share: what is read, which query made it, and the shortest mend."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from asyncsqla_lint.findings import Related
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.rules.places import line_of, place
from asyncsqla_lint.rules.repairs.loading import comes_with_a_refresh, refresh_loads
from asyncsqla_lint.semantics.events import AttributeLoad
from asyncsqla_lint.semantics.plans import eager_strategy


def loader_option(path: Sequence[Relationship], by: Sequence[str | None] = ()) -> str:
    """ "joinedload(Order.customer).selectinload(Customer.orders)".

    `by`: how the query loads the first of these already.
    """
    steps: list[str] = []
    for relationship, below, known in zip_longest(path, path[1:], by):
        strategy = eager_strategy(relationship, known)
        key = f"{relationship.model.name}.{relationship.name}"
        target = relationship.target
        if below is not None and target is not None and not target.cls.is_subclass_of(below.model.cls):
            key += f".of_type({below.model.name})"  # what is read next is a subclass's
        steps.append(f"{strategy}({key})")
    return ".".join(steps)


def by_name(names: Sequence[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"`await session.refresh(obj, [{listed}])`"


class Wording:
    def __init__(self, event: AttributeLoad) -> None:
        self.event = event
        self.key = f"{event.model.name}.{event.attribute.name}"

    @property
    def subject(self) -> str:
        return f"`{self.key}`"

    @property
    def query(self) -> str:
        event = self.event
        if event.loaded_at is None:
            return "the query"
        line = line_of(event.loaded_at)
        if event.instance.is_new:
            return f"constructing it (line {line})"
        if event.loaded_at.module is event.site.module:
            return f"the query on line {line}"
        return f"the query in `{event.loaded_at.module.name}` (line {line})"

    @property
    def eager_load(self) -> str:
        attribute, plan = self.event.attribute, self.event.instance.plan
        if plan is not None and plan.lost_at:
            return f"the query loses options below `{plan.lost_at}`: use `selectinload` there"
        if self.event.instance.is_new and not refresh_loads(self.event):
            return f"`await obj.awaitable_attrs.{attribute.name}` (of `AsyncAttrs`) loads it; no refresh does"
        if self.event.instance.is_new:
            return f"{by_name([attribute.name])} loads it"
        if isinstance(attribute, Relationship):
            option = loader_option(self.event.path, self.event.above_by) or f"selectinload({self.key})"
        else:
            above = loader_option(self.event.above or (), self.event.above_by)
            option = f"{above}." * bool(above) + f"undefer({self.key})"
        return f"add `.options({option})` to the query"

    @property
    def cause(self) -> str:
        """ "the commit on line 12"."""
        event = self.event
        what = event.caused_by or "what came before"
        if event.caused_at is None:
            return what
        line = line_of(event.caused_at)
        if event.caused_at.module is event.site.module:
            return f"{what} on line {line}"
        return f"{what} in `{event.caused_at.module.name}` (line {line})"

    @property
    def keep(self) -> str:
        """How not to lose what was expired."""
        what = self.event.caused_by
        if what == "commit":
            kept = "`expire_on_commit=False`" + " with an eager load" * (not comes_with_a_refresh(self.event))
            return f"use {kept}, or {self.reload} after it"
        if what in ("rollback", "a failed flush"):
            return "read what is needed before, or load the object again"
        if what in ("flush", "update"):
            return f"{self.reload} after the write, or `eager_defaults=True` on the mapper"
        return f"{self.reload} first"

    @property
    def reload(self) -> str:
        name = self.event.attribute.name
        if not refresh_loads(self.event):
            return f"`await obj.awaitable_attrs.{name}` (of `AsyncAttrs`)"
        return "`await session.refresh(obj)`" if comes_with_a_refresh(self.event) else by_name([name])

    def places(self) -> list[Related]:
        event = self.event
        found: list[Related] = []
        if event.read_at != event.site:
            through = f" (through `{event.via}`)" if event.via else ""
            found.append(place(event.read_at, f"{self.subject} is read here{through}"))
        if event.loaded_at is not None:
            found.append(place(event.loaded_at, "made here" if event.instance.is_new else "queried here"))
        if event.caused_at is not None:
            found.append(place(event.caused_at, f"{event.caused_by} here"))
        declared = Site(event.attribute.module, event.attribute.span)
        found.append(place(declared, f"{self.subject} is declared here"))
        return found
