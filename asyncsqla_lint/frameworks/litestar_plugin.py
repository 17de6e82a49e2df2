"""Advanced Alchemy's plugin for Litestar: handlers and providers get its session by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Arguments, Reference, Value
from asyncsqla_lint.frameworks.injection import Yielded
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External
from asyncsqla_lint.project.walking import calls
from asyncsqla_lint.semantics import ledger
from asyncsqla_lint.semantics.assumptions import PLUGIN, is_test, plugin_expire_on_commit
from asyncsqla_lint.semantics.sessions import parameter_session

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

_KEY = "session_dependency_key"
_DEFAULT = "db_session"
# Who may commit when the handler is done: settings of the plugin, hooks of the application.
_COMMITTERS = ("before_send_handler", "before_send", "after_request", "after_response")


class PluginSession(Value, frozen=True):
    """One for each request: the plugin makes it, and closes it when the response has been sent."""

    expire_on_commit: bool | None
    assumption: str
    closes: bool

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        assumed = (self.expire_on_commit, self.assumption)
        session = parameter_session(flow, state, True, at, assumed=assumed)
        return Closed(session, flow.site(at)) if self.closes else Yielded(session)


class Closed(Yielded, frozen=True):
    """The plugin's own handler closes the session, and commits nothing unless it is told to."""

    site: Site

    def over(self, flow: Flow, state: State) -> None:
        if isinstance(self.value, Reference) and not flow.muted:
            ledger.lose(flow, self.site, ledger.ledger(state, self.value), None)


def plugin_session(flow: Flow, name: str) -> PluginSession | None:
    if name not in kept(flow.index, "names of plugins' sessions", lambda: _names(flow.index)):
        return None
    closes = not any(module.says(word) for module in flow.index.modules.values() for word in _COMMITTERS)
    return PluginSession(*plugin_expire_on_commit(flow), closes)


def _names(index: Index) -> frozenset[str]:
    found: set[str] = set()
    for module in index.modules.values():
        if is_test(module) or not module.says(PLUGIN):
            continue
        bodies: list[tuple[p.Statements, FunctionInfo | None]] = [(module.program.statements, None)]
        for number, function in enumerate(module.program.functions):
            if PLUGIN in function.mentions:
                bodies.append((module.program.bodies[number], index.function_numbered(module, number)))
        for body, scope in bodies:
            for call in calls(body):
                symbol = index.resolve(module, call.function, scope)
                if isinstance(symbol, External) and symbol.name.rpartition(".")[2] == PLUGIN:
                    given = {word.name: word.value for word in call.keywords}
                    key = given.get(_KEY)
                    if key is None:
                        found.add(_DEFAULT)
                    elif isinstance(key, p.Constant) and isinstance(key.value, str):
                        found.add(key.value)
    return frozenset(found)
