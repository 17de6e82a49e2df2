"""Slow waits: sleeps, HTTP clients, language models, queues; and the connections that are held meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.events import SessionHeld
from asyncsqla_lint.semantics.ledger import ledger
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

SLEEPS = ("asyncio.sleep", "anyio.sleep", "trio.sleep")
CLIENTS = (
    "httpx.AsyncClient",
    "aiohttp.ClientSession",
    "aiohttp.client.ClientSession",
    "openai.AsyncOpenAI",
    "openai.AsyncAzureOpenAI",
    "anthropic.AsyncAnthropic",
    "mistralai.Mistral",
    "elasticsearch.AsyncElasticsearch",
    "nats.aio.client.Client",
    "aiokafka.AIOKafkaProducer",
    "aiosmtplib.SMTP",
)


class Service(Value, frozen=True):
    """A client of something far away, or a part of it: `client.chat.completions`."""

    name: str

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Service(f"{self.name}.{name}") if len(self.name) < 80 else UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return Wait(self.name, flow.call_unknown(state, UNKNOWN, arguments, at))

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return self


class Wait(Value, frozen=True):
    """A call that takes its time once it is awaited or entered."""

    name: str
    result: Value

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        _waits(flow, state, self.name, at)
        return self.result.awaited(flow, state, at)

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        _waits(flow, state, self.name, at)
        return UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.result,)


def _waits(flow: Flow, state: State, name: str, at: Span) -> None:
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord

    if around(flow).task or not flow.listens(SessionHeld):
        return
    records: list[tuple[Reference, SessionRecord | ConnectionRecord]] = [
        *state.records(SessionRecord),
        *state.records(ConnectionRecord),
    ]
    for reference, record in records:
        if record.is_one_for_all:
            page = ledger(state, Reference(reference.oid))
            if page.holds and not page.is_doubtful:
                flow.emit(SessionHeld(flow.site(at), flow.frame, flow.is_certain, reference, record, name))
                return


def register(meanings: Meanings) -> None:
    meanings.sleeps.update(SLEEPS)
    for name in SLEEPS:
        meanings.calls[name] = _sleep(name)
    for name in CLIENTS:
        service = Service(name)
        meanings.calls[name] = lambda flow, state, arguments, at, service=service: service  # type: ignore[misc]
        meanings.instances[name] = lambda flow, state, arguments, at, service=service: service  # type: ignore[misc]


def _sleep(name: str):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        seconds = arguments.get(0, "delay") or arguments.get(0, "seconds")
        return UNKNOWN if seconds in (Constant(0), None) else Wait(name, UNKNOWN)

    return meaning
