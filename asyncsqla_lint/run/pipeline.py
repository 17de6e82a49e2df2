"""From paths to a Report: each step a function of what the step before it made."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from asyncsqla_lint.findings import Finding, Location, Related, Repair, fingerprint
from asyncsqla_lint.program import Program
from asyncsqla_lint.rules.itself import SyntaxError as SyntaxErrorRule
from asyncsqla_lint.rules.itself import internal_error
from asyncsqla_lint.run.analysis import Analyse, added, check_modules
from asyncsqla_lint.run.outcome import Report, Statistics
from asyncsqla_lint.run.programs import Lowering, ProgramSource, content_hash
from asyncsqla_lint.run.selection import Selection
from asyncsqla_lint.run.sources import Overlay, Sources, gather
from asyncsqla_lint.run.suppressions import Suppressions
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.decoding import DecodeError, decode
from asyncsqla_lint.workspace.discovery import shown
from asyncsqla_lint.workspace.greenlet import GreenletResolver
from asyncsqla_lint.workspace.target_release import TargetResolver

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index, Module

__all__ = ["Overlay", "Report", "run"]

Progress = Callable[[int, int], None]  # files done, files in all


def run(
    paths: Sequence[str],
    config: Config,
    *,
    overlay: Overlay | None = None,
    progress: Progress | None = None,
    programs: ProgramSource | None = None,
    analyse: Analyse | None = None,
) -> Report:
    """Check what is at and below the paths, in the light of the project that they belong to.

    `overlay` holds unsaved contents by path; a path that is in it need not exist.
    """
    return _Run(config, programs or Lowering(), analyse, progress).over(paths, overlay or {})


def _engine() -> Analyse:
    from asyncsqla_lint.rules.engine import analyse

    return analyse


class _Run:
    def __init__(
        self, config: Config, programs: ProgramSource, analyse: Analyse | None, progress: Progress | None
    ) -> None:
        self.config = config
        self.programs = programs
        self.analyse = analyse
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self.identity = _Identities()

    def over(self, paths: Sequence[str], overlay: Overlay) -> Report:
        with self.timed("workspace"):
            sources = gather(paths, self.config, overlay)
        selections = self.selections(sources)
        if not sources.uses_sqlalchemy:
            statistics = Statistics(files=len(sources.targets), seconds=self.seconds)
            return Report((), sources.errors, statistics, uses_sqlalchemy=False)
        # Loaded only here: a project without SQLAlchemy is told so before.
        from asyncsqla_lint.project.index import Index

        keys = {path: _key(path, self.config.root) for path in sources.known}
        with self.timed("programs"):
            modules, failures = self.lowered(sources, keys)
        with self.timed("index"):
            index = Index(modules.values())
        with self.timed("analysis"):
            found, counters = self.analysed(sources, keys, index)
        with self.timed("findings"):
            findings = self.kept([*failures, *found], sources, selections, keys, modules)
            readable = _Shown({key: path for path, key in keys.items()})
            localised = [readable.finding(finding) for finding in findings]
        return Report(
            tuple(localised),
            sources.errors,
            Statistics(
                files=len(sources.targets),
                relevant=sum(path in sources.targets for path in sources.known),
                parsed=len(modules),
                lines=sum(len(module.program.line_starts) for module in modules.values()),
                counters=counters,
                seconds=self.seconds,
            ),
            sources=_named_sources(localised, sources.data),
        )

    def selections(self, sources: Sources) -> dict[str, Selection]:
        """One for each configuration, by its digest and root."""
        configs = {self.identity(config): config for config in (self.config, *sources.targets.values())}
        if not sources.uses_sqlalchemy:
            # Nothing will be said, so the rules need not be loaded, unless there are selectors to be checked.
            configs = {key: config for key, config in configs.items() if _chooses(config)}
        return {key: Selection(config) for key, config in configs.items()}

    # --- programs --------------------------------------------------------------------------------

    def lowered(self, sources: Sources, keys: Mapping[str, str]) -> tuple[dict[str, Module], list[Finding]]:
        from asyncsqla_lint.project.index import Module

        modules: dict[str, Module] = {}
        failures: list[Finding] = []
        for done, path in enumerate(sources.known):
            if self.progress is not None:
                self.progress(done, len(sources.known))
            program = self.program(keys[path], sources.data[path])
            if isinstance(program, Finding):
                failures.append(program)
            else:
                name = sources.names[path]
                root = _key(name.root, self.config.root)
                modules[path] = Module(name.name, keys[path], name.is_package, program, root)
        if self.progress is not None:
            self.progress(len(sources.known), len(sources.known))
        return modules, failures

    def program(self, key: str, data: bytes) -> Program | Finding:
        """The Program of a file, or why there is none."""
        from asyncsqla_lint.syntax import SyntaxFailure

        try:
            return self.programs.program(content_hash(data), decode(data))
        except (DecodeError, SyntaxFailure) as failure:
            place = Location(max(failure.row, 1), max(failure.column, 1))
            return Finding(
                SyntaxErrorRule.code,
                SyntaxErrorRule.name,
                failure.message,
                key,
                place,
                place,
                fingerprint=fingerprint(SyntaxErrorRule.code, key, "", failure.message),
            )
        except Exception as error:
            return internal_error(key, "the whole file", error)

    # --- analysis --------------------------------------------------------------------------------

    def analysed(
        self, sources: Sources, keys: Mapping[str, str], index: Index
    ) -> tuple[list[Finding], dict[str, int]]:
        names = {module.path: name for name, module in index.modules.items()}
        groups: dict[str, tuple[Config, list[str]]] = {}
        target_of = TargetResolver(self.config.root)
        lacks_greenlet = GreenletResolver(self.config.root)
        for path in sources.checked:
            name = names.get(keys[path])
            if name is None:
                continue  # it could not be parsed
            config = sources.configs[path]
            if config.target_sqlalchemy == "auto":
                release = target_of(os.path.dirname(path)).release
                config = msgspec.structs.replace(config, target_sqlalchemy=release)
            lacking = lacks_greenlet(os.path.dirname(path))
            if lacking:
                config = msgspec.structs.replace(config, lacks_greenlet=lacking)
            groups.setdefault(self.identity(config), (config, []))[1].append(name)
        analyse = self.analyse or _engine()
        results = [check_modules(analyse, index, group, config) for config, group in groups.values()]
        findings = [finding for result in results for finding in result.findings]
        return findings, added(result.counters for result in results)

    # --- findings --------------------------------------------------------------------------------

    def kept(
        self,
        findings: Sequence[Finding],
        sources: Sources,
        selections: Mapping[str, Selection],
        keys: Mapping[str, str],
        modules: Mapping[str, Module],
    ) -> list[Finding]:
        """What is reported of what was found, in order, each once."""
        by_key: dict[str, list[Finding]] = {}
        for finding in findings:
            by_key.setdefault(finding.path, []).append(finding)
        kept: list[Finding] = []
        for path, config in sources.targets.items():
            if path not in keys:
                continue
            selection = selections[self.identity(config)]
            ignored = selection.ignored_in(path)
            of_file = _merged(by_key.get(keys[path], ()))
            module = modules.get(path)
            if module is not None and module.program.suppressions:
                suppressions = Suppressions(keys[path], module.program)
                failed = any(finding.code == "ASQ903" for finding in of_file)
                of_file = [finding for finding in of_file if not suppressions.silences(finding)]
                if path in sources.checked and not failed:
                    idle = suppressions.unused(selection.enabled - ignored)
                    of_file += [finding for finding in idle if not suppressions.silences(finding)]
            kept += [selection.with_fix(finding) for finding in of_file if selection.keeps(finding, ignored)]
        return sorted(kept, key=lambda finding: finding.sort_key)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = time.perf_counter() - start


# --- findings, made one and made readable ----------------------------------------------------------


def _merged(findings: Sequence[Finding]) -> list[Finding]:
    """One of each: what two modules' analyses both found stands once, with the places that either knew."""
    merged: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(findings, key=msgspec.json.encode):
        same = (finding.code, finding.location, finding.end_location, finding.message)
        known = merged.get(same)
        if known is None:
            merged[same] = finding
            continue
        related = (*known.related, *(place for place in finding.related if place not in known.related))
        certain = "certain" in (known.confidence, finding.confidence)
        merged[same] = msgspec.structs.replace(
            known,
            related=related,
            confidence="certain" if certain else "likely",
            fix=known.fix or finding.fix,
        )
    return list(merged.values())


class _Shown:
    """Inside a run a path is relative to the project's root; a user reads it from the working directory."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._paths = paths
        self._directory = os.getcwd()

    def path(self, key: str) -> str:
        return shown(self._paths.get(key, key), self._directory)

    def finding(self, finding: Finding) -> Finding:
        fix = finding.fix
        if fix is not None:
            fix = msgspec.structs.replace(fix, repairs=tuple(self.repair(repair) for repair in fix.repairs))
        return msgspec.structs.replace(
            finding,
            path=self.path(finding.path),
            related=tuple(self.related(place) for place in finding.related),
            fix=fix,
        )

    def related(self, place: Related) -> Related:
        return msgspec.structs.replace(place, path=self.path(place.path))

    def repair(self, repair: Repair) -> Repair:
        return msgspec.structs.replace(repair, path=self.path(repair.path))


def _named_sources(findings: Sequence[Finding], data: Mapping[str, bytes]) -> dict[str, bytes]:
    named = {finding.path for finding in findings}
    named |= {place.path for finding in findings for place in finding.related}
    fixes = [finding.fix for finding in findings if finding.fix is not None]
    named |= {repair.path for fix in fixes for repair in fix.repairs}
    found = {path: data.get(os.path.abspath(path)) for path in sorted(named)}
    return {path: content for path, content in found.items() if content is not None}


# --- keys ------------------------------------------------------------------------------------------


def _key(path: str, root: str) -> str:
    """The same on every machine that holds the project: what fingerprints and a cache may contain."""
    if path == root:
        return "."
    return shown(path, root).replace(os.sep, "/")


class _Identities:
    """Each configuration's identity, worked out once: thousands of files share one."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Config, str]] = {}  # by id, and held, so that no id is used twice

    def __call__(self, config: Config) -> str:
        known = self._known.get(id(config))
        if known is None:
            known = self._known[id(config)] = (config, f"{config.digest()} {config.root}")
        return known[1]


def _chooses(config: Config) -> bool:
    default = Config(root=config.root)
    keys = ("select", "extend_select", "ignore", "extend_ignore", "fixable", "unfixable")
    tables = (config.per_file_ignores, config.extend_per_file_ignores)
    return any(tables) or any(getattr(config, key) != getattr(default, key) for key in keys)
