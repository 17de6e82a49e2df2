"""What is assumed of a session that the code is given: the project's own factories decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.factory_calls import FACTORIES
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Module
from asyncsqla_lint.project.walking import calls

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

ASYNC = frozenset(
    {
        "sqlalchemy.ext.asyncio.async_sessionmaker",
        "sqlalchemy.ext.asyncio.AsyncSession",
        "sqlmodel.ext.asyncio.session.AsyncSession",
    }
)
# Advanced Alchemy makes its factory of this, under whichever of its modules it was imported from.
CONFIGURATION = "AsyncSessionConfig"
PLUGIN = "SQLAlchemyAsyncConfig"  # what holds such a configuration, or leaves it to the defaults
SYNC_FACTORY = "sqlalchemy.orm.sessionmaker"


def register(meanings: Meanings) -> None:
    meanings.when_bound.append(settle)


def assumed_expire_on_commit(flow: Flow) -> tuple[bool | None, str]:
    """What a session that the code is given does on commit, judged by the project's own factories."""
    return kept(flow.index, "expire_on_commit", lambda: expire_on_commit(flow.index))


def assumed_autoflush(flow: Flow) -> bool:
    """Does a session that the code is given flush before it queries? Not where no factory lets it."""
    return kept(flow.index, "autoflush", lambda: _autoflush(flow.index))


def plugin_expire_on_commit(flow: Flow) -> tuple[bool | None, str]:
    """The same of the sessions that Advanced Alchemy's plugins hand out."""
    return kept(flow.index, "plugin's expire_on_commit", lambda: expire_on_commit(flow.index, True))


def only_session(flow: Flow, state: State) -> Reference | None:
    """The one async session that the path knows."""
    from asyncsqla_lint.semantics.sessions import SessionRecord

    found = [
        reference for reference, record in state.records(SessionRecord) if record.is_async and record.is_open
    ]
    return found[0] if len(found) == 1 else None


def may_be_one(flow: Flow, state: State, session: Reference, other: Reference) -> bool:
    """Two repositories that somebody has made may have been given one session: a request has one."""
    if session == other:
        return True
    promised = (one for one in (session, other) if one.oid in flow.world.promised)
    return [getattr(state.record(one.oid), "how", "") for one in promised] == ["parameter", "parameter"]


def settle(flow: Flow, state: State) -> None:
    """Instances and a session among the parameters belong together (a request's user and its `db`)."""
    from asyncsqla_lint.semantics.instances import InstanceRecord

    session = only_session(flow, state)
    for reference, record in state.records(InstanceRecord):
        if record.plan is None and record.session is None and not record.is_new and session is not None:
            state.put(reference, replace(record, session=session))


def expire_on_commit(index: Index, of_plugin: bool = False) -> tuple[bool | None, str]:
    """What the factories of the project (tests aside) agree on, and the words that say so.

    `of_plugin`: only those of Advanced Alchemy's plugins are asked.
    """
    votes: dict[bool | None, Module] = {}
    for module, call, is_plugins in _factories(index):
        if is_plugins or not of_plugin:
            votes.setdefault(_vote(call, "expire_on_commit"), module)
    if set(votes) == {True}:
        return True, f"assuming a session of the factory in {votes[True].path}"
    if set(votes) == {False}:
        return False, ""
    return None, ""


def _autoflush(index: Index) -> bool:
    return {_vote(call, "autoflush") for _, call, _ in _factories(index)} != {False}


def factories(index: Index) -> Iterator[tuple[Module, p.Call]]:
    """The calls that make the project's factories, tests aside."""
    for module, call, _ in _factories(index):
        yield module, call


def _factories(index: Index) -> Iterator[tuple[Module, p.Call, bool]]:
    for module in index.modules.values():
        if not is_test(module) and (module.signs is None or module.signs.makes_sessions):
            for call, _, is_plugins in _factory_calls(index, module):
                yield module, call, is_plugins


def is_test(module: Module) -> bool:
    parts = module.path.replace("\\", "/").split("/")
    return any(part in ("tests", "test", "testing") for part in parts[:-1]) or parts[-1].startswith(
        ("test_", "conftest")
    )


def _factory_calls(index: Index, module: Module) -> list[tuple[p.Call, FunctionInfo | None, bool]]:
    """The calls that make factories, and whether a plugin's."""
    found: list[tuple[p.Call, FunctionInfo | None, bool]] = []
    bodies: list[tuple[p.Statements, FunctionInfo | None]] = [(module.program.statements, None)]
    for number, function in enumerate(module.program.functions):
        if FACTORIES.intersection(function.mentions):
            bodies.append((module.program.bodies[number], index.function_numbered(module, number)))
    for body, scope in bodies:
        for call in calls(body):
            symbol = index.resolve(module, call.function, scope)
            if isinstance(symbol, External):
                last = symbol.name.rpartition(".")[2]
                if last == CONFIGURATION or (last == PLUGIN and not _has_configuration(call)):
                    found.append((call, scope, True))
                elif symbol.name in ASYNC or (
                    symbol.name == SYNC_FACTORY and _is_async(index, module, call, scope)
                ):
                    found.append((call, scope, False))
            elif isinstance(symbol, ClassInfo) and any(symbol.is_subclass_of(name) for name in ASYNC):
                found.append((call, scope, False))
    return found


def _has_configuration(call: p.Call) -> bool:
    return any(keyword.name in ("session_config", "session_maker", None) for keyword in call.keywords)


def _is_async(index: Index, module: Module, call: p.Call, scope: FunctionInfo | None) -> bool:
    for keyword in call.keywords:
        if keyword.name == "class_":
            symbol = index.resolve(module, keyword.value, scope)
            if isinstance(symbol, External):
                return symbol.name in ASYNC
            return isinstance(symbol, ClassInfo) and any(symbol.is_subclass_of(name) for name in ASYNC)
    return False


def _vote(call: p.Call, name: str) -> bool | None:
    for keyword in call.keywords:
        if keyword.name == name:
            value = keyword.value
            return value.value if isinstance(value, p.Constant) and isinstance(value.value, bool) else None
        if keyword.name is None:
            return None
    return True
