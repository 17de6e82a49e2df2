"""arq: jobs are given a mapping that start-up has filled, between hooks that add to it for the job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Method, Reference, Value
from asyncsqla_lint.frameworks.hooks import Hooks, SharedRecord, hooked, of_the_request, run_themselves
from asyncsqla_lint.frameworks.injection import Injection, Inside, Need
from asyncsqla_lint.frameworks.requests import Requested
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.outline import JOBS
from asyncsqla_lint.project.pieces import lists_jobs
from asyncsqla_lint.semantics.application_state import APPLICATION

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index

_BEFORE = "on_job_start"
_AFTER = ("on_job_end", "after_job_end")


def register(meanings: Meanings) -> None:
    meanings.when_run.append(_run)


class Worker(Struct, frozen=True):
    """What a class of settings says: `class WorkerSettings`."""

    jobs: frozenset[FunctionInfo]
    hooks: Hooks


class ContextRecord(SharedRecord, frozen=True):
    """`ctx`: what the hooks of this job have put there, beside what start-up has."""

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        return super().contains(flow, state, me, item, at) or None

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        key = arguments.first
        if isinstance(key, Constant) and key.value in self.kept:
            return super().call_method(flow, state, me, name, arguments, at)
        return self.item(flow, state, me, key, at) if name in ("get", "pop") else UNKNOWN

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        found = self.kept.get(str(key.value)) if isinstance(key, Constant) else None
        return APPLICATION.item(flow, state, key, at) if found is None else found

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        if isinstance(key, Constant):
            self.set_attribute(flow, state, me, str(key.value), value, at)


def context_of(flow: Flow, state: State) -> Value:
    return of_the_request(flow, state, _NOTE, ContextRecord)


_NOTE = "arq context"


# --- settings ------------------------------------------------------------------------------------


def workers_of(index: Index) -> tuple[Worker, ...]:
    return kept(index, "arq_workers", lambda: tuple(_workers(index)))


def _workers(index: Index) -> Iterator[Worker]:
    for cls in dict.fromkeys(cls for name in sorted(JOBS) for cls in index.classes_binding({name})):
        worker = _worker(cls) if lists_jobs(cls.definition) else None
        if worker is not None and worker.jobs:
            index.foundation.update((cls.module, *(one.module for one in worker.jobs)))
            yield worker


def _worker(cls: ClassInfo) -> Worker:
    jobs = [info for name in sorted(JOBS) for info in _functions(cls, name) if info.is_async]
    before = _functions(cls, _BEFORE)
    after = [info for name in _AFTER for info in _functions(cls, name)]
    return Worker(frozenset(jobs), Hooks(tuple(before), tuple(after)))


def _functions(cls: ClassInfo, name: str) -> list[FunctionInfo]:
    """What the class gives under a name: a function, or several."""
    member = cls.find(name)
    given = None if member is None else member[1].value
    if given is None:
        return []
    several = given.elements if isinstance(given, (p.ListDisplay, p.TupleDisplay)) else (given,)
    found = (_function(cls, node) for node in several)
    return [info for info in found if info is not None]


def _function(cls: ClassInfo, node: p.Expression) -> FunctionInfo | None:
    """`send`, `func(send, name="send")`, `cron(sweep, hour=3)`."""
    if isinstance(node, p.Call) and node.arguments:
        node = node.arguments[0]
    found = cls.index.resolve(cls.module, node, cls)
    return found if isinstance(found, FunctionInfo) else None


# --- roots ---------------------------------------------------------------------------------------


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    parameters = info.header.parameters
    if not info.is_async or info.owner is not None or not parameters:
        return False
    for worker in workers_of(flow.index):
        if info in worker.hooks.before or info in worker.hooks.after:
            context = (context_of(flow, state),)
            run_themselves(flow, state, worker.hooks, context, info.header.name_span)
            return True
        if info in worker.jobs:
            _run_job(flow, state, info, worker)
            return True
    return False


def _run_job(flow: Flow, state: State, info: FunctionInfo, worker: Worker) -> None:
    def within(flow: Flow, own: State, inside: Inside, at: Span) -> list[Option]:
        return hooked(flow, own, worker.hooks, (context_of(flow, own),), inside, at)

    needs = [Need(info.header.parameters[0].name, Requested(context_of))]
    Injection(flow, lambda own, value: [], info.header.name_span, within=within).run(state, info, needs)
