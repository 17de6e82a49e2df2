"""The engine: runs the roots of modules, and turns what the rules say into findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.findings import Confidence, Finding, Fix, Location, Related, fingerprint
from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.interpreter import Flow
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.roots import functions_of, run_function_root, run_module_root
from asyncsqla_lint.flow.stdlib import registry as stdlib
from asyncsqla_lint.flow.worlds import World
from asyncsqla_lint.frameworks import registry as frameworks
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.rules import catalogue
from asyncsqla_lint.rules.itself import internal_error
from asyncsqla_lint.rules.places import located, mark_of, place
from asyncsqla_lint.rules.rule import Handler, Rule
from asyncsqla_lint.semantics import background, extension
from asyncsqla_lint.semantics import registry as semantics
from asyncsqla_lint.semantics.events import AttributeLoad
from asyncsqla_lint.workspace.config import Config

Key = tuple[str, str, Location, str]


class Analysis(Struct):
    findings: list[Finding]
    counters: dict[str, int]


def call_path(frame: Frame) -> list[Related]:
    """ "called from `list_orders`": the calls that led here, the nearest first."""
    found: list[Related] = []
    while frame.caller is not None and frame.caller.function is not None:
        name = frame.caller.function.qualname
        found.append(place(Site(frame.caller.module, frame.call_span), f"called from `{name}`"))
        frame = frame.caller
    return found


class Reports:
    """Collects what rules say; the same thing said twice is said once, naming both paths."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.found: dict[Key, Finding] = {}
        self.lent: set[Key] = set()  # said of a session alone that callers may have set
        self.reads: set[tuple[str, Location, str]] = set()  # said without it

    def __call__(
        self,
        rule: Rule,
        event: object,
        message: str,
        *,
        confidence: Confidence | None = None,
        related: Sequence[Related] = (),
        fix: Fix | None = None,
        subject: str = "",
        cause: Site | None = None,
    ) -> None:
        assert isinstance(event, Event)
        path, start, end = located(event.site)
        sure: Confidence = confidence or ("certain" if event.certain else "likely")
        scope = event.frame.function.qualname if event.frame.function is not None else "<module>"
        trace = (*related, *call_path(event.frame))
        finding = Finding(
            rule.code,
            rule.name,
            message,
            path,
            start,
            end,
            sure,
            trace,
            fix,
            start.row,
            fingerprint(rule.code, path, scope, subject or message),
            "" if cause is None else mark_of(cause),
        )
        key = (rule.code, path, start, subject or message)
        known = self.found.get(key)
        self.found[key] = finding if known is None else _merged(known, finding)
        if isinstance(event, AttributeLoad):
            if not event.is_lent:
                self.reads.add((path, start, subject))
                self.lent.discard(key)
            elif known is None:
                self.lent.add(key)

    def settled(self) -> list[Finding]:
        """A read that fails in a session of its own need not be said to fail in a borrowed one, too."""
        twice = {key for key in self.lent if key[1:] in self.reads}
        kept = (finding for key, finding in self.found.items() if key not in twice)
        return sorted(kept, key=lambda finding: finding.sort_key)


def _merged(known: Finding, other: Finding) -> Finding:
    places = {(one.path, one.location, one.message) for one in known.related}
    more = tuple(one for one in other.related if (one.path, one.location, one.message) not in places)
    confidence: Confidence = "certain" if "certain" in (known.confidence, other.confidence) else "likely"
    return replace(known, related=known.related + more[:6], confidence=confidence, fix=known.fix or other.fix)


def new_flow(index: Index, config: Config) -> Flow:
    world = _world(index, config)
    flow = Flow(index, world.flow.meanings, world)
    _told(flow, config)
    return flow


def _told(flow: Flow, config: Config) -> None:
    flow.release = config.release
    if config.lacks_greenlet is not None:
        extension.told(flow, config.lacks_greenlet)
    if config.dependencies_end_first:
        background.told(flow)


def _world(index: Index, config: Config) -> World:
    """What is known of the project under these settings, whichever module is analysed."""

    def make() -> World:
        world = World(index)
        world.flow = Flow(index, _meanings(config), world, is_world=True)
        _told(world.flow, config)
        # Nobody hears it, but what would be heard is not closed.
        world.flow.listeners.update((event, []) for event in _handlers(catalogue.rules()))
        return world

    found_out = f"{config.lacks_greenlet}, {config.dependencies_end_first}"
    return kept(index, f"world of {config.framework}, {config.release}, {found_out}", make)


@cache
def _handlers(rules: tuple[type[Rule], ...]) -> dict[type, list[Handler]]:
    """Who wants to hear of what; a rule keeps nothing, so it is one for all modules."""
    found: dict[type, list[Handler]] = {}
    for rule in rules:
        for event, handlers in rule().handlers().items():
            found.setdefault(event, []).extend(handlers)
    return found


def _meanings(config: Config) -> Meanings:
    meanings = Meanings()
    stdlib.register(meanings)
    meanings.harmless.update(meanings.calls)
    semantics.register(meanings)
    frameworks.register(meanings, config.framework)
    return meanings


def analyse(index: Index, modules: Sequence[str], config: Config) -> Analysis:
    flow = new_flow(index, config)
    reports = Reports(flow)
    for event, handlers in _handlers(catalogue.rules()).items():
        flow.listeners[event] = [partial(_heard, handler, reports) for handler in handlers]
    for name in modules:
        module = index.modules[name]
        _guarded(reports, module.path, "the top level", partial(run_module_root, flow, module))
        for info in functions_of(flow, module):
            _guarded(reports, module.path, f"`{info.qualname}`", partial(run_function_root, flow, info))
    return Analysis(reports.settled(), dict(sorted(flow.statistics.items())))


def _guarded(reports: Reports, path: str, where: str, run: Callable[[], None]) -> None:
    """A crash costs the function that causes it, and no other."""
    try:
        run()
    except Exception as error:
        finding = internal_error(path, where, error)
        reports.found[(finding.code, path, finding.location, finding.message)] = finding


def _heard(handler: object, reports: Reports, event: Event) -> None:
    handler(event, reports)  # type: ignore[operator]  # handlers are bound methods of rules
