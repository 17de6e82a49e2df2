"""discord.py and its forks: cogs and commands have the project's bot, whose attributes they read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.coroutines import Ready
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.roots import run_given
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External

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
# What waits for a user: a button or a menu of a view, a form.
_WAITING = tuple(
    f"{library}.ui.{name}"
    for library in _LIBRARIES
    for name in ("View", "LayoutView", "Modal", "Button", "Select", "UserSelect", "RoleSelect", "DynamicItem")
)
_CALLED = frozenset({"on_submit", "callback", "on_timeout", "interaction_check"})
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
    meanings.when_ended.insert(0, _clicked)  # before it is judged what nobody has read


def _clicked(
    flow: Flow, frame: Frame, done: list[tuple[State, Value]], raised: list[State], risky: Sequence[State]
) -> None:
    """What a command has made and sent is used once the command is over, with what it holds."""
    is_root = frame.caller is None or frame.caller.function is None
    if not is_root or frame.function is None or frame.function.name == "__init__":
        return
    waiting = kept(flow.index, "what waits for users", lambda: frozenset(flow.index.derived_from(*_WAITING)))
    if not waiting:
        return
    for state, _ in done[:2]:
        for me, record in state.records(ObjectRecord):
            note = f"clicked {me.oid}"
            if record.cls.info not in waiting or me.oid in flow.base or note in flow.notes:
                continue
            flow.notes[note] = True
            for info in _reactions(record.cls.info):
                with flow.hedged(True):
                    run_given(flow, state.copy(), info, {}, receiver=me)


def _reactions(cls: ClassInfo) -> list[FunctionInfo]:
    found = {name: member.function for one in reversed(cls.ancestors) for name, member in one.members.items()}
    return [
        info
        for name, info in found.items()
        if info is not None and info.is_async and (name in _CALLED or _is_control(info))
    ]


def _is_control(info: FunctionInfo) -> bool:
    return any(
        isinstance(one, External) and one.name.partition(".")[2].startswith("ui.") for one in info.decorators
    )


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
        if name == self.asked:
            return self.bot
        return Sending(name) if name in _SENDERS or name in _SENDS else UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.bot,)


_SENDERS = frozenset({"response", "followup"})
_SENDS = frozenset(
    {
        "send",
        "reply",
        "respond",
        "defer",
        "send_message",
        "send_modal",
        "edit_message",
        "edit_original_response",
    }
)


class Sending(Value, frozen=True):
    """`interaction.response.send_message(…, view=View(row))`: the library leaves alone what a view holds."""

    name: str

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Sending(name) if name in _SENDS else UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        if self.name not in _SENDS:
            return flow.call_unknown(state, self, arguments, at)
        return Ready(UNKNOWN)
