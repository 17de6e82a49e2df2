"""Statements: `select(User).options(…)` and its whole generative API, as immutable values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.strings import text_parts
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Method, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.semantics.expressions import SQL, AliasValue, AttributeValue, Criterion
from asyncsqla_lint.semantics.loader_options import Criteria, LoaderOptions, collected

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_OTHER_VALUES = frozenset(
    "subquery cte alias scalar_subquery exists label as_scalar lateral compile c columns selected_columns "
    "exported_columns whereclause get_children froms column_descriptions __str__ is_ in_ "
    "correlate_except".split()
)
_COMPOUND = frozenset("union union_all intersect intersect_all except_ except_all".split())


class Statement(Value, frozen=True):
    """A statement as far as loading and writing care."""

    kind: str  # select, insert, update, delete, text
    site: Site
    entities: tuple[Value, ...] = ()  # ClassValue, AliasValue, AttributeValue, or something unknown
    options: tuple[LoaderOptions, ...] = ()
    equalities: tuple[tuple[ClassInfo | None, str, Value], ...] = ()
    gives_values: bool = False  # SQLModel's `select` of one thing: `exec()` gives no rows
    has_criteria: bool = False
    populate_existing: bool | None = False
    yield_per: bool = False
    joins: tuple[AttributeValue, ...] = ()  # the relationships along which it is joined, by inner joins
    narrowed: bool = False  # joined otherwise, limited, grouped or made distinct: perhaps not every row
    is_filtered: bool = False  # by `with_loader_criteria`, as is what it loads along
    target: ClassInfo | None = None  # of insert, update, delete
    values: tuple[tuple[str, Value], ...] | None = ()  # of update: None when they cannot be read
    synchronize: str | None = None
    from_statement: bool = False
    is_written_text: bool = False  # `text("insert …")`
    perhaps: tuple[tuple[LoaderOptions, ...], ...] = ()  # what each of several paths has given besides
    chosen_in: int = 0  # the frame whose paths these were
    dialect: str = ""  # the one database that understands it: `sqlalchemy.dialects.postgresql.insert`

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def compared(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        return None if operator in ("is", "is not") else SQL

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        handler = _METHODS.get(name)
        if handler is not None:
            return handler(self, flow, state, arguments, at)
        if name in _OTHER_VALUES:
            return SQL
        if name in _COMPOUND:
            return UNKNOWN
        return self

    @property
    def is_write(self) -> bool:
        return self.kind in ("insert", "update", "delete")


def new_statement(flow: Flow, kind: str, at: Span, arguments: Arguments) -> Statement:
    statement = Statement(kind, flow.site(at))
    if kind == "select":
        return replace(statement, entities=_entities(arguments))
    target = arguments.get(0, "table")
    if kind == "text":
        words = [part for part in text_parts(arguments.get(0, "text") or UNKNOWN)[:1] if part is not None]
        verb = words[0].split(None, 1)[0].lower() if words and words[0].strip() else ""
        return replace(statement, is_written_text=verb in ("insert", "update", "delete", "merge", "replace"))
    return replace(statement, target=target.info if isinstance(target, ClassValue) else None)


def _entities(arguments: Arguments) -> tuple[Value, ...]:
    found = arguments.positional
    if arguments.more is not None:
        found = (*found, UNKNOWN)
    return found


def _where(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    equalities = self.equalities
    for criterion in arguments.positional:
        if isinstance(criterion, Criterion):
            equalities = equalities + criterion.equalities
    return replace(self, equalities=equalities, has_criteria=True)


def _filter_by(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    found = entity_class(self.entities[0]) if self.entities else self.target
    given = tuple((found, name, value) for name, value in arguments.keywords.items())
    return replace(self, equalities=self.equalities + given, has_criteria=True)


def _is_of_these(self: Statement, criteria: Criteria) -> bool:
    """Do the rows that the query itself gives have to meet it, or others that it loads along?"""
    given = criteria.of
    if not isinstance(given, ClassValue):
        return True
    classes = [entity_class(entity) for entity in self.entities]
    return any(
        cls is None or cls.is_subclass_of(given.info) or given.info.is_subclass_of(cls) for cls in classes
    )


def _options(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    is_filtered = self.is_filtered or any(
        isinstance(one, Criteria) and _is_of_these(self, one) for one in arguments.positional
    )
    options = self.options + tuple(collected(flow, state, arguments, at))
    return replace(self, options=options, is_filtered=is_filtered)


def _execution_options(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return with_execution_options(self, arguments.keywords)


def with_execution_options(statement: Statement, given: dict[str, Value]) -> Statement:
    populate = given.get("populate_existing")
    if populate is not None:
        known = populate.value if isinstance(populate, Constant) else None
        statement = replace(statement, populate_existing=bool(known) if isinstance(known, bool) else None)
    if given.get("yield_per") not in (None, NONE):
        statement = replace(statement, yield_per=True)
    synchronize = given.get("synchronize_session")
    if isinstance(synchronize, Constant):
        statement = replace(statement, synchronize=str(synchronize.value))
    return statement


def _populate_existing(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return replace(self, populate_existing=True)


def _yield_per(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return replace(self, yield_per=True)


def _narrowed(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return replace(self, narrowed=True)


def _join(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    along = arguments.positional[-1] if arguments.positional else UNKNOWN
    is_outer = any(arguments.keywords.get(one) not in (None, Constant(False)) for one in ("isouter", "full"))
    is_plain = isinstance(along, AttributeValue) and not along.alias and not along.of_type
    if not is_plain or is_outer or isinstance(arguments.first, AliasValue):
        return replace(self, narrowed=True)
    assert isinstance(along, AttributeValue)
    return replace(self, joins=(*self.joins, along))


def _add_columns(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return replace(self, entities=self.entities + _entities(arguments))


def _only_columns(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return replace(self, entities=_entities(arguments))


def _returning(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return replace(self, entities=_entities(arguments))


def _values(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    given = tuple(arguments.keywords.items())
    if arguments.positional or arguments.more_keywords is not None:
        from asyncsqla_lint.flow.containers import DictRecord
        from asyncsqla_lint.flow.values import Reference

        first = arguments.positional[0] if arguments.positional else UNKNOWN
        record = state.record(first.oid) if isinstance(first, Reference) else None
        if not isinstance(record, DictRecord) or record.other is not None:
            return replace(self, values=None)
        given += tuple((str(key), value) for key, value in record.entries.items())
    return replace(self, values=given if self.values is None else self.values + given)


def _from_statement(self: Statement, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    source = arguments.get(0, "statement")
    if isinstance(source, Statement):
        return replace(
            self,
            from_statement=True,
            kind=source.kind if source.is_write else self.kind,
            target=source.target,
            values=source.values,
            equalities=source.equalities,
            has_criteria=source.has_criteria,
        )
    return replace(self, from_statement=True, has_criteria=True)


_NARROWING = (
    "outerjoin",
    "join_from",
    "outerjoin_from",
    "limit",
    "offset",
    "fetch",
    "slice",
    "distinct",
    "group_by",
)

_METHODS = {
    "where": _where,
    "filter": _where,
    "having": _where,
    "filter_by": _filter_by,
    "options": _options,
    "execution_options": _execution_options,
    "populate_existing": _populate_existing,
    "yield_per": _yield_per,
    **dict.fromkeys(_NARROWING, _narrowed),
    "join": _join,
    "add_columns": _add_columns,
    "add_entity": _add_columns,
    "with_only_columns": _only_columns,
    "returning": _returning,
    "values": _values,
    "from_statement": _from_statement,
}


def entity_class(entity: Value) -> ClassInfo | None:
    """The mapped class that a row's element is an instance of."""
    if isinstance(entity, ClassValue):
        return entity.info
    return entity.cls if isinstance(entity, AliasValue) else None


def entity_name(entity: Value) -> str | None:
    """Under which name a row offers the element."""
    if isinstance(entity, AttributeValue):
        return entity.name
    if isinstance(entity, AliasValue) and entity.label is not None:
        return entity.label
    cls = entity_class(entity)
    return None if cls is None else cls.name
