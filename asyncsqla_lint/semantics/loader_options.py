"""Loader options as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    TupleValue,
    Union,
    Value,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.semantics.expressions import AliasValue, AttributeValue

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

EAGER = frozenset({"selectinload", "joinedload", "subqueryload", "immediateload", "contains_eager"})
FILLING = EAGER | {"noload"}
RELATIONSHIP_STRATEGIES = EAGER | {"raiseload", "lazyload", "noload", "defaultload"}
COLUMN_STRATEGIES = frozenset({"load_only", "defer", "undefer", "undefer_group", "with_expression"})


class Step(Struct, frozen=True):
    """One relationship on the way; `name` is "*" for a wildcard."""

    name: str
    owner: ClassInfo | None = None
    of_type: tuple[ClassInfo, ...] = ()
    of_alias: bool = False


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
                replace(entry, path=self.tip + entry.path, root=self.root) for entry in option.entries
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

    of: Value = UNKNOWN  # the class whose rows have to meet it


def unpacked(flow: Flow, state: State, arguments: Arguments, at: Span) -> Arguments:
    """Lists among the arguments as tuples."""
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
            # The first step does not count: `recursion_depth=1` loads children and theirs (`good_tree`).
            repeats = depth.value if isinstance(depth, Constant) and isinstance(depth.value, int) else -1
            for count in range(1, repeats + 1 if repeats >= 0 else 8):
                entries = (*entries, Entry((*tip, *(step,) * count), strategy))
        named_root = base.root if step.name == "*" else None
        entries = (*entries, Entry(tip, strategy, sql_only=sql_only, root=named_root))
    return LoaderOptions(entries, tip, root, is_open)


def _step(target: Value) -> Step | None:
    if isinstance(target, AttributeValue):
        return Step(target.name, target.cls, target.of_type, target.of_alias)
    if isinstance(target, Constant) and isinstance(target.value, str):
        return Step(target.value.rpartition(".")[2])
    return None


def _with_columns(base: LoaderOptions, strategy: str, arguments: Arguments) -> LoaderOptions:
    names: list[str] = []
    root = base.root
    is_open = base.is_open or arguments.more is not None
    tip = base.tip
    # What `with_expression` computes is no column of its own.
    for target in arguments.positional[: 1 if strategy == "with_expression" else None]:
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


def loads_by_name(option: LoaderOptions) -> bool:
    """Does it do nothing to its entity but load relationships that it names?"""
    return not option.is_open and all(
        entry.path and entry.path[0].name != "*" and (len(entry.path) > 1 or entry.strategy in EAGER)
        for entry in option.entries
    )
