"""Plans: what the options of a query, and the mapping, load on its instances."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Column, ColumnProperty, Model, QueryExpression, Relationship
from asyncsqla_lint.semantics.loader_options import COLUMN_STRATEGIES, EAGER, Entry, LoaderOptions, Step

FURTHER = EAGER - {"joinedload", "contains_eager"}  # by SELECTs of their own
OF_TARGET = COLUMN_STRATEGIES | {"selectin_polymorphic"}  # said of what a path leads to
LAZY = ("select", "raise", "raise_on_sql")
LAZY_NAMES = {
    "select": "lazyload",
    "joined": "joinedload",
    "selectin": "selectinload",
    "subquery": "subqueryload",
    "immediate": "immediateload",
    "raise": "raiseload",
    "raise_on_sql": "raiseload",
    "noload": "noload",
    "dynamic": "dynamic",
    "write_only": "write_only",
}


class Plan(Struct, frozen=True):
    """What a query loads on an instance: the options that concern it, their paths counted from it."""

    entries: tuple[Entry, ...] = ()
    is_open: bool = False
    trail: tuple[ClassInfo, ...] = ()  # the classes on the way here: default eager loading stops at a repeat
    root_at: int = 0  # where on the trail the SELECT begins that loads these instances
    wildcards: tuple[Entry, ...] = ()  # `raiseload("*")` without an entity holds at every depth
    subclasses: tuple[ClassInfo, ...] = ()  # whose columns are loaded too
    others: tuple[Plan, ...] = ()  # of the query's entities, where they are several: they reach the same rows
    perhaps: tuple[frozenset[str], ...] = ()  # the relationships that each of several paths loads besides
    chosen_in: int = 0  # the frame whose paths these were
    is_elsewhere: bool = False  # of an object that the session has had from elsewhere, which nobody can name
    is_refresh: bool = False  # of an instance that is there: further SELECTs are made one by one
    with_options: bool = (
        False  # the query had some, for whatever: its instances remember them, and the way here
    )
    joins_only: bool = False  # for an instance that is there no further SELECT is made
    is_within: bool = False  # its SELECT was made for another's rows, one by one or for all of them
    lost_at: str = ""  # the load below which options were lost
    met: tuple[Plan, ...] = ()  # by which the same rows come, too
    besides: tuple[Plan, ...] = ()  # by which they may come, too
    again: tuple[Plan, ...] = ()  # of the SELECTs below that meet the same instances once more

    @property
    def has_options(self) -> bool:
        """Such as a refresh replays."""
        return bool(self.entries)

    @property
    def has_column_options(self) -> bool:
        return any(entry.strategy in COLUMN_STRATEGIES for entry in self.entries)

    def strategy(self, relationship: Relationship) -> str | None:
        """How the relationship is loaded; None when that cannot be told."""
        found = self._strategy(relationship)
        if self.joins_only and (
            found in FURTHER or (found is None and relationship.lazy is not None and not self.is_open)
        ):
            found = "lazyload"
        for other in self.met:
            found = _of_both(relationship, found, other)
        for other in () if found in EAGER else self.besides:
            found = _of_both(relationship, found, other)
            if found in EAGER:
                return None
        return found

    def is_in_doubt(self, relationship: Relationship) -> bool:
        """Do other plans say something else of the same row?"""
        return bool(self.met or self.besides) and self.strategy(relationship) is None

    def _option_for(self, relationship: Relationship) -> Entry | None:
        """The option that says how it is loaded: the last that names it, else the last wildcard."""
        found: Entry | None = None
        named = False
        for entry in self.entries:
            if len(entry.path) != 1 or entry.strategy in OF_TARGET:
                continue
            step = entry.path[0]
            if step.name == relationship.name and entry.strategy != "defaultload":
                found, named = entry, True
            elif step.name == "*" and not named:
                if entry.root is None or entry.root.is_subclass_of(relationship.owner):
                    found = entry  # a base's wildcard says nothing of what only a subclass has
        if found is None:
            for entry in self.wildcards:
                if entry.strategy != "defaultload":
                    found = entry
        return found

    def _strategy(self, relationship: Relationship) -> str | None:
        option = self._option_for(relationship)
        if option is not None:
            if option.path[0].name != "*":
                return option.strategy
            if self.is_open and option.strategy != "raiseload":
                return None
            return self._unasked(relationship, option.strategy)
        if relationship.lazy in ("dynamic", "write_only"):
            return LAZY_NAMES[relationship.lazy]
        if self.is_open or relationship.lazy is None:
            if relationship.lazy in ("selectin", "joined", "subquery", "immediate"):
                return LAZY_NAMES[relationship.lazy]
            return None
        strategy = LAZY_NAMES.get(relationship.lazy)
        return None if strategy is None else self._unasked(relationship, strategy)

    def knows_of(self, owner: ClassInfo, model: Model, column: str = "") -> bool:
        """A query of a base loads what only a subclass has if it has been told of that.

        A `column` that both tables have (`kind`, of which one names the other) comes with that of the base.
        """
        if not self.trail or self.is_open or (self.is_refresh and len(self.trail) == 1):
            return True  # (who is refreshed is asked for as what it is)
        queried = self.trail[-1]
        if queried.is_subclass_of(owner) or not owner.is_subclass_of(queried):
            return True
        if any(one.cls is queried and column in one.columns for one in model.lineage):
            return True
        own = next((one for one in model.lineage if one.cls is owner), model)
        if own.polymorphic_load in ("selectin", "inline"):
            return True
        if any(one.cls is queried and one.with_polymorphic for one in model.lineage):
            return True
        return any(cls.is_subclass_of(owner) for cls in self.subclasses)

    def _selects_for(self, relationship: Relationship, strategy: str) -> bool:
        """Joins, and SELECTs for the rows of a SELECT's own class, leave out what only a subclass has."""
        if strategy == "immediateload" or self.knows_of(relationship.owner, relationship.model):
            return True
        return strategy != "joinedload" and self.root_at < len(self.trail) - 1

    def by_itself(self, relationship: Relationship) -> Plan:
        """Where the relationship is loaded by a SELECT of its own, for one instance."""
        entry = Entry((Step(relationship.name),), "immediateload")
        trail = self.trail if self.with_options else ()
        return replace(self, entries=(*self.entries, entry), trail=trail)

    def is_perhaps_loaded(self, name: str) -> bool:
        return any(name in names for names in self.perhaps)

    def is_loaded_anyway(self, name: str) -> bool:
        return bool(self.perhaps) and all(name in names for names in self.perhaps)

    def raises_on_sql_only(self, relationship: Relationship) -> bool:
        option = self._option_for(relationship)
        if option is None or option.strategy != "raiseload":
            return relationship.lazy == "raise_on_sql"
        return option.sql_only

    def _is_cycle(self, relationship: Relationship, strategy: str) -> bool:
        """Eager loading that no option asks for by name stops where it would come back to a class."""
        target = relationship.target
        if target is None:
            return False
        # A join sees the way within its own SELECT, a further SELECT the whole way.
        trail = self.trail[self.root_at :] if strategy == "joinedload" else self.trail
        if relationship.join_depth is not None:
            return len(trail) > relationship.join_depth
        return any(cls.is_subclass_of(target.cls) for cls in trail)

    def leaves_alone(self, relationship: Relationship) -> bool:
        """Further SELECTs that no option asks for stop here, at a repeat: what is there stays."""
        is_asked = bool(self.wildcards) or any(
            len(entry.path) == 1
            and entry.path[0].name in (relationship.name, "*")
            and entry.strategy not in COLUMN_STRATEGIES
            for entry in self.entries
        )
        strategy = LAZY_NAMES.get(relationship.lazy or "", "")
        is_left = not is_asked and strategy in FURTHER and self._is_cycle(relationship, strategy)
        return (
            is_left and self.strategy(relationship) not in EAGER
        )  # (an immediate load of a collection is made)

    def takes_what_is_held(self, relationship: Relationship) -> bool:
        """In a cycle an immediate load emits no SQL for a many-to-one."""
        return (
            relationship.direction == "many-to-one"
            and relationship.lazy is not None
            and not self.is_open
            and not (self.met or self.besides)
            and self.strategy(relationship) is None
        )

    def asks_for_key(self, relationship: Relationship) -> bool:
        """A many-to-one that is loaded for one instance at a time is looked up by its key."""
        if relationship.direction != "many-to-one":
            return False
        return self.loads_singly(relationship) or self.takes_what_is_held(relationship)

    def loads_singly(self, relationship: Relationship) -> bool:
        """By a SELECT for one instance, as a lazy load would: so does a refresh wherever no join does it."""
        strategy = self.strategy(relationship)
        return strategy == "immediateload" or (self.is_refresh and strategy in FURTHER)

    def comes_round_by_name(self, model: Model, relationship: Relationship) -> bool:
        """Does the immediate load that a refresh makes come back to a class, with no option to say so?"""
        if any(
            len(entry.path) == 1
            and entry.path[0].name == relationship.name
            and entry.strategy not in OF_TARGET
            and entry.strategy != "defaultload"
            for entry in self.entries
        ):
            return False
        target, owner = relationship.target, relationship.owner
        here = self if self.with_options and self.trail else replace(self, trail=(model.cls,))
        if len(here.trail) == 1 and target is not None and target.cls is not owner:
            # On the way stands the class that has the relationship, and not the one that is refreshed.
            if any(one.cls is owner for one in target.lineage):
                return False
        return here._is_cycle(relationship, "immediateload")

    def _unasked(self, relationship: Relationship, strategy: str) -> str | None:
        if strategy not in EAGER:
            return strategy
        if self._selects_for(relationship, strategy):
            if not self._is_cycle(relationship, strategy):
                return strategy
            if strategy == "immediateload" or (
                self.is_refresh and strategy in ("selectinload", "subqueryload")
            ):
                # A many-to-one takes what the session holds; a collection comes all the same.
                return None if relationship.direction == "many-to-one" else strategy
        # Nothing is loaded then: a read does what the class says.
        by_class = LAZY_NAMES.get(relationship.lazy or "", "lazyload")
        return "lazyload" if by_class in EAGER else by_class

    def loads_column(self, model: Model, attribute: Column | ColumnProperty | QueryExpression) -> bool | None:
        found = self._loads_column(model, attribute)
        if found is False and any(one.loads_column(model, attribute) for one in self.again):
            return True
        others = [one.loads_column(model, attribute) for one in self.met]
        if found is False and any(one is not False for one in others):
            found = True if True in others else None
        if found is False and any(one.loads_column(model, attribute) is not False for one in self.besides):
            return None
        return found

    def _loads_column(
        self, model: Model, attribute: Column | ColumnProperty | QueryExpression
    ) -> bool | None:
        deferred = not isinstance(attribute, QueryExpression) and attribute.deferred
        loaded: bool | None = not deferred
        is_narrowed = False
        is_named = False  # what is named stays, whatever an option says of all columns, before or after
        group = None if isinstance(attribute, QueryExpression) else attribute.deferred_group
        for entry in self.entries:
            if entry.path and not (len(entry.path) == 1 and entry.path[0].name == "*"):
                continue
            if entry.strategy == "load_only":
                if attribute.name in (*entry.columns, *model.primary_key, model.discriminator):
                    loaded = True
                    is_named = True
                elif not is_narrowed and not is_named:  # a further `load_only` adds to the first
                    loaded = False
                is_narrowed = True
            elif entry.strategy == "defer" and (
                attribute.name in entry.columns or ("*" in entry.columns and not is_named)
            ):
                loaded = attribute.name in model.primary_key
            elif entry.strategy in ("undefer", "with_expression"):
                if attribute.name in entry.columns or "*" in entry.columns:
                    loaded = True
                    is_named = is_named or attribute.name in entry.columns
            elif entry.strategy == "undefer_group" and group is not None and group in entry.columns:
                loaded = True
        is_below = is_narrowed and not is_named and self._is_below(model, attribute)
        if loaded is False and (self.is_open or is_below):
            return None
        return loaded

    def _is_below(self, model: Model, attribute: Column | ColumnProperty | QueryExpression) -> bool:
        """A column of a subclass that comes by a SELECT of its own: `load_only` of the base is not for it.

        It is where `with_polymorphic` has the one SELECT for all.
        """
        owner = attribute.owner
        if not self.trail or self.trail[-1].is_subclass_of(owner):
            return False
        return any(cls.is_subclass_of(owner) for cls in _polymorphic(self.entries)) or any(
            one.cls is owner and one.polymorphic_load == "selectin" for one in model.lineage
        )

    def below(self, relationship: Relationship) -> Plan:
        """The plan of the instances that the relationship leads to."""
        if self.met or self.besides:
            return self._below_all(relationship)
        strategy = self.strategy(relationship)
        is_lost = False
        entries: list[Entry] = []
        for entry in self.entries:
            if not entry.path or entry.path[0].name != relationship.name:
                continue
            below = replace(entry, path=entry.path[1:])
            if strategy == "immediateload" and entry.path[0].of_alias:
                is_lost = is_lost or bool(below.path)
                entries += _of_no_alias(below)
            elif below.path or entry.strategy in OF_TARGET:
                entries.append(below)
        subclasses = tuple(
            cls
            for entry in self.entries
            if entry.path and entry.path[0].name == relationship.name
            for cls in entry.path[0].of_type
        )
        back = relationship.inverse
        leads_back = back is not None and back.direction == "many-to-one" and back.lazy not in LAZY
        is_single = self.loads_singly(relationship)
        if is_single and back is not None and leads_back:
            # A SELECT for one object's children leaves alone what leads back to it
            # (`immediate_leaves_the_way_back`).
            entries.insert(0, Entry((Step(back.name),), "lazyload"))
        target = relationship.target
        trail = self.trail if target is None else (*self.trail, target.cls)
        is_joined = strategy in ("joinedload", "contains_eager")
        is_by_subquery = strategy == "subqueryload" and not is_single
        if is_by_subquery and self.is_within:
            # It looks for the options under a path that begins where the first SELECT does, and finds none
            # (`ASQ301/bad_lost_options`).
            is_lost, entries = True, []
        plan = Plan(
            tuple(entries),
            self.is_open,
            trail,
            self.root_at if is_joined else len(self.trail),
            () if is_single else self.wildcards,  # (it is a lazy load: no query of theirs)
            subclasses + _polymorphic(entries),
            self.others,
            is_elsewhere=self.is_elsewhere,
            is_refresh=self.is_refresh and is_joined,
            with_options=self.with_options,
            is_within=self.is_within if is_joined or is_by_subquery else True,
            lost_at=f"{strategy}({relationship.model.name}.{relationship.name})" if is_lost else self.lost_at,
        )
        return plan._among(self.others, target)

    def _among(self, others: tuple[Plan, ...], model: Model | None) -> Plan:
        """Rows of a query with several entities: those below one of them may be another."""
        plan = self
        for other in others:
            entity = other.trail[-1]
            if model is not None and (model.cls.is_subclass_of(entity) or entity.is_subclass_of(model.cls)):
                plan = plan.met_by(other, model)
        return plan

    def _below_all(self, relationship: Relationship) -> Plan:
        own = replace(self, met=(), besides=())
        first, *more = [
            one.below(relationship) for one in (own, *self.met) if one.strategy(relationship) in EAGER
        ] or [own.below(relationship)]
        besides = [one.below(relationship) for one in self.besides if one.strategy(relationship) in EAGER]
        if not first.others:  # it is another entity's options that have led here
            first = replace(first, others=self.others)._among(self.others, relationship.target)
        return replace(first, met=(*first.met, *more), besides=(*first.besides, *besides))

    def met_by(self, other: Plan, model: Model) -> Plan:
        """The same rows are an entity of the query too: what either loads is there."""
        entries = (*self.entries, *other.entries)
        is_known = not (self.wildcards or other.wildcards or other.is_open or other.subclasses) and all(
            entry.strategy in EAGER | {"defaultload"} and not any(step.of_type for step in entry.path)
            for entry in entries
        )
        if not is_known:
            return replace(self, met=(*self.met, other))
        by_class = tuple(
            Entry((Step(name),), strategy)
            for name, one in model.relationships.items()
            if (strategy := other.strategy(one)) in EAGER and self.strategy(one) not in EAGER
        )
        return replace(self, entries=(*entries, *by_class))


def _of_both(relationship: Relationship, one: str | None, other: Plan) -> str | None:
    """What becomes of a relationship of a row that comes by two plans: whoever loads it fills it.

    Where neither does, an option stays with the row, and what the class says all the same changes nothing. In
    one SELECT it is the first to come that counts.
    """
    another = other.strategy(relationship)
    if one == another or one in EAGER:
        return one
    if another in EAGER:
        return another
    if {one, another} != {"lazyload", "raiseload"}:
        return None
    is_joined = other.root_at == 0 and len(other.trail) > 1
    return "raiseload" if relationship.lazy == "select" and not is_joined else "lazyload"


def _of_no_alias(entry: Entry) -> list[Entry]:
    """A SELECT for one instance asks for the class itself: what is said of an alias does not concern it.

    Of a `load_only` stays what is said of all columns, as does what is said of all relationships.
    """
    if entry.strategy == "load_only" and not entry.path:
        return [replace(entry, columns=())]
    return [entry] if entry.path and entry.path[0].name == "*" else []


def _polymorphic(entries: Iterable[Entry]) -> tuple[ClassInfo, ...]:
    return tuple(
        cls
        for entry in entries
        if not entry.path and entry.strategy == "selectin_polymorphic"
        for cls in entry.subclasses
    )


def plan_for(
    cls: ClassInfo, options: tuple[LoaderOptions, ...], subclasses: tuple[ClassInfo, ...] = ()
) -> Plan:
    """What the options of a statement mean for its entity `cls`."""
    entries: list[Entry] = []
    wildcards: list[Entry] = []
    is_open = False
    known = subclasses + _polymorphic([entry for option in options for entry in option.entries])
    for option in options:
        is_open = is_open or option.is_open
        if option.root is not None and not _concerns(option.root, cls, known):
            continue
        for entry in option.entries:
            if len(entry.path) == 1 and entry.path[0].name == "*" and entry.root is None:
                wildcards.append(entry)
            elif (
                entry.strategy not in COLUMN_STRATEGIES
                or entry.path
                or entry.root is None
                or _concerns(entry.root, cls, known)
            ):
                entries.append(entry)
    return Plan(
        tuple(entries),
        is_open,
        (cls,),
        wildcards=tuple(wildcards),
        subclasses=subclasses + _polymorphic(entries),
        with_options=bool(options),
    )


def eager_strategy(relationship: Relationship, known: str | None = None) -> str:
    """What would load it with the query: what does already, or else what suits its direction."""
    if known in EAGER:
        return known
    return "joinedload" if relationship.uselist is False else "selectinload"


def named_in(
    cls: ClassInfo, alternatives: tuple[tuple[LoaderOptions, ...], ...]
) -> tuple[frozenset[str], ...]:
    """The relationships of `cls` that each of several lists of options loads."""
    return tuple(
        frozenset(
            entry.path[0].name
            for entry in plan_for(cls, options).entries
            if len(entry.path) == 1 and entry.strategy in EAGER
        )
        for options in alternatives
    )


def _concerns(root: ClassInfo, cls: ClassInfo, subclasses: tuple[ClassInfo, ...]) -> bool:
    """A query of a base hears options of a subclass only if it has been told of the subclass."""
    return root is cls or cls.is_subclass_of(root) or any(one.is_subclass_of(root) for one in subclasses)
