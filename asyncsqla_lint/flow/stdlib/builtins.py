"""Plain builtins, and what of the standard library has no file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import EMPTY, NONE, UNKNOWN, Arguments, Constant, Value, union
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def _bool(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    truth = arguments.first.truth(state)
    return UNKNOWN if truth is None else Constant(truth)


def _str(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return arguments.first.formatted(flow, state, at) if arguments.positional else Constant("")


def _format(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return arguments.first.formatted(flow, state, at, arguments.get(1, "format_spec") or EMPTY)


def _repr(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return arguments.first.represented(flow, state, at)


def _print(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    for value in arguments.positional:
        value.formatted(flow, state, at)
    return NONE


def _same(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return arguments.first


def _environment(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """The environment overrides a default that the program names."""
    default = arguments.get(1, "default")
    return UNKNOWN if default is None else union((default, UNKNOWN))


def _exit(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    raise PathEnds(Outcome("raise", state, ExternalValue("builtins.SystemExit")))


def register(meanings: Meanings) -> None:
    meanings.member_decorators |= MEMBER_DECORATORS
    meanings.learn(MEANINGS)


MEMBER_DECORATORS = frozenset(
    {
        "builtins.property",
        "builtins.classmethod",
        "builtins.staticmethod",
        "functools.cached_property",
        "abc.abstractmethod",
        "abc.abstractproperty",
        "typing.override",
        "typing.overload",
    }
)

MEANINGS = {
    "bool": _bool,
    "str": _str,
    "format": _format,
    "repr ascii": _repr,
    "print pprint.pprint click.echo click.secho typer.echo typer.secho": _print,
    "copy.copy copy.deepcopy asyncio.shield inspect.unwrap textwrap.dedent inspect.cleandoc": _same,
    "os.getenv os.environ.get": _environment,
    "sys.exit exit quit os._exit": _exit,
}
