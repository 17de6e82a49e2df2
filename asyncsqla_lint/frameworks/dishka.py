"""dishka: containers make what is asked for by its type, as the project's providers say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue
from asyncsqla_lint.flow.coroutines import Ready
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Method, Reference, Value
from asyncsqla_lint.frameworks.injection import parameters_of
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Scoped
from asyncsqla_lint.semantics import expiry, ledger
from asyncsqla_lint.semantics.attribute_states import Cause
from asyncsqla_lint.semantics.sessions import SessionRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_PROVIDERS = ("dishka.Provider", "dishka.provider.Provider")
_PROVIDES = ("dishka.provide", "dishka.provider.provide")
_PROVIDES_ALL = ("dishka.provide_all", "dishka.provider.provide_all")
_CONTAINERS = ("dishka.AsyncContainer", "dishka.async_container.AsyncContainer")
_GIVEN = ("dishka.FromDishka", *(f"dishka.integrations.{name}.FromDishka" for name in ("fastapi", "base")))
_ITERATORS = frozenset(
    ("AsyncIterable", "AsyncIterator", "AsyncGenerator", "Iterable", "Iterator", "Generator")
)
_DEEPEST = 6
Wanted = ClassInfo | str


def register(meanings: Meanings) -> None:
    meanings.providers.update(_PROVIDES)
    meanings.when_ended.append(_request_over)
    meanings.calls["dishka.make_async_container"] = _container
    for name in _CONTAINERS:
        meanings.instances[name] = lambda flow, state, arguments, at: flow.allocate(state, ContainerRecord())
    for name in _GIVEN:
        meanings.instances[name] = _given


def _container(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return flow.allocate(state, ContainerRecord())


def _given(flow: Flow, state: State, arguments: tuple[Value, ...], at: Span) -> Value:
    """`users: FromDishka[Users]`: from the container of this request, of which there is one."""
    known = flow.notes.get(_NOTE)
    if not isinstance(known, Reference) or known.oid not in state.heap:
        known = flow.notes[_NOTE] = flow.allocate(state, ContainerRecord())
    record = state.record(known.oid)
    if not arguments or not isinstance(record, ContainerRecord):
        return UNKNOWN
    return record.get(flow, state, known, arguments[0], at)


_NOTE = "container of the request"
_LENT = "lent by the container of the request"
_COMMITS = frozenset({"commit", "begin"})  # what a provider does behind its `yield`, of a unit of work too
_ENGINES = ("sqlalchemy.ext.asyncio.AsyncEngine", "sqlalchemy.ext.asyncio.engine.AsyncEngine")
_IN_HAND = "dishka_container"  # of a request: who has it, a middleware, may commit


def _lent(flow: Flow) -> set[int]:
    found = flow.notes.get(_LENT)
    if not isinstance(found, set):
        found = flow.notes[_LENT] = set()
    return found


def _request_over(
    flow: Flow, frame: Frame, done: list[tuple[State, Value]], raised: list[State], risky: Sequence[State]
) -> None:
    """The handler is done: the container closes the session that it has lent, and commits nothing."""
    is_root = frame.caller is None or frame.caller.function is None
    if not is_root or _NOTE not in flow.notes or not _lent(flow):
        return
    for state, _ in done:
        _closed(flow, state, _lent(flow))


def _closed(flow: Flow, state: State, lent: Iterable[int]) -> None:
    """What a container has lent is closed with it; what its providers do not commit is lost."""
    if flow.muted:
        return
    makers = [
        one.function
        for wanted, one in sources_of(flow.index).items()
        if one is not None and one.function and wanted not in _ENGINES
    ]
    if any(one.header.is_generator and not _COMMITS.isdisjoint(one.header.mentions) for one in makers):
        return
    if any(module.says(_IN_HAND) for module in flow.index.modules.values()):
        return
    for oid in lent:
        record = state.record(oid)
        if isinstance(record, SessionRecord):
            ledger.lose(flow, record.site, ledger.ledger(state, Reference(oid)), None)


class Source(Struct, frozen=True):
    """Who makes a type: a method of a provider, or a class."""

    function: FunctionInfo | None = None
    cls: ClassInfo | None = None
    names: tuple[Wanted, ...] = ()  # under which it is one object: `AnyOf[AsyncSession, Transaction]`


def sources_of(index: Index) -> dict[Wanted, Source | None]:
    """By what they provide; None: several do."""
    providers = index.derived_from(*_PROVIDERS)

    def find() -> dict[Wanted, Source | None]:
        found: dict[Wanted, Source | None] = {}
        for cls in providers:
            index.foundation.add(cls.module)
            for member in cls.members.values():
                for wanted, source in _provided_by(index, cls, member):
                    found[wanted] = None if found.get(wanted, source) != source else source
        return found

    return kept(index, "dishka sources", find)


def _provided_by(index: Index, cls: ClassInfo, member: Member) -> Iterator[tuple[Wanted, Source]]:
    function = member.function
    if function is not None:
        if function.decorated_by(*_PROVIDES) and function.header.returns is not None:
            type_ = index.type(Scoped(function.header.returns, function.module, cls))
            name = type_.symbol.name if isinstance(type_.symbol, External) else ""
            if name.rpartition(".")[2] in _ITERATORS and type_.arguments:
                type_ = type_.arguments[0]
            names = tuple(_wanted(type_))
            for wanted in names:
                yield wanted, Source(function, None, names)
        return
    call = member.value
    if not isinstance(call, p.Call) or not call.arguments:
        return
    symbol = index.resolve(cls.module, call.function, cls)
    if isinstance(symbol, External) and symbol.name in _PROVIDES_ALL:
        for node in call.arguments:
            each = index.resolve(cls.module, node, cls)
            if isinstance(each, ClassInfo):
                yield each, Source(None, each)
    if not isinstance(symbol, External) or symbol.name not in _PROVIDES:
        return
    made = index.resolve(cls.module, call.arguments[0], cls)
    provides = next((word.value for word in call.keywords if word.name == "provides"), call.arguments[0])
    if isinstance(made, ClassInfo):
        names = tuple(_wanted(index.type(Scoped(provides, cls.module, cls))))
        for wanted in names:
            yield wanted, Source(None, made, names)


def _wanted(type_: Type) -> Iterator[Wanted]:
    symbol = type_.symbol
    if isinstance(symbol, ClassInfo):
        yield symbol
    elif isinstance(symbol, External):
        yield symbol.name
        if symbol.name.rpartition(".")[2] == "AnyOf":
            for one in type_.arguments:
                yield from _wanted(one)


class ContainerRecord(Record, frozen=True):
    """What has been made is there for whoever asks for it next."""

    made: dict[Wanted, Value] = {}
    lent_before: frozenset[int] = frozenset()  # by the container around it, which closes that itself

    def truth(self, state: State) -> bool | None:
        return True

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ContainerRecord):
            return FORGOTTEN
        same = {name: one for name, one in self.made.items() if other.made.get(name) == one}
        return ContainerRecord(same, self.lent_before | other.lent_before)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call(self, flow: Flow, state: State, me: Reference, arguments: Arguments, at: Span) -> Value:
        """`async with container() as request`"""
        return flow.allocate(state, replace(self, lent_before=self._lent(flow)))

    def _lent(self, flow: Flow) -> frozenset[int]:
        made = frozenset(one.oid for one in self.made.values() if isinstance(one, Reference))
        return made & _lent(flow)

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        return me

    def leave(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool) -> bool:
        lent = sorted(self._lent(flow))
        if not raised:
            _closed(flow, state, lent)
        for oid in lent:
            if oid not in self.lent_before and isinstance(state.record(oid), SessionRecord):
                expiry.detach_all(flow, state, Reference(oid), Cause("close", flow.site(at)))
        return False

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "get" and arguments.positional:
            return Ready(self.get(flow, state, me, arguments.first, at))
        return Ready(UNKNOWN)

    def get(self, flow: Flow, state: State, me: Reference, wanted: Value, at: Span, depth: int = 0) -> Value:
        key = _key(wanted)
        record = state.record(me.oid)
        if key is None or depth > _DEEPEST or not isinstance(record, ContainerRecord):
            return UNKNOWN
        if key in record.made:
            return record.made[key]
        value = _made(flow, state, me, wanted, key, at, depth)
        record = state.record(me.oid)
        if value is not UNKNOWN and isinstance(record, ContainerRecord):
            source = sources_of(flow.index).get(key)
            names = (key,) if source is None else (key, *source.names)
            state.put(me, replace(record, made={**record.made, **dict.fromkeys(names, value)}))
        return value

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(self.made.values())


def _key(wanted: Value) -> Wanted | None:
    if isinstance(wanted, ClassValue):
        return wanted.info
    return wanted.name if isinstance(wanted, ExternalValue) else None


def _made(flow: Flow, state: State, me: Reference, wanted: Value, key: Wanted, at: Span, depth: int) -> Value:
    source = sources_of(flow.index).get(key)
    if source is None:
        return UNKNOWN
    function = source.function
    if function is not None and function.header.is_generator:
        # The container holds it until it is closed itself: of whoever asks, it is a loan.
        first = next(
            (one for one in source.names if isinstance(one, str) and one in flow.meanings.instances), ""
        )
        made = flow.meanings.instance_of(flow, state, ExternalValue(first) if first else wanted, at)
        if isinstance(made, Reference):
            _lent(flow).add(made.oid)
        return made
    provider: Value = UNKNOWN
    if source.cls is not None:
        provider = ClassValue(source.cls)
    elif function is not None:
        member = None if function.owner is None else function.owner.members.get(function.name)
        bound = None if member is None or member.kind == "staticmethod" else UNKNOWN
        provider = FunctionValue(function, (), bound)
    given: dict[str, Value] = {}
    for name, scoped in _needs(state, provider):
        inner = flow.types.class_of(flow.index.type(scoped), state, None)
        record = state.record(me.oid)
        if isinstance(record, ContainerRecord):
            given[name] = record.get(flow, state, me, inner, at, depth + 1)
    made = provider.call(flow, state, Arguments((), given), at)
    if function is not None and function.is_async:
        made = made.awaited(flow, state, at)
    return made


def _needs(state: State, provider: Value) -> Iterator[tuple[str, Scoped]]:
    """What it is called with, by name: parameters, or the fields of a dataclass."""
    info, parameters = parameters_of(state, provider)
    for parameter in parameters if info is not None else ():
        if parameter.annotation is not None and info is not None and parameter.default is None:
            yield parameter.name, Scoped(parameter.annotation, info.module, info.parent or info.owner)
    if info is None and isinstance(provider, ClassValue):
        for name, member in provider.info.fields.items():
            if member.annotated is not None and member.value is None:
                yield name, member.annotated
