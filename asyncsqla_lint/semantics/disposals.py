"""Which engines the project disposes at all, and for whom: who makes engines makes one for each call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.roots import functions_of
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Module
from asyncsqla_lint.project.outline import DISPOSE
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.semantics import scripts, testing

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.semantics.engines import EngineRecord


class Disposals(Struct, frozen=True):
    """The engines that functions dispose: where they were made, and for which call of the function that makes
    them. `may_be_any` when it cannot be seen which. `by_scripts`: what is run from its first line to its last
    disposes them, in a process of its own."""

    of: frozenset[tuple[Site, Site | None]]
    may_be_any: bool
    by_scripts: tuple[tuple[Site, Site | None, Module], ...] = ()

    def has(self, record: EngineRecord) -> bool:
        return self._is_of_application(record) or bool(self.scripts(record))

    def scripts(self, record: EngineRecord) -> tuple[Module, ...]:
        """The scripts that dispose it, where nobody else does."""
        if self._is_of_application(record):
            return ()
        ordered = (None, record.ordered)
        return tuple(one for site, call, one in self.by_scripts if site == record.site and call in ordered)

    def has_another(self, record: EngineRecord) -> bool:
        return any(site == record.site for site, *_ in (*self.of, *self.by_scripts))

    def _is_of_application(self, record: EngineRecord) -> bool:
        if self.may_be_any or (record.site, None) in self.of:
            return True
        if record.ordered:
            return (record.site, record.ordered) in self.of
        return any(site == record.site for site, _ in self.of)


_UNKNOWN = Disposals(frozenset(), True)


def disposals(flow: Flow, record: EngineRecord) -> Disposals:
    """What disposes engines like this one: tests do so for their own, not for the application."""
    is_of_tests = testing.is_test_module((record.ordered or record.site).module)
    name = "disposals of tests" if is_of_tests else "disposals"
    return flow.remembered(name, _in_tests if is_of_tests else _in_production, _UNKNOWN)


def _in_tests(flow: Flow) -> Disposals:
    return _disposals(flow, True)


def _in_production(flow: Flow) -> Disposals:
    return _disposals(flow, False)


def _disposals(flow: Flow, tests: bool) -> Disposals:
    from asyncsqla_lint.flow.interpreter import Flow

    # of its own, so that nothing is heard of what it runs
    scout = Flow(flow.index, flow.meanings, flow.world)
    scout.release = flow.release
    found: set[tuple[Site, Site | None]] = set()
    by_scripts: list[tuple[Site, Site | None, Module]] = []
    may_be_any = not has_coroutines(flow)  # a fragment: nobody here connects
    for module in flow.index.modules.values():
        if not module.says(DISPOSE) or (not tests and testing.is_test_module(module)):
            continue
        if any(_mentions(statement) for statement in module.program.statements):
            may_be_any = True  # `atexit.register(engine.dispose)`, `on_shutdown=[engine.dispose]`
        if not any(DISPOSE in header.mentions for header in module.program.functions):
            continue
        for info in functions_of(flow, module):
            if DISPOSE in info.header.mentions:
                disposed = _disposed_by(scout, info)
                may_be_any = may_be_any or not disposed or any(record.is_given for record in disposed)
                if not tests and scripts.is_main(flow, info):
                    by_scripts.extend((record.site, record.ordered, module) for record in disposed)
                else:
                    found.update((record.site, record.ordered) for record in disposed)
    return Disposals(frozenset(found), may_be_any, tuple(by_scripts))


def has_coroutines(flow: Flow) -> bool:
    return flow.remembered("has coroutines", _has_coroutines, True)


def _has_coroutines(flow: Flow) -> bool:
    modules = (module for module in flow.index.modules.values() if module.says("async"))
    return any(header.is_async for module in modules for header in module.program.functions)


def _disposed_by(scout: Flow, info: FunctionInfo) -> list[EngineRecord]:
    """Run the function by itself, to see which engines it disposes."""
    found: list[EngineRecord] = []
    scout.memory["disposed"] = found
    state = scout.start()
    with scout.entered(Frame(scout.new_id(), info.module, None)):
        scout.guard(lambda: scout.meanings.run_root(scout, state, info))
    return found


def _mentions(statement: p.Statement) -> bool:
    """Does code outside of functions name `dispose`?"""
    return any(isinstance(node, p.Attribute) and node.name == DISPOSE for node in walk(statement))


# --- for whom it was made --------------------------------------------------------------------------


def ordered(flow: Flow, at: p.Span) -> Site | None:
    """The call of a function that makes an engine here for whoever calls it, and keeps none: `make(URL)`.

    Where another is between (a cache, a provider, a fixture) two calls may be given one engine.
    """
    frame, found = flow.frame, None
    while (info := frame.function) is not None and frame.caller is not None:
        caller = frame.caller
        if info.decorators or info.header.is_generator or not _returns(info.body, at):
            break
        body = caller.function.body if caller.function is not None else caller.module.program.statements
        if not _calls(body, frame.call_span, info.name):
            break
        found = Site(caller.module, frame.call_span)
        frame, at = caller, frame.call_span
    return found


def tried(flow: Flow) -> Site | None:
    """The call in a test by which code that is not the tests' makes an engine here."""
    frame: Frame | None = flow.frame
    below: Frame | None = None
    while frame is not None:
        if frame.function is not None and testing.is_test(frame.function):
            return None if below is None else Site(frame.module, below.call_span)
        frame, below = frame.caller, frame
    return None


def _returns(body: p.Statements, at: p.Span) -> bool:
    """`return create_async_engine(…)`, or under a name that is given to nobody else meanwhile."""
    names: set[str] = set()
    for node in _nodes(body):
        if isinstance(node, p.Return) and node.value is not None and p.holds((node,), at):
            return True
        if isinstance(node, (p.Assign, p.AnnotatedAssign)) and p.holds((node,), at):
            targets = node.targets if isinstance(node, p.Assign) else (node.target,)
            names.update(one.id for one in targets if isinstance(one, p.Name))
    if not names:
        return False
    for node in _nodes(body):
        if isinstance(node, p.Global) or (isinstance(node, p.Assign) and not _is_own(node, names)):
            return False  # it may be kept there
    returned = (node.value for node in _nodes(body) if isinstance(node, p.Return) and node.value is not None)
    return any(isinstance(one, p.Name) and one.id in names for value in returned for one in walk(value))


def _is_own(node: p.Assign, names: set[str]) -> bool:
    """Is it put under a name of the function, or something into the engine itself?"""
    held = (one.value if isinstance(one, p.Attribute) else one for one in node.targets)
    return all(
        isinstance(base, p.Name) and (base is one or base.id in names)
        for base, one in zip(held, node.targets, strict=True)
    )


def _calls(body: p.Statements, at: p.Span, name: str) -> bool:
    """Does the call at this place name the function itself?"""
    for node in _nodes(body):
        if isinstance(node, p.Call) and node.span == at:
            called = node.function
            return name == (called.id if isinstance(called, p.Name) else getattr(called, "name", None))
    return False


def _nodes(body: p.Statements) -> list[p.Node]:
    return [node for statement in body for node in walk(statement)]
