"""The Program: what a module says, as data.

`syntax` lowers a LibCST module into these nodes once per content; everything above reads only them.
A node keeps its place as one `Span`; nothing here knows a file name, so a Program is a pure function of
the source text and can be stored under its hash.

The header (`Program.statements`, `Program.functions`) is all that stands outside function bodies. The
bodies stand apart in `Program.bodies`, so that the index can be merged without decoding them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Union, cast, overload

import msgspec
from msgspec import Struct

# One integer: `start << LENGTH_BITS | length`, both in characters of the decoded text.
# An integer, since a program holds hundreds of thousands of them and reports a handful.
Span = int
LENGTH_BITS = 20
LONGEST = (1 << LENGTH_BITS) - 1


def span(start: int, end: int) -> Span:
    return start << LENGTH_BITS | min(end - start, LONGEST)


def start_of(place: Span) -> int:
    return place >> LENGTH_BITS


def end_of(place: Span) -> int:
    return (place >> LENGTH_BITS) + (place & LONGEST)


def holds(body: Statements, place: Span) -> bool:
    """Does the place lie in one of these statements?"""
    return any(start_of(one.span) <= start_of(place) and end_of(place) <= end_of(one.span) for one in body)


class Node(Struct, frozen=True, array_like=True, gc=False):
    """The base of every node: it has a place."""

    span: Span


# --- expressions -------------------------------------------------------------------------------


class Name(Node, frozen=True, array_like=True, gc=False, tag=1):
    id: str


class Attribute(Node, frozen=True, array_like=True, gc=False, tag=2):
    value: Expression
    name: str


class Keyword(Node, frozen=True, array_like=True, gc=False):
    """`name=value` in a call or class statement; `**value` when the name is None."""

    name: str | None
    value: Expression


class Call(Node, frozen=True, array_like=True, gc=False, tag=3):
    function: Expression
    arguments: tuple[Expression, ...]  # `*value` is a Starred
    keywords: tuple[Keyword, ...]


# What a literal that the analysis knows can be.
Scalar = Union[bool, int, float, str, None]


class Constant(Node, frozen=True, array_like=True, gc=False, tag=4):
    """None, True, False, a number that fits 64 bits, or a string (implicit concatenation joined)."""

    value: Scalar


class FormatString(Node, frozen=True, array_like=True, gc=False, tag=5):
    """An f-string; literal pieces are Constants, the others are what is formatted."""

    parts: tuple[Expression, ...]


class Formatted(Node, frozen=True, array_like=True, gc=False, tag=25):
    """`{value!r:>10}`: a piece of an f-string that says how; its place is the value's."""

    value: Expression
    conversion: str  # "r", "s", "a", or ""
    specification: tuple[Expression, ...]  # pieces, as those of an f-string


class Subscript(Node, frozen=True, array_like=True, gc=False, tag=6):
    value: Expression
    index: Expression  # `a[b, c]` is a TupleDisplay


class Slice(Node, frozen=True, array_like=True, gc=False, tag=7):
    lower: Expression | None
    upper: Expression | None
    step: Expression | None


class TupleDisplay(Node, frozen=True, array_like=True, gc=False, tag=8):
    elements: tuple[Expression, ...]


class ListDisplay(Node, frozen=True, array_like=True, gc=False, tag=9):
    elements: tuple[Expression, ...]


class SetDisplay(Node, frozen=True, array_like=True, gc=False, tag=10):
    elements: tuple[Expression, ...]


class DictItem(Node, frozen=True, array_like=True, gc=False):
    """`key: value`; `**value` when the key is None."""

    key: Expression | None
    value: Expression


class DictDisplay(Node, frozen=True, array_like=True, gc=False, tag=11):
    items: tuple[DictItem, ...]


class Starred(Node, frozen=True, array_like=True, gc=False, tag=12):
    value: Expression


class Await(Node, frozen=True, array_like=True, gc=False, tag=13):
    value: Expression


class Lambda(Node, frozen=True, array_like=True, gc=False, tag=14):
    function: int  # index into Program.functions; its body is one Return


class Compare(Node, frozen=True, array_like=True, gc=False, tag=15):
    left: Expression
    operators: tuple[str, ...]  # "==", "is", "is not", "in", "not in", …
    comparators: tuple[Expression, ...]


class BooleanOperation(Node, frozen=True, array_like=True, gc=False, tag=16):
    operator: str  # "and" | "or"
    values: tuple[Expression, ...]


class UnaryOperation(Node, frozen=True, array_like=True, gc=False, tag=17):
    operator: str  # "not", "-", "+", "~"
    operand: Expression


class BinaryOperation(Node, frozen=True, array_like=True, gc=False, tag=18):
    left: Expression
    operator: str  # "+", "%", "|", …
    right: Expression


class Conditional(Node, frozen=True, array_like=True, gc=False, tag=19):
    """`body if test else otherwise`."""

    test: Expression
    body: Expression
    otherwise: Expression


class Clause(Node, frozen=True, array_like=True, gc=False):
    """`for target in iterable if condition …` of a comprehension."""

    target: Expression
    iterable: Expression
    conditions: tuple[Expression, ...]
    is_async: bool


class Comprehension(Node, frozen=True, array_like=True, gc=False, tag=20):
    kind: str  # "list" | "set" | "dict" | "generator"
    element: Expression  # the key of a dict comprehension
    value: Expression | None  # the value of a dict comprehension
    clauses: tuple[Clause, ...]


class NamedExpression(Node, frozen=True, array_like=True, gc=False, tag=21):
    target: Expression
    value: Expression


class Yield(Node, frozen=True, array_like=True, gc=False, tag=22):
    value: Expression | None


class YieldFrom(Node, frozen=True, array_like=True, gc=False, tag=23):
    value: Expression


class Opaque(Node, frozen=True, array_like=True, gc=False, tag=24):
    """Anything whose value the analysis does not model; its parts are still evaluated in order."""

    parts: tuple[Expression, ...]


Expression = Union[
    Name,
    Attribute,
    Call,
    Constant,
    FormatString,
    Formatted,
    Subscript,
    Slice,
    TupleDisplay,
    ListDisplay,
    SetDisplay,
    DictDisplay,
    Starred,
    Await,
    Lambda,
    Compare,
    BooleanOperation,
    UnaryOperation,
    BinaryOperation,
    Conditional,
    Comprehension,
    NamedExpression,
    Yield,
    YieldFrom,
    Opaque,
]

# --- patterns (match statements) -----------------------------------------------------------------


class CapturePattern(Node, frozen=True, array_like=True, gc=False, tag=60):
    """`name`, `_` (name None), or `pattern as name`."""

    pattern: Pattern | None
    name: str | None


class ValuePattern(Node, frozen=True, array_like=True, gc=False, tag=61):
    value: Expression


class ClassPattern(Node, frozen=True, array_like=True, gc=False, tag=62):
    cls: Expression
    positional: tuple[Pattern, ...]
    keywords: tuple[tuple[str, Pattern], ...]


class SequencePattern(Node, frozen=True, array_like=True, gc=False, tag=63):
    elements: tuple[Pattern, ...]


class StarPattern(Node, frozen=True, array_like=True, gc=False, tag=64):
    name: str | None


class MappingPattern(Node, frozen=True, array_like=True, gc=False, tag=65):
    items: tuple[tuple[Expression, Pattern], ...]
    rest: str | None


class OrPattern(Node, frozen=True, array_like=True, gc=False, tag=66):
    alternatives: tuple[Pattern, ...]


Pattern = Union[
    CapturePattern, ValuePattern, ClassPattern, SequencePattern, StarPattern, MappingPattern, OrPattern
]

# --- statements ----------------------------------------------------------------------------------


class Evaluate(Node, frozen=True, array_like=True, gc=False, tag=30):
    """An expression statement (docstrings are dropped)."""

    value: Expression


class Assign(Node, frozen=True, array_like=True, gc=False, tag=31):
    targets: tuple[Expression, ...]
    value: Expression


class AnnotatedAssign(Node, frozen=True, array_like=True, gc=False, tag=32):
    target: Expression
    annotation: Expression  # a string annotation is a Constant; `project.names` parses it
    value: Expression | None


class AugmentedAssign(Node, frozen=True, array_like=True, gc=False, tag=33):
    target: Expression
    operator: str  # "+", "|", … (without "=")
    value: Expression


class Return(Node, frozen=True, array_like=True, gc=False, tag=34):
    value: Expression | None


class Raise(Node, frozen=True, array_like=True, gc=False, tag=35):
    exception: Expression | None
    cause: Expression | None


class If(Node, frozen=True, array_like=True, gc=False, tag=36):
    test: Expression
    body: Statements
    otherwise: Statements


class While(Node, frozen=True, array_like=True, gc=False, tag=37):
    test: Expression
    body: Statements
    otherwise: Statements


class For(Node, frozen=True, array_like=True, gc=False, tag=38):
    target: Expression
    iterable: Expression
    body: Statements
    otherwise: Statements
    is_async: bool


class WithItem(Node, frozen=True, array_like=True, gc=False):
    context: Expression
    target: Expression | None


class With(Node, frozen=True, array_like=True, gc=False, tag=39):
    items: tuple[WithItem, ...]
    body: Statements
    is_async: bool


class Handler(Node, frozen=True, array_like=True, gc=False):
    """`except type as name:`; `except A, B:` has a TupleDisplay as its type."""

    type: Expression | None
    name: str | None
    body: Statements


class Try(Node, frozen=True, array_like=True, gc=False, tag=40):
    body: Statements
    handlers: tuple[Handler, ...]
    otherwise: Statements
    final: Statements
    is_star: bool


class Case(Node, frozen=True, array_like=True, gc=False):
    pattern: Pattern
    guard: Expression | None
    body: Statements


class Match(Node, frozen=True, array_like=True, gc=False, tag=41):
    subject: Expression
    cases: tuple[Case, ...]


class FunctionDefinition(Node, frozen=True, array_like=True, gc=False, tag=42):
    function: int  # index into Program.functions


class ClassDefinition(Node, frozen=True, array_like=True, gc=False, tag=43):
    """`span` is the class statement's; `name_span` the name's."""

    name: str
    name_span: Span
    bases: tuple[Expression, ...]
    keywords: tuple[Keyword, ...]
    decorators: tuple[Expression, ...]
    type_parameters: tuple[str, ...]
    body: Statements


class Alias(Node, frozen=True, array_like=True, gc=False):
    name: str  # dotted for `import a.b`; "*" for a star import
    asname: str | None


class Import(Node, frozen=True, array_like=True, gc=False, tag=44):
    names: tuple[Alias, ...]


class ImportFrom(Node, frozen=True, array_like=True, gc=False, tag=45):
    module: str  # "" for `from . import x`
    level: int  # the number of leading dots
    names: tuple[Alias, ...]


class Delete(Node, frozen=True, array_like=True, gc=False, tag=46):
    targets: tuple[Expression, ...]


class Assert(Node, frozen=True, array_like=True, gc=False, tag=47):
    test: Expression
    message: Expression | None = None  # evaluated only when the test fails


class Global(Node, frozen=True, array_like=True, gc=False, tag=48):
    names: tuple[str, ...]


class Nonlocal(Node, frozen=True, array_like=True, gc=False, tag=49):
    names: tuple[str, ...]


class Break(Node, frozen=True, array_like=True, gc=False, tag=50):
    pass


class Continue(Node, frozen=True, array_like=True, gc=False, tag=51):
    pass


class TypeAlias(Node, frozen=True, array_like=True, gc=False, tag=52):
    name: str
    value: Expression


Statement = Union[
    Evaluate,
    Assign,
    AnnotatedAssign,
    AugmentedAssign,
    Return,
    Raise,
    If,
    While,
    For,
    With,
    Try,
    Match,
    FunctionDefinition,
    ClassDefinition,
    Import,
    ImportFrom,
    Delete,
    Assert,
    Global,
    Nonlocal,
    Break,
    Continue,
    TypeAlias,
]
Statements = tuple[Statement, ...]

# --- functions and the program ---------------------------------------------------------------------


class Parameter(Node, frozen=True, array_like=True, gc=False):
    name: str
    kind: (
        str  # "positional" (before "/"), "any", "star" (*args), "keyword" (keyword-only), "double" (**kwargs)
    )
    annotation: Expression | None
    default: Expression | None


class Function(Node, frozen=True, array_like=True, gc=False):
    """A def, async def or lambda. `span` is the statement's, `name_span` the name's."""

    name: str  # "<lambda>" for a lambda
    qualname: str  # "Class.method", "outer.<locals>.inner"
    name_span: Span
    is_async: bool
    is_generator: bool
    decorators: tuple[Expression, ...]
    parameters: tuple[Parameter, ...]
    returns: Expression | None
    type_parameters: tuple[str, ...]
    mentions: tuple[str, ...]  # sorted names and attribute names in the body, nested functions included


class Suppression(Node, frozen=True, array_like=True, gc=False):
    """A comment that silences. `span` is the comment's; lines are 1-based and inclusive."""

    first_line: int
    last_line: int
    codes: tuple[str, ...]  # empty: all codes
    kind: str  # "noqa" | "ignore" | "file"


class Program(Struct, frozen=True, array_like=True, gc=False):
    statements: Statements
    functions: tuple[Function, ...]
    bodies: tuple[Statements, ...]  # bodies[i] is the body of functions[i]; see `unpacked`
    suppressions: tuple[Suppression, ...]
    line_starts: tuple[int, ...]  # offset of each line's first character

    def location(self, offset: int) -> tuple[int, int]:
        """1-based line and 1-based column (in characters) of an offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1


# --- what is stored --------------------------------------------------------------------------------


class _Packed(Struct, frozen=True, array_like=True, gc=False):
    """A Program whose bodies nobody has looked into."""

    statements: Statements
    functions: tuple[Function, ...]
    bodies: tuple[msgspec.Raw, ...]
    suppressions: tuple[Suppression, ...]
    line_starts: tuple[int, ...]


class _Bodies(Sequence[Statements]):
    """They take two thirds of a Program's memory, and most of other modules' are never run."""

    __slots__ = ("_known",)

    def __init__(self, packed: Iterable[msgspec.Raw]) -> None:
        self._known: list[Statements | msgspec.Raw] = list(packed)

    def __len__(self) -> int:
        return len(self._known)

    @overload
    def __getitem__(self, number: int) -> Statements: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[Statements, ...]: ...
    def __getitem__(self, number: int | slice) -> Statements | tuple[Statements, ...]:
        if isinstance(number, slice):
            return tuple(self[one] for one in range(*number.indices(len(self))))
        found = self._known[number]
        if isinstance(found, msgspec.Raw):
            found = self._known[number] = _body.decode(found)
        return found


_packed = msgspec.msgpack.Decoder(_Packed)
_body = msgspec.msgpack.Decoder(Statements)


def unpacked(data: bytes) -> Program:
    """The Program; its bodies are decoded one by one, when they are asked for."""
    found = _packed.decode(data)
    bodies = cast("tuple[Statements, ...]", _Bodies(found.bodies))
    return Program(found.statements, found.functions, bodies, found.suppressions, found.line_starts)
