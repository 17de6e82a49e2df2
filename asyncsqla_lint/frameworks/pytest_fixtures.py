"""pytest: a test is called with the fixtures that its parameters name, found as pytest finds them."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import Arguments, ExternalValue, FunctionValue, Value
from asyncsqla_lint.frameworks.injection import Injection, Need, parameters_of
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Module

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_FIXTURES = ("pytest.fixture", "pytest_asyncio.fixture", "pytest_asyncio.plugin.fixture")
Fixtures = dict[str, list[FunctionInfo]]


def register(meanings: Meanings) -> None:
    meanings.when_run.append(_run)
    for name in ("skip", "fail", "xfail", "exit"):
        meanings.calls[f"pytest.{name}"] = _given_up


def _given_up(flow: Flow, state: State, arguments: Arguments, at: p.Span) -> Value:
    raise PathEnds(Outcome("raise", state, ExternalValue("builtins.BaseException")))


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    if not info.name.startswith("test") and fixture_name(info) is None:
        return False
    needs = _needs(flow, info, info.header.parameters)
    if not needs:
        return False
    # A fixture goes on behind its `yield` as if nothing had happened, whatever the test has raised.
    injection = Injection(
        flow, lambda own, value: _needs_of(flow, own, value), info.header.name_span, throws=False
    )
    injection.run(state, info, needs)
    return True


def _needs_of(flow: Flow, state: State, value: Value) -> list[Need]:
    info, parameters = parameters_of(state, value)
    return [] if info is None else _needs(flow, info, parameters)


def _needs(flow: Flow, info: FunctionInfo, parameters: tuple[p.Parameter, ...]) -> list[Need]:
    fixtures = fixtures_of(flow.index)
    found: list[Need] = []
    for parameter in parameters:
        fixture = visible(fixtures.get(parameter.name, []), info)
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


def fixtures_of(index: Index) -> Fixtures:
    found: Fixtures | None = index.__dict__.get("fixtures")
    if found is None:
        found = index.__dict__["fixtures"] = {}
        for module in index.modules.values():
            if any(name in module.names.bindings for name in ("pytest", "pytest_asyncio", "fixture")):
                for info in index.functions_of(module):
                    name = fixture_name(info)
                    if name is not None and info.owner is None:
                        found.setdefault(name, []).append(info)
    return found


def visible(candidates: list[FunctionInfo], user: FunctionInfo) -> FunctionInfo | None:
    """The module's own, else the nearest conftest's, else the only one there is (a plugin's)."""
    others = [one for one in candidates if one is not user]
    for one in others:
        if one.module is user.module:
            return one
    here = PurePath(user.module.path).parent
    near = [
        one for one in others if _is_conftest(one.module) and _folder(one.module) in (here, *here.parents)
    ]
    if near:
        return max(near, key=lambda one: len(_folder(one.module).parts))
    plugins = [one for one in others if not _is_conftest(one.module)]
    return plugins[0] if len(plugins) == 1 else None


def _folder(module: Module) -> PurePath:
    return PurePath(module.path).parent


def _is_conftest(module: Module) -> bool:
    return PurePath(module.path).name == "conftest.py"
