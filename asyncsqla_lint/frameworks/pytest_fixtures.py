"""pytest: a test is called with the fixtures that its parameters name, found as pytest finds them."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ExternalValue, FunctionValue
from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.roots import receiver_of
from asyncsqla_lint.flow.stdlib.mocking import MONKEYPATCH
from asyncsqla_lint.flow.values import NONE, Arguments, Value
from asyncsqla_lint.frameworks.injection import Injection, Need, parameters_of
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Module

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_FIXTURES = ("pytest.fixture", "pytest_asyncio.fixture", "pytest_asyncio.plugin.fixture")
STEPS_PER_TEST = 1_000  # what it calls is not its own: that has roots of its own


def register(meanings: Meanings) -> None:
    meanings.when_run.append(_run)
    for name in ("skip", "fail", "xfail", "exit"):
        meanings.calls[f"pytest.{name}"] = _given_up


def _given_up(flow: Flow, state: State, arguments: Arguments, at: p.Span) -> Value:
    raise PathEnds(Outcome("raise", state, ExternalValue("builtins.BaseException")))


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    if not info.name.startswith("test") and fixture_name(info) is None:
        return False
    flow.budget.limit(STEPS_PER_TEST)
    before = _before(info)
    me = receiver_of(flow, state, info) if info.owner is not None and _is_collected(info.owner) else None
    needs = _needs(flow, info, info.header.parameters, me)
    if me is not None and before:
        first = [Need(f"<{one.name}>", FunctionValue(one, (), me)) for one in before]
        needs = [*first, Need("<kept>", KeptByItself(me)), *needs]
    if not needs:
        return False
    # A fixture goes on behind its `yield` as if nothing had happened, whatever the test has raised.
    injection = Injection(
        flow, lambda own, value: _needs_of(flow, own, value, me), info.header.name_span, throws=False
    )
    injection.run(state, info, needs, receiver=me)
    return True


def _is_collected(cls: ClassInfo) -> bool:
    return cls.name.startswith("Test") or any(name.startswith("unittest.") for name in cls.external_bases)


def _before(info: FunctionInfo) -> list[FunctionInfo]:
    """The methods that run on the object before each of its tests: set-ups, and fixtures for all."""
    found: dict[str, FunctionInfo] = {}
    if info.owner is None or not info.name.startswith("test") or not _is_collected(info.owner):
        return []
    for ancestor in info.owner.ancestors:
        for name, member in ancestor.members.items():
            if member.function is not None and (name in _SET_UPS or _is_for_all(member.function)):
                found.setdefault(name, member.function)
    return sorted(found.values(), key=lambda one: _SET_UPS.get(one.name, 0))


_SET_UPS = {"setup_method": 1, "setUp": 1, "asyncSetUp": 2}


def _is_for_all(info: FunctionInfo) -> bool:
    """`@pytest.fixture(autouse=True)`"""
    return fixture_name(info) is not None and any(
        word.name == "autouse" and isinstance(word.value, p.Constant) and word.value.value is True
        for expression in info.header.decorators
        if isinstance(expression, p.Call)
        for word in expression.keywords
    )


class KeptByItself(Value, frozen=True):
    """Nothing is made; what the set-ups have put on the object, its tear-downs deal with."""

    test: Value

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        state.let_out((self.test,))
        return NONE


class Patching(Value, frozen=True):
    """The fixture `monkeypatch`."""

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return MONKEYPATCH


PYTEST_S_OWN = Patching()


def _needs_of(flow: Flow, state: State, value: Value, me: Value | None) -> list[Need]:
    info, parameters = parameters_of(state, value)
    return [] if info is None else _needs(flow, info, parameters, me)


def _needs(
    flow: Flow, info: FunctionInfo, parameters: tuple[p.Parameter, ...], me: Value | None
) -> list[Need]:
    fixtures = kept(flow.index, "fixtures", lambda: Fixtures(flow.index))
    found: list[Need] = []
    for parameter in parameters:
        own = info.owner.find(parameter.name) if info.owner is not None and me is not None else None
        if own is not None and own[1].function is not None and fixture_name(own[1].function) is not None:
            found.append(Need(parameter.name, FunctionValue(own[1].function, (), me)))
            continue
        fixture = fixtures.visible(parameter.name, info)
        if fixture is None and parameter.name == "monkeypatch":
            found.append(Need(parameter.name, PYTEST_S_OWN))
        if fixture is not None and parameter.default is None:
            function = flow.scopes.function(fixture)
            if isinstance(function, FunctionValue):
                found.append(Need(parameter.name, function))
    return found


def fixture_name(info: FunctionInfo) -> str | None:
    for expression, symbol in zip(info.header.decorators, info.decorators, strict=True):
        if isinstance(symbol, External) and symbol.name in _FIXTURES:
            for word in expression.keywords if isinstance(expression, p.Call) else ():
                if word.name == "name" and isinstance(word.value, p.Constant):
                    return str(word.value.value)
            return info.name
    return None


_IMPORTED = ("pytest", "pytest_asyncio", "fixture")


class Fixtures:
    """Those of all modules, by name. A module is looked into when a name is asked for that may be its own."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._candidates: dict[str, list[Module]] = {}
        self._unknown: list[Module] = []
        self._known: dict[Module, dict[str, list[FunctionInfo]]] = {}
        for module in index.modules.values():
            if module.signs is None:
                self._unknown.append(module)
            elif module.says(*_IMPORTED):
                for name in module.signs.decorated:
                    self._candidates.setdefault(name, []).append(module)

    def visible(self, name: str, user: FunctionInfo) -> FunctionInfo | None:
        """The module's own, else the nearest conftest's, else the only one there is (a plugin's)."""
        own = self._first(user.module, name, user)
        if own is not None:
            return own
        others = [one for one in (*self._candidates.get(name, ()), *self._unknown) if one is not user.module]
        here = PurePath(user.module.path).parent
        near = [one for one in others if _is_conftest(one) and _folder(one) in (here, *here.parents)]
        for module in sorted(near, key=lambda one: -len(_folder(one).parts)):
            found = self._first(module, name, user)
            if found is not None:
                return found
        plugins: list[FunctionInfo] = []
        for module in others:
            if not _is_conftest(module):
                plugins += self._of(module).get(name, ())
                if len(plugins) > 1:
                    return None
        return plugins[0] if plugins else None

    def _first(self, module: Module, name: str, user: FunctionInfo) -> FunctionInfo | None:
        return next((one for one in self._of(module).get(name, ()) if one is not user), None)

    def _of(self, module: Module) -> dict[str, list[FunctionInfo]]:
        found = self._known.get(module)
        if found is None:
            found = self._known[module] = {}
            if module.says(*_IMPORTED) and any(name in module.names.bindings for name in _IMPORTED):
                for info in self._index.functions_of(module):
                    name = fixture_name(info)
                    if name is not None and info.owner is None:
                        found.setdefault(name, []).append(info)
        return found


def _folder(module: Module) -> PurePath:
    return PurePath(module.path).parent


def _is_conftest(module: Module) -> bool:
    return PurePath(module.path).name == "conftest.py"
