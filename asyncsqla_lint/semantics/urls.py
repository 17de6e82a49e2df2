"""Database URLs as values: from text, `URL.create`, `make_url`, and what their methods make of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.strings import text, text_parts
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Text,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import Scalar, Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

GAP = "\0"  # stands for a part of a text that is not known
_SCHEME = re.compile(r"([\w+]+)://")
Query = tuple[tuple[str, "str | None"], ...]


class Address(Struct, frozen=True):
    """What can be said of one URL; None where a part is not known."""

    name: str  # "postgresql+asyncpg": the backend, and the driver if there is one
    database: str | None = None
    query: Query = ()

    @property
    def backend(self) -> str:
        return self.name.partition("+")[0]

    @property
    def driver(self) -> str:
        return self.name.partition("+")[2]

    @property
    def is_memory(self) -> bool | None:
        """SQLite without a file."""
        if self.backend != "sqlite" or self.database is None:
            return None if self.backend == "sqlite" else False
        given = dict(self.query)
        return (
            self.database in ("", ":memory:")
            or "mode=memory" in self.database
            or given.get("mode") == "memory"
        )


class UrlValue(Value, frozen=True):
    """A `sqlalchemy.URL`. Strings within are values, since any of them may be unknown."""

    drivername: Value
    database: Value = UNKNOWN
    query: Query | None = ()

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "drivername":
            return self.drivername
        if name == "database":
            return self.database
        if name == "query" and self.query is not None:
            entries: dict[Scalar, Value] = {
                key: Text((None,)) if value is None else Constant(value) for key, value in self.query
            }
            return flow.allocate(state, DictRecord(entries))
        if name in _METHODS or name in _PARTS:
            return Method(self, name)
        return UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in _PARTS:
            return _part(self.drivername, _PARTS[name])
        if name == "set":
            return self._set(state, arguments)
        if name in ("render_as_string", "__str__", "__to_string__"):
            return self.formatted(flow, state, at)
        if name == "update_query_dict" or name == "update_query_pairs":
            given = _query(state, arguments.get(0, "query_parameters"))
            merged = (
                None
                if given is None or self.query is None
                else tuple({**dict(self.query), **dict(given)}.items())
            )
            return replace(self, query=merged)
        if name == "difference_update_query":
            return self._without(flow, state, arguments.get(0, "names"), at)
        return self if name in _METHODS else UNKNOWN

    def _set(self, state: State, arguments: Arguments) -> Value:
        given = arguments.keywords
        if arguments.more_keywords is not None:
            return UNKNOWN
        query = self.query
        if "query" in given:
            query = _query(state, given["query"])
        drivers = alternatives(given.get("drivername", self.drivername))
        return union(
            tuple(UrlValue(driver, given.get("database", self.database), query) for driver in drivers)
        )

    def _without(self, flow: Flow, state: State, names: Value | None, at: Span) -> Value:
        items = UNKNOWN if names is None else names
        iteration = items.iterate(flow, state, at, False)
        if iteration.items is None or not all(isinstance(one, Constant) for one in iteration.items):
            return replace(self, query=None)
        unwanted = {one.value for one in iteration.items if isinstance(one, Constant)}
        kept = None if self.query is None else tuple(pair for pair in self.query if pair[0] not in unwanted)
        return replace(self, query=kept)

    def formatted(self, flow: Flow, state: State, at: Span, specification: Value | None = None) -> Value:
        parts: list[str | None] = [*text_parts(self.drivername), "://", None]
        if isinstance(self.database, (Constant, Text)) and self.database != NONE:
            parts += ["/", *text_parts(self.database)]
        if self.query is None:
            parts.append(None)
        elif self.query:
            parts.append("?")
            for position, (key, value) in enumerate(self.query):
                parts += ["&" if position else "", key, "=", value]
        return text(parts)


_METHODS = frozenset(
    "set render_as_string __str__ __to_string__ update_query_dict update_query_pairs update_query_string "
    "difference_update_query".split()
)
_PARTS = {"get_backend_name": 0, "get_driver_name": 1}


def _part(drivername: Value, number: int) -> Value:
    found: list[Value] = []
    for one in alternatives(drivername):
        name = one.value if isinstance(one, Constant) else None
        if isinstance(name, str) and (number == 0 or "+" in name):
            found.append(Constant(name.split("+")[number]))
        elif number == 0 and isinstance(one, Text) and one.parts[0] is not None and "+" in one.parts[0]:
            found.append(Constant(one.parts[0].split("+")[0]))
        else:
            found.append(UNKNOWN)
    return union(tuple(found))


# --- reading -------------------------------------------------------------------------------------


def addresses(value: Value) -> tuple[tuple[Address, ...], bool]:
    """The URLs that a value may be, and whether these are all."""
    found: list[Address] = []
    is_whole = True
    for one in alternatives(value):
        parsed = _parsed(one)
        for url in () if parsed is None else alternatives(parsed):
            address = _address(url) if isinstance(url, UrlValue) else None
            if address is not None and address not in found:
                found.append(address)
            is_whole = is_whole and address is not None
        is_whole = is_whole and parsed is not None
    return tuple(found), is_whole


def _address(url: UrlValue) -> Address | None:
    name = url.drivername.value if isinstance(url.drivername, Constant) else None
    if not isinstance(name, str):
        return None
    database: str | None = None
    if url.database == NONE:
        database = ""
    elif isinstance(url.database, Constant) and isinstance(url.database.value, str):
        database = url.database.value
    elif isinstance(url.database, Text):
        database = GAP.join(part or "" for part in url.database.parts)
    return Address(name, database, url.query or ())


def _parsed(value: Value) -> Value | None:
    if isinstance(value, UrlValue):
        return value
    if isinstance(value, Constant) and isinstance(value.value, str):
        return parse((value.value,))
    if isinstance(value, Text):
        return parse(value.parts)
    return None


def parse(parts: tuple[str | None, ...]) -> UrlValue | None:
    """A URL of which parts may be missing. None unless its `driver://` is written out."""
    whole = "".join(GAP if part is None else part for part in parts)
    scheme = _SCHEME.match(whole)
    if scheme is None:
        return None
    rest, _, query = whole[scheme.end() :].partition("?")
    _, slash, database = rest.partition("/")
    return UrlValue(Constant(scheme.group(1)), _known(database if slash else None), _pairs(query))


def _known(database: str | None) -> Value:
    if database is None:
        return NONE
    if GAP not in database:
        return Constant(database)
    pieces: list[str | None] = []
    for position, piece in enumerate(database.split(GAP)):
        pieces += [None, piece] if position else [piece]
    return text(pieces)


def _pairs(query: str) -> Query:
    pairs: list[tuple[str, str | None]] = []
    for word in query.split("&") if query else ():
        key, _, value = word.partition("=")
        if GAP not in key and key:
            pairs.append((key, None if GAP in value else value))
    return tuple(pairs)


def _query(state: State, value: Value | None) -> Query | None:
    if value is None or value == NONE:
        return ()
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if not isinstance(record, DictRecord) or record.other is not None:
        return None
    return tuple(
        (key, one.value if isinstance(one, Constant) and isinstance(one.value, str) else None)
        for key, one in record.entries.items()
        if isinstance(key, str)
    )


# --- making --------------------------------------------------------------------------------------


def register(meanings: Meanings) -> None:
    meanings.calls["sqlalchemy.URL.create"] = _create
    meanings.calls["sqlalchemy.engine.URL.create"] = _create
    meanings.calls["sqlalchemy.make_url"] = _make_url
    meanings.calls["sqlalchemy.engine.make_url"] = _make_url
    meanings.sure.update(("sqlalchemy.make_url", "sqlalchemy.engine.make_url"))
    for module in ("pydantic", "pydantic.networks", "pydantic_core"):
        for name in _DSNS:
            meanings.calls[f"{module}.{name}.build"] = _build
            meanings.calls[f"{module}.{name}"] = _dsn


_DSNS = ("AnyUrl", "MultiHostUrl", "Url", "PostgresDsn", "MySQLDsn", "MariaDBDsn", "CockroachDsn")


def _create(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if arguments.more is not None or arguments.more_keywords is not None:
        return UNKNOWN
    driver = arguments.get(0, "drivername") or UNKNOWN
    database = arguments.get(5, "database") or NONE
    query = _query(state, arguments.get(6, "query"))
    return union(tuple(UrlValue(one, database, query) for one in alternatives(driver)))


def _make_url(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    given = arguments.get(0, "name_or_url") or UNKNOWN
    return union(tuple(_parsed(one) or UNKNOWN for one in alternatives(given)))


def _dsn(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`PostgresDsn("postgresql://…")`: its text is all that is asked of it."""
    return arguments.get(0, "url") or UNKNOWN


def _build(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    scheme = arguments.keywords.get("scheme", UNKNOWN)
    return text([*text_parts(scheme), "://", None])
