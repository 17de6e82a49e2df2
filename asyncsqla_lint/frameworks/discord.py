"""discord.py and its forks: cogs and commands have the project's bot, whose attributes they read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_LIBRARIES = ("discord", "nextcord", "disnake")
_BOTS = tuple(
    f"{library}.{name}"
    for library in _LIBRARIES
    for name in (
        "Client",
        "AutoShardedClient",
        "Bot",
        "ext.commands.Bot",
        "ext.commands.AutoShardedBot",
        "ext.commands.InteractionBot",
    )
)
_ASKED = {
    "Interaction": "client",
    "ApplicationContext": "bot",
    "ApplicationCommandInteraction": "bot",
    "ext.commands.Context": "bot",
}


def register(meanings: Meanings) -> None:
    for name in _BOTS:
        meanings.instances[name] = lambda flow, state, arguments, at: _bot(flow, state, at)
    for library in _LIBRARIES:
        for name, attribute in _ASKED.items():
            meanings.instances[f"{library}.{name}"] = partial(_invocation, attribute)


def _bot(flow: Flow, state: State, at: Span) -> Value:
    """The project's own class of bots, if there is one; it is what runs."""
    derived = flow.index.derived_from(*_BOTS)
    found = [one for one in derived if not any(one in other.ancestors[1:] for other in derived)]
    if len(found) != 1:
        return UNKNOWN
    return flow.meanings.instance_of_class(flow, state, ClassValue(found[0]), at, 0)


def _invocation(attribute: str, flow: Flow, state: State, arguments: tuple[Value, ...], at: Span) -> Value:
    """`ctx: commands.Context[LevelBot]`, `interaction: discord.Interaction`."""
    bot = flow.meanings.instance_of(flow, state, arguments[0], at) if arguments else UNKNOWN
    return Invocation(attribute, _bot(flow, state, at) if bot is UNKNOWN else bot)


class Invocation(Value, frozen=True):
    """What a command is called with."""

    asked: str  # the attribute that is the bot
    bot: Value

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return self.bot if name == self.asked else UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.bot,)
