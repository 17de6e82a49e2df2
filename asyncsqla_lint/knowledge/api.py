"""The classes of the asyncio extension and their sync counterparts: what each method is and gives."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, Union

from msgspec import Struct, field

from .releases import NEWEST, Release, table

Kind = Literal[
    "async_context",  # `async with` only: `AsyncEngine.begin`
    "async_iterator",  # `async for`: `AsyncResult.partitions`
    "context",  # `with` only: `Engine.begin`
    "coroutine",  # must be awaited
    "iterator",
    "plain",
    "property",
    "startable",  # awaited or entered by `async with`: `AsyncEngine.connect`, `AsyncSession.begin`
]
Protocol = Literal["async_context", "async_iterable", "awaitable", "callable", "context", "iterable"]


# What programs written for 1.x still ask an engine for; no release that is installed can tell.
BEFORE_2_0 = {"Engine": frozenset("execute scalar table_names has_table run_callable transaction".split())}


class Parameter(Struct, frozen=True):
    name: str
    has_default: bool
    keyword_only: bool = False
    is_star: bool = False  # `*args`
    is_double: bool = False  # `**kwargs`


class Method(Struct, frozen=True, array_like=True):
    """`returns` is what one has in the end: after the await, or what `async with … as` binds."""

    kind: Kind
    returns: str  # "Result", "AsyncTransaction?" (or None), "Connection|Engine", "Any", "None"
    signature: str = ""  # "statement params= * bind_arguments= **kw"
    flavour: Literal["", "classmethod"] = ""

    @property
    def alternatives(self) -> tuple[str, ...]:
        return tuple(self.returns.rstrip("?").split("|"))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        found: list[Parameter] = []
        keyword_only = False
        for word in self.signature.split():
            if word.startswith("**"):
                found.append(Parameter(word[2:], True, is_double=True))
            elif word.startswith("*"):
                keyword_only = True
                if word != "*":
                    found.append(Parameter(word[1:], True, is_star=True))
            else:
                found.append(Parameter(word.rstrip("="), word.endswith("="), keyword_only))
        return tuple(found)


class Class(Struct, frozen=True):
    path: str
    protocols: frozenset[Protocol] = frozenset()
    methods: dict[str, Method] = {}
    arguments: str = ""
    enters: str = ""  # what `async with … as` binds
    sync: str = ""  # the name of its sync counterpart
    missing: frozenset[str] = frozenset()  # what the counterpart has and this has not


class Read(Struct, frozen=True, array_like=True):
    """What a method of a Result gives. `iterate` is `for` or `async for` over it."""

    shape: Literal["list", "one", "iterator", "self", "result"]
    item: str  # "row" | "mapping" | "scalar" | "list"; for "self" and "result" the class
    empty: str = ""  # with no row: "none", "empty", or the exception
    many: str = ""  # with several: "first", "all", or the exception
    needs_unique: bool = False  # raises on joined collections unless `unique()` came before
    after: Literal["", "open", "exhausted", "closed"] = ""  # a second read: more, silently nothing, an error


class EventTarget(Struct, frozen=True):
    """What `event.listen` raises for it, or "ok"."""

    instance: str
    class_: str = field(name="class")


Default = Union[bool, int, str, None]


class Api(Struct, frozen=True):
    release: Release
    classes: dict[str, Class]
    reads: dict[str, dict[str, Read]]
    ddl: dict[str, tuple[str, ...]]  # class → methods that emit DDL through a `bind`
    events: dict[str, EventTarget]
    sessions: dict[str, dict[str, Default]]  # class → keyword → default; "**": the class that takes the rest

    def class_(self, name: str) -> Class | None:
        """By its own name, or by any dotted name of it (`sqlmodel.ext.asyncio.session.AsyncSession`)."""
        found = self.classes.get(name)
        if found is not None or "." not in name:
            return found
        if name.startswith("sqlmodel."):
            return sqlmodel_classes(self.release).get(name)
        found = self.classes.get(name.rpartition(".")[2])
        return found if found is not None and name.startswith("sqlalchemy.") else None

    def method(self, class_name: str, name: str) -> Method | None:
        found = self.class_(class_name)
        return None if found is None else found.methods.get(name)

    def is_missing(self, class_name: str, name: str) -> bool:
        """The sync class has it, or had it before 2.0; the async class has not."""
        found = self.class_(class_name)
        return found is not None and (name in found.missing or name in BEFORE_2_0.get(found.sync, ()))

    def read(self, class_name: str, name: str) -> Read | None:
        """What a read gives. A CursorResult is read like a Result, and so is a TupleResult."""
        simple = class_name.rpartition(".")[2].replace("Cursor", "").replace("Tuple", "")
        return self.reads.get(simple, {}).get(name)

    def session_default(self, class_name: str, keyword: str) -> Default:
        """The default, through the classes that hand the keyword on; None also when none takes it."""
        row = self.sessions.get(class_name.rpartition(".")[2], {})
        if keyword in row:
            return row[keyword]
        rest = row.get("**")
        return self.session_default(rest, keyword) if isinstance(rest, str) else None

    def takes(self, class_name: str, keyword: str) -> bool:
        row = self.sessions.get(class_name.rpartition(".")[2], {})
        rest = row.get("**")
        return (keyword in row and keyword != "**") or (isinstance(rest, str) and self.takes(rest, keyword))


class _Derived(Struct, frozen=True):
    base: str
    methods: dict[str, Method]


class _SqlModel(Struct, frozen=True):
    classes: dict[str, _Derived]


@lru_cache
def api(release: Release = NEWEST) -> Api:
    return table(f"sqlalchemy-{release}.json", Api)


@lru_cache
def sqlmodel_classes(release: Release = NEWEST) -> dict[str, Class]:
    """SQLModel's sessions: SQLAlchemy's with `exec`."""
    known = api(release).classes
    derived: dict[str, Class] = {}
    for path, own in table("sqlmodel.json", _SqlModel).classes.items():
        base = known[own.base]
        derived[path] = Class(
            path=path,
            protocols=base.protocols,
            methods={**base.methods, **own.methods},
            arguments=base.arguments,
            enters=base.enters,
            sync=base.sync,
            missing=base.missing - own.methods.keys(),
        )
    return derived
