"""Calls with a text that is one of several, as the environment has it: `with_driver(getenv("URL", "…"))`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.frames import PathEnds
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.strings import is_text
from asyncsqla_lint.flow.values import Arguments, Union, Value, union
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

MOST_TEXTS = 4


def each(arguments: Arguments) -> list[Arguments]:
    """The arguments with each of the texts; none where no argument is one of several, or where two are."""
    several = [one for one in arguments.all() if isinstance(one, Union) and is_text(one)]
    if len(several) != 1 or len(several[0].alternatives) > MOST_TEXTS:
        return []
    whole = several[0]

    def given(argument: Value, one: Value) -> Value:
        return one if argument is whole else argument

    return [
        replace(
            arguments,
            positional=tuple(given(argument, one) for argument in arguments.positional),
            keywords={name: given(argument, one) for name, argument in arguments.keywords.items()},
        )
        for one in whole.alternatives
    ]


def made_of(
    flow: Flow, state: State, function: FunctionValue, texts: list[Arguments], result: Value, at: Span
) -> Value:
    """The text that a call gives, told for each of those that it is given.

    What the call finds out about a part decides what it makes of the whole (`ASQ102/good_parts_of_a_url`).
    """
    from asyncsqla_lint.flow.calls import run_function

    values: list[Value] = []
    flow.joining += 1
    try:
        with flow.silently():
            for one in texts:
                try:
                    values.append(run_function(flow, state.copy(), function, one, at))
                except PathEnds:
                    continue
    finally:
        flow.joining -= 1
    return union(tuple(values)) if values else result
