"""The contract between one rule and everything else.

A rule is a class in a file of its own, found by `catalogue`. It says what it is in class attributes,
explains itself in its docstring, and listens to events with methods marked `@on(EventType)`:

    class MissingEagerLoad(Rule):
        '''What it does … Why is this bad? … Example … Use instead …'''

        code = "ASQ301"
        name = "missing-eager-load"
        fix = "unsafe"
        outcome = Raises("MissingGreenlet")

        @on(UnloadedRead)
        def read(self, event: UnloadedRead, report: Reporter) -> None:
            report(self, event, f"`{event.attribute}` was not loaded")

A handler touches no file and no global: what it knows is in the event, what it says goes to `report`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar, Union

from msgspec import Struct

from asyncsqla_lint.findings import Applicability, Confidence, Fix, Related

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Site

# --- what the live harness must see ----------------------------------------------------------------


@dataclass(frozen=True, init=False)
class Raises:
    """One of these exceptions (by class name) comes up through the marked line."""

    exceptions: tuple[str, ...]

    def __init__(self, *exceptions: str) -> None:
        object.__setattr__(self, "exceptions", exceptions)


@dataclass(frozen=True, init=False)
class Warns:
    """One of these warnings (by class name) is issued."""

    warnings: tuple[str, ...]

    def __init__(self, *warnings: str) -> None:
        object.__setattr__(self, "warnings", warnings)


@dataclass(frozen=True)
class LosesWrite:
    """What was written is not there when read back."""


@dataclass(frozen=True)
class BlocksLoop:
    """A heartbeat task starves while the marked line runs."""


@dataclass(frozen=True)
class Leaks:
    """A connection, session or engine is still open at the end."""


@dataclass(frozen=True)
class Silent:
    """Nothing can be observed on the harness's database; `reason` says why it is wrong all the same."""

    reason: str


Outcome = Union[Raises, Warns, LosesWrite, BlocksLoop, Leaks, Silent]

# --- what a rule says ------------------------------------------------------------------------------


class Reporter(Protocol):
    """Turns an event and a message into a Finding. The event knows the place, and the path that led there.

    `subject` says what is wrong in words that outlive edits (`User.posts`): it makes the fingerprint.
    Findings of one `cause` are one: the nearest to it stands, and names the others.
    """

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
    ) -> None: ...


Event = TypeVar("Event")
R = TypeVar("R", bound="Rule")
Method = Callable[[R, Event, Reporter], None]
Handler = Callable[[object, Reporter], None]

_LISTENS = "__listens_to__"


def on(event: type[Event]) -> Callable[[Method[R, Event]], Method[R, Event]]:
    """Mark a method of a rule as the handler of one type of event. Marks may be stacked."""

    def mark(method: Method[R, Event]) -> Method[R, Event]:
        setattr(method, _LISTENS, (*getattr(method, _LISTENS, ()), event))
        return method

    return mark


# --- what a rule is --------------------------------------------------------------------------------


class Documentation(Struct, frozen=True):
    """The docstring in its four parts, each in Markdown; `extra` holds further headed parts in order."""

    what: str
    why: str
    example: str
    instead: str
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def summary(self) -> str:
        """The first sentence of `what`, on one line."""
        paragraph = " ".join(self.what.split("\n\n")[0].split())
        return re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]


class Description(Struct, frozen=True):
    """What a surface may know of a rule: enough to select, list, explain and link it, nothing to run it."""

    code: str
    name: str
    preview: bool
    fix: Applicability | None
    outcome: Outcome
    documentation: Documentation
    group: str


class MalformedRule(TypeError):
    """A rule that breaks the contract; raised when its module is imported, so that no test can miss it."""


class Rule:
    """One thing that can be wrong with a program."""

    code: ClassVar[str]
    name: ClassVar[str]
    preview: ClassVar[bool] = False
    fix: ClassVar[Applicability | None] = None
    outcome: ClassVar[Outcome]
    gives_way: ClassVar[tuple[str, ...]] = ()  # to findings of these codes that stand at the same place

    _listeners: ClassVar[Mapping[type, tuple[str, ...]]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        listeners: dict[type, tuple[str, ...]] = {}
        for ancestor in reversed(cls.__mro__):
            for attribute, method in vars(ancestor).items():
                for event in getattr(method, _LISTENS, ()):
                    if attribute not in listeners.get(event, ()):
                        listeners[event] = (*listeners.get(event, ()), attribute)
        cls._listeners = MappingProxyType(listeners)
        if "code" in vars(cls):
            _check(cls)

    def handlers(self) -> dict[type, list[Handler]]:
        """The rule's handlers by the type of event they want: what an engine needs for its dispatch table."""
        return {event: [getattr(self, name) for name in names] for event, names in self._listeners.items()}

    @classmethod
    def documentation(cls) -> Documentation:
        return parse_documentation(cls.__doc__ or "")

    @classmethod
    def describe(cls) -> Description:
        return Description(
            code=cls.code,
            name=cls.name,
            preview=cls.preview,
            fix=cls.fix,
            outcome=cls.outcome,
            documentation=cls.documentation(),
            group=group(cls.code),
        )


def group(code: str) -> str:
    return _GROUPS[code[3]]


def _check(rule: type[Rule]) -> None:
    def fail(reason: str) -> MalformedRule:
        return MalformedRule(f"rule {rule.__qualname__} in {rule.__module__}: {reason}")

    if not _CODE.fullmatch(rule.code):
        raise fail(f"code {rule.code!r} is not `ASQ` and three digits of a known group")
    if not _NAME.fullmatch(getattr(rule, "name", "")):
        raise fail("`name` must be kebab-case")
    if not hasattr(rule, "outcome"):
        raise fail("`outcome` must say what the live harness will see")
    try:
        parse_documentation(rule.__doc__ or "")
    except ValueError as error:
        raise fail(str(error)) from None


_GROUPS = {
    "1": "Engines, drivers, pools",
    "2": "Sessions, tasks, transactions",
    "3": "Loading",
    "4": "Awaiting, and the async API",
    "9": "The tool itself",
}
_CODE = re.compile(r"ASQ[12349]\d\d")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

# --- documentation ---------------------------------------------------------------------------------

_PARTS = ("What it does", "Why is this bad?", "Example", "Use instead")


def parse_documentation(docstring: str) -> Documentation:
    """Split a docstring at its headings.

    A heading is a line of its own: `## Why is this bad?`, or bare `Why is this bad?` / `Use instead:`
    for the four parts that every rule has. Inside a code fence nothing is a heading.
    """
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    fenced = False
    for line in cleandoc(docstring).splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        heading = None if fenced else _heading(line)
        if heading is None:
            lines.append(line)
        elif heading in parts:
            raise ValueError(f"the docstring has two parts “{heading}”")
        else:
            parts[heading] = lines = []
    text = {heading: "\n".join(body).strip() for heading, body in parts.items()}
    missing = [part for part in _PARTS if not text.get(part)]
    if missing:
        raise ValueError(f"the docstring lacks {', '.join(f'“{part}”' for part in missing)}")
    what, why, example, instead = (text.pop(part) for part in _PARTS)
    return Documentation(what, why, example, instead, tuple(text.items()))


def _heading(line: str) -> str | None:
    title = line.strip().rstrip(":")
    if title in _PARTS:
        return title
    if line.startswith("#"):
        title = title.lstrip("#").strip()
        return title or None
    return None
