"""Loader options as values, and the plan that they make for the instances of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Method, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Column, ColumnProperty, Model, QueryExpression, Relationship
from asyncsqla_lint.semantics.expressions import AliasValue, AttributeValue

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

EAGER = frozenset({"selectinload", "joinedload", "subqueryload", "immediateload", "contains_eager"})
FURTHER = EAGER - {"joinedload", "contains_eager"}  # by SELECTs of their own
FILLING = EAGER | {"noload"}
RELATIONSHIP_STRATEGIES = EAGER | {"raiseload", "lazyload", "noload", "defaultload"}
COLUMN_STRATEGIES = frozenset({"load_only", "defer", "undefer", "undefer_group", "with_expression"})
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


class Step(Struct, frozen=True):
    """One relationship on the way; `name` is "*" for a wildcard."""

    name: str
    owner: ClassInfo | None = None
    of_type: ClassInfo | None = None


class Entry(Struct, frozen=True):
    """`strategy` for what the path ends in. For column strategies `columns` are the names meant."""

    path: tuple[Step, ...]
    strategy: str
    columns: tuple[str, ...] = ()
    sql_only: bool = False
    raises: bool = False  # `defer(…, raiseload=True)`
    subclasses: tuple[ClassInfo, ...] = ()
    root: ClassInfo | None = None  # `Load(User)`: only for this entity


class LoaderOptions(Value, frozen=True):
    """One loader option with everything chained to it. `is_open`: parts of it could not be read."""

    entries: tuple[Entry, ...] = ()
    tip: tuple[Step, ...] = ()
    root: ClassInfo | None = None
    is_open: bool = False

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "options":
            return self._nested(flow, state, arguments, at)
        if name in RELATIONSHIP_STRATEGIES or name in COLUMN_STRATEGIES or name == "selectin_polymorphic":
            from asyncsqla_lint.semantics.eager_use import written

            return written(flow, extended(self, name, unpacked(flow, state, arguments, at)))
        return (
            self
            if name in ("process_compile_state",)
            else LoaderOptions(self.entries, self.tip, self.root, True)
        )

    def _nested(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        result = self
        for option in collected(flow, state, arguments, at):
            entries = tuple(
                Entry(
                    self.tip + entry.path,
                    entry.strategy,
                    entry.columns,
                    entry.sql_only,
                    entry.raises,
                    entry.subclasses,
                    self.root,
                )
                for entry in option.entries
            )
            result = LoaderOptions(
                result.entries + entries, result.tip, result.root, result.is_open or option.is_open
            )
        return result


NO_OPTIONS = LoaderOptions()
OPEN = LoaderOptions(is_open=True)


def collected(flow: Flow, state: State, arguments: Arguments, at: Span) -> list[LoaderOptions]:
    """The options among the arguments of `.options(…)`, also inside of unpacked lists."""
    found: list[LoaderOptions] = []
    for argument in (*arguments.positional, *(() if arguments.more is None else (arguments.more,))):
        found.extend(_options_in(flow, state, argument, at, 0))
    return found


def _options_in(flow: Flow, state: State, value: Value, at: Span, depth: int) -> list[LoaderOptions]:
    from asyncsqla_lint.flow.containers import ListRecord
    from asyncsqla_lint.flow.values import Reference, TupleValue, Union

    if isinstance(value, LoaderOptions):
        return [value]
    if isinstance(value, Union):
        # On some path one, on some path another: what only some load may or may not be loaded.
        return [LoaderOptions(is_open=True)]
    if depth < 3:
        items: tuple[Value, ...] | None = None
        if isinstance(value, TupleValue):
            items = value.elements
        elif isinstance(value, Reference):
            record = state.record(value.oid)
            if isinstance(record, ListRecord):
                items = record.items
        if items is not None:
            return [option for item in items for option in _options_in(flow, state, item, at, depth + 1)]
    if isinstance(value, Criteria):
        return []
    return [OPEN]


class Criteria(Value, frozen=True):
    """`with_loader_criteria(…)`: changes which rows are loaded, not what is loaded."""


def unpacked(flow: Flow, state: State, arguments: Arguments, at: Span) -> Arguments:
    """Lists among the arguments as tuples."""
    from asyncsqla_lint.flow.values import Reference, TupleValue

    found: list[Value] = []
    for value in arguments.positional:
        if isinstance(value, Reference):
            iteration = value.iterate(flow, state, at, False)
            value = TupleValue(iteration.items) if iteration.items is not None else value
        found.append(value)
    return Arguments(tuple(found), arguments.keywords, arguments.more, arguments.more_keywords)


def extended(base: LoaderOptions, strategy: str, arguments: Arguments) -> LoaderOptions:
    """`base.strategy(*arguments)`."""
    if strategy in COLUMN_STRATEGIES:
        return _with_columns(base, strategy, arguments)
    if strategy == "selectin_polymorphic":
        return _with_subclasses(base, arguments)
    entries, tip, root, is_open = base.entries, base.tip, base.root, base.is_open
    if arguments.more is not None or not arguments.positional:
        return LoaderOptions(entries, tip, root, True)
    for target in arguments.positional:
        step = _step(target)
        if step is None:
            return LoaderOptions(entries, tip, root, True)
        if root is None and not tip and isinstance(target, AttributeValue):
            root = target.cls
        tip = (*tip, step)
        sql_only = arguments.keywords.get("sql_only") == Constant(True)
        depth = arguments.keywords.get("recursion_depth")
        if depth is not None:
            repeats = depth.value if isinstance(depth, Constant) and isinstance(depth.value, int) else 0
            for count in range(1, repeats if repeats > 0 else 8):
                entries = (*entries, Entry((*tip, *(step,) * count), strategy))
        named_root = base.root if step.name == "*" else None
        entries = (*entries, Entry(tip, strategy, sql_only=sql_only, root=named_root))
    return LoaderOptions(entries, tip, root, is_open)


def _step(target: Value) -> Step | None:
    if isinstance(target, AttributeValue):
        return Step(target.name, target.cls, target.of_type)
    if isinstance(target, Constant) and isinstance(target.value, str):
        return Step(target.value.rpartition(".")[2])
    return None


def _with_columns(base: LoaderOptions, strategy: str, arguments: Arguments) -> LoaderOptions:
    names: list[str] = []
    root = base.root
    is_open = base.is_open or arguments.more is not None
    tip = base.tip
    for target in arguments.positional:
        if isinstance(target, AttributeValue):
            names.append(target.name)
            if root is None and not tip:
                root = target.cls
        elif isinstance(target, Constant) and isinstance(target.value, str):
            names.append(target.value)
        else:
            is_open = True
    raises = arguments.keywords.get("raiseload") == Constant(True)
    entry = Entry(tip, strategy, tuple(names), raises=raises, root=root if not tip else None)
    return LoaderOptions((*base.entries, entry), tip, root, is_open)


def _with_subclasses(base: LoaderOptions, arguments: Arguments) -> LoaderOptions:
    from asyncsqla_lint.flow.values import TupleValue

    given = arguments.positional[-1] if arguments.positional else UNKNOWN
    if isinstance(given, TupleValue) and all(isinstance(one, ClassValue) for one in given.elements):
        classes = tuple(one.info for one in given.elements if isinstance(one, ClassValue))
        entry = Entry(base.tip, "selectin_polymorphic", subclasses=classes)
        return LoaderOptions((*base.entries, entry), base.tip, base.root, base.is_open)
    return LoaderOptions(base.entries, base.tip, base.root, True)


def target_class(value: Value) -> ClassInfo | None:
    if isinstance(value, ClassValue):
        return value.info
    return value.cls if isinstance(value, AliasValue) else None


# --- plans ---------------------------------------------------------------------------------------


class Plan(Struct, frozen=True):
    """What a query loads on an instance: the options that concern it, their paths counted from it."""

    entries: tuple[Entry, ...] = ()
    is_open: bool = False
    trail: tuple[ClassInfo, ...] = ()  # the classes on the way here: default eager loading stops at a repeat
    root_at: int = 0  # where on the trail the SELECT begins that loads these instances
    wildcards: tuple[Entry, ...] = ()  # `raiseload("*")` without an entity holds at every depth
    subclasses: tuple[ClassInfo, ...] = ()  # whose columns are loaded too
    others: tuple[ClassInfo, ...] = ()  # the query's further entities: their own options reach the same rows
    perhaps: tuple[frozenset[str], ...] = ()  # the relationships that each of several paths loads besides
    chosen_in: int = 0  # the frame whose paths these were
    is_elsewhere: bool = False  # of an object that the session has had from elsewhere, which nobody can name
    is_refresh: bool = False  # of an instance that is there: further SELECTs are made one by one
    joins_only: bool = False  # for an instance that is there no further SELECT is made

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
            return "lazyload"
        return found

    def _strategy(self, relationship: Relationship) -> str | None:
        found: str | None = None
        named = False
        for entry in self.entries:
            if len(entry.path) != 1 or entry.strategy in COLUMN_STRATEGIES:
                continue
            step = entry.path[0]
            if step.name == relationship.name and entry.strategy != "defaultload":
                found, named = entry.strategy, True
            elif step.name == "*" and not named:
                if entry.root is None or entry.root.is_subclass_of(relationship.owner):
                    found = entry.strategy  # a base's wildcard says nothing of what only a subclass has
        if found is None:
            for entry in self.wildcards:
                if entry.strategy != "defaultload":
                    found = entry.strategy
        if found is not None:
            if named:
                return found
            return None if self.is_open and found != "raiseload" else self._unasked(relationship, found)
        if relationship.lazy in ("dynamic", "write_only"):
            return LAZY_NAMES[relationship.lazy]
        if self.is_open or relationship.lazy is None:
            if relationship.lazy in ("selectin", "joined", "subquery", "immediate"):
                return LAZY_NAMES[relationship.lazy]
            return None
        strategy = LAZY_NAMES.get(relationship.lazy)
        return None if strategy is None else self._unasked(relationship, strategy)

    def by_itself(self, relationship: Relationship) -> Plan:
        """Where the relationship is loaded by a SELECT of its own, for one instance."""
        entry = Entry((Step(relationship.name),), "immediateload")
        return replace(self, entries=(*self.entries, entry))

    def is_perhaps_loaded(self, name: str) -> bool:
        return any(name in names for names in self.perhaps)

    def is_loaded_anyway(self, name: str) -> bool:
        return bool(self.perhaps) and all(name in names for names in self.perhaps)

    def raises_on_sql_only(self, relationship: Relationship) -> bool:
        found: Entry | None = None
        for entry in (*self.wildcards, *self.entries):
            if len(entry.path) == 1 and entry.strategy == "raiseload":
                is_named = entry.path[0].name == relationship.name
                if is_named or (entry.path[0].name == "*" and (found is None or found.path[0].name == "*")):
                    found = entry
        return relationship.lazy == "raise_on_sql" if found is None else found.sql_only

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

    def takes_what_is_held(self, relationship: Relationship) -> bool:
        """In a cycle an immediate load emits no SQL for a many-to-one."""
        return (
            relationship.direction == "many-to-one"
            and relationship.lazy is not None
            and not self.is_open
            and self.strategy(relationship) is None
        )

    def _unasked(self, relationship: Relationship, strategy: str) -> str | None:
        if strategy not in EAGER or not self._is_cycle(relationship, strategy):
            return strategy
        if strategy == "immediateload" or (self.is_refresh and strategy in ("selectinload", "subqueryload")):
            # A many-to-one takes what the session holds; a collection comes all the same.
            return None if relationship.direction == "many-to-one" else strategy
        return "lazyload"

    def loads_column(self, model: Model, attribute: Column | ColumnProperty | QueryExpression) -> bool | None:
        deferred = not isinstance(attribute, QueryExpression) and attribute.deferred
        loaded: bool | None = not deferred
        is_narrowed = False
        is_named = False  # what is named stays, whatever an option says of all columns, before or after
        group = None if isinstance(attribute, QueryExpression) else attribute.deferred_group
        for entry in self.entries:
            if entry.path and not (len(entry.path) == 1 and entry.path[0].name == "*"):
                continue
            if entry.strategy == "load_only":
                if attribute.name in entry.columns or attribute.name in model.primary_key:
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
        if loaded is False and (self.is_open or (is_narrowed and not is_named and self._is_below(attribute))):
            return None
        return loaded

    def _is_below(self, attribute: Column | ColumnProperty | QueryExpression) -> bool:
        """A column of a subclass that comes by a SELECT of its own: `load_only` of the base is not for it."""
        owner = attribute.owner
        return any(
            cls.is_subclass_of(owner) and self.trail and not self.trail[-1].is_subclass_of(owner)
            for cls in self.subclasses
        )

    def below(self, relationship: Relationship) -> Plan:
        """The plan of the instances that the relationship leads to."""
        entries: list[Entry] = []
        for entry in self.entries:
            if len(entry.path) > 1 and entry.path[0].name == relationship.name:
                entries.append(_shortened(entry))
            elif len(entry.path) == 1 and entry.path[0].name == relationship.name:
                if entry.strategy in COLUMN_STRATEGIES or entry.strategy == "selectin_polymorphic":
                    entries.append(_shortened(entry))
        subclasses = tuple(
            entry.path[0].of_type
            for entry in self.entries
            if entry.path and entry.path[0].name == relationship.name and entry.path[0].of_type is not None
        )
        strategy = self.strategy(relationship)
        back = relationship.inverse
        leads_back = back is not None and back.direction == "many-to-one" and back.lazy not in LAZY
        if strategy == "immediateload" and back is not None and leads_back:
            # A SELECT for one object's children leaves alone what leads back to it
            # (`immediate_leaves_the_way_back`).
            entries.insert(0, Entry((Step(back.name),), "lazyload"))
        target = relationship.target
        trail = self.trail if target is None else (*self.trail, target.cls)
        is_other = target is not None and any(_concerns(cls, target.cls, (cls,)) for cls in self.others)
        is_joined = strategy in ("joinedload", "contains_eager")
        return Plan(
            tuple(entries),
            self.is_open or is_other,
            trail,
            self.root_at if is_joined else len(self.trail),
            self.wildcards,
            subclasses + _polymorphic(entries),
            self.others,
            is_elsewhere=self.is_elsewhere,
            is_refresh=self.is_refresh and is_joined,
        )


def _shortened(entry: Entry) -> Entry:
    return Entry(
        entry.path[1:],
        entry.strategy,
        entry.columns,
        entry.sql_only,
        entry.raises,
        entry.subclasses,
        entry.root,
    )


def _polymorphic(entries: list[Entry]) -> tuple[ClassInfo, ...]:
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
    )


def loads_by_name(option: LoaderOptions) -> bool:
    """Does it do nothing to its entity but load relationships that it names?"""
    return not option.is_open and all(
        entry.path and entry.path[0].name != "*" and (len(entry.path) > 1 or entry.strategy in EAGER)
        for entry in option.entries
    )


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
