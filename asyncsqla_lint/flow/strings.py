"""Strings as values: enough of `str` to follow a URL through an f-string, `replace` and `format`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Text,
    TupleValue,
    Union,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import Scalar, Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_PURE = frozenset(
    "strip lstrip rstrip lower upper title removeprefix removesuffix startswith endswith replace format "
    "format_map join split rsplit partition capitalize casefold encode count find isdigit".split()
)

_CONVERSION = re.compile(r"%(?:\(\w*\))?[-#0 +]*\d*(?:\.\d+)?([a-zA-Z%])")


def text(parts: list[str | None]) -> Value:
    """Join neighbours; a wholly known text is a Constant, a wholly unknown one UNKNOWN."""
    merged: list[str | None] = []
    for part in parts:
        if part is not None and merged and merged[-1] is not None:
            merged[-1] += part
        elif part is not None or not merged or merged[-1] is not None:
            merged.append(part)
    if not merged:
        return Constant("")
    if len(merged) == 1:
        return UNKNOWN if merged[0] is None else Constant(merged[0])
    return Text(tuple(merged))


def is_text(value: Value) -> bool:
    """Is it, or may it be, a text of which something is known?"""
    return any(
        isinstance(one, Text) or (isinstance(one, Constant) and isinstance(one.value, str))
        for one in alternatives(value)
    )


def text_parts(value: Value) -> list[str | None]:
    if isinstance(value, Constant):
        return [str(value.value)] if isinstance(value.value, (str, int)) else [None]
    if isinstance(value, Text):
        return list(value.parts)
    return [None]


def concatenated(pieces: Sequence[Value]) -> Value:
    """The text that values make one after the other. The first that may be one of several is told apart
    where all of these are known, or where the text begins with it: in an address that is the scheme."""
    for position, piece in enumerate(pieces):
        if not isinstance(piece, Union):
            continue
        if position == 0 or all(isinstance(one, Constant) for one in piece.alternatives):
            rest = [_named(one) for one in pieces[position + 1 :]]
            made = (concatenated((*pieces[:position], one, *rest)) for one in piece.alternatives)
            return union(tuple(made))
    return text([part for piece in pieces for part in text_parts(piece)])


def _named(value: Value) -> Value:
    """Of a piece that may be something else too, the one text that the source has for it: a default."""
    if not isinstance(value, Union):
        return value
    known = [one for one in value.alternatives if one is not UNKNOWN]
    return known[0] if len(known) == 1 and isinstance(known[0], Constant) else UNKNOWN


def converted(flow: Flow, state: State, value: Value, conversion: str, at: Span) -> Value:
    """`{value!r}`."""
    return value.formatted(flow, state, at) if conversion == "s" else value.represented(flow, state, at)


def percent_formatted(
    flow: Flow, state: State, pattern: Value, given: tuple[Value, ...], at: Span
) -> tuple[Value, ...]:
    """What `pattern % given` puts in: `%r` asks for the `repr` of what stands there."""
    conversions: list[str] = []
    if isinstance(pattern, Constant) and isinstance(pattern.value, str):
        conversions = [found for found in _CONVERSION.findall(pattern.value) if found != "%"]
    if len(conversions) != len(given):
        conversions = ["s"] * len(given)
    return tuple(
        converted(flow, state, one, "r" if conversion in "ra" else "s", at)
        for one, conversion in zip(given, conversions, strict=True)
    )


def call(
    flow: Flow, state: State, value: Constant | Text, name: str, arguments: Arguments, at: Span
) -> Value:
    if name == "unicode_string":
        return value  # of one of pydantic's URLs, of which nothing but the text is known
    if name not in _PURE or arguments.more is not None or arguments.more_keywords is not None:
        return UNKNOWN
    given = [argument.value if isinstance(argument, Constant) else None for argument in arguments.positional]
    if name == "format" and isinstance(value, Constant) and isinstance(value.value, str):
        return _format(flow, state, value.value, arguments, at)
    if name == "format_map" and isinstance(value, Constant) and isinstance(value.value, str):
        mapping = arguments.first
        return _format(
            flow, state, value.value, arguments, at, lambda key: mapping.item(flow, state, Constant(key), at)
        )
    if (
        name == "join"
        and isinstance(value, Constant)
        and isinstance(value.value, str)
        and arguments.positional
    ):
        iteration = arguments.positional[0].iterate(flow, state, at, False)
        if iteration.items is None:
            return UNKNOWN
        parts: list[str | None] = []
        for position, item in enumerate(iteration.items):
            parts.extend([value.value] if position else [])
            parts.extend(text_parts(item))
        return text(parts)
    if any(one is None for one in given) or arguments.keywords:
        return UNKNOWN
    if isinstance(value, Constant) and isinstance(value.value, str):
        try:
            result = getattr(value.value, name)(*given)
        except (TypeError, ValueError):
            return UNKNOWN
        if isinstance(result, (str, int, bool)):
            return Constant(result)
        if isinstance(result, (list, tuple)) and all(isinstance(one, str) for one in result):
            return TupleValue(tuple(Constant(one) for one in result))
        return UNKNOWN
    if isinstance(value, Text):
        return _partial(value, name, given)
    return UNKNOWN


def _partial(value: Text, name: str, given: list[Scalar]) -> Value:
    """Of a text with unknown parts, what its known beginning decides."""
    first = value.parts[0]
    if name == "startswith" and isinstance(first, str) and isinstance(given[0], str):
        if first.startswith(given[0]):
            return Constant(True)
        return UNKNOWN if given[0].startswith(first) else Constant(False)
    if name == "replace" and len(given) >= 2 and isinstance(given[0], str) and isinstance(given[1], str):
        old, new = given[0], given[1]
        return text([part if part is None else part.replace(old, new) for part in value.parts])
    if name in ("strip", "rstrip", "lstrip"):
        return value
    return UNKNOWN


def _format(
    flow: Flow,
    state: State,
    pattern: str,
    arguments: Arguments,
    at: Span,
    named: Callable[[str], Value | None] | None = None,
) -> Value:
    """`"{0} {order.customer.name}".format(…)` reads the attributes that the pattern names."""
    import string

    parts: list[str | None] = []
    position = 0
    try:
        pieces = list(string.Formatter().parse(pattern))
    except ValueError:
        return UNKNOWN
    for literal, field, spec, conversion in pieces:
        parts.append(literal)
        if field is None:
            continue
        found: Value | None = None
        name, *path = field.split("[")[0].split(".")
        if name == "" or name.isdigit():
            number = position if name == "" else int(name)
            position += 1
            found = arguments.positional[number] if number < len(arguments.positional) else None
        else:
            found = (named or arguments.keywords.get)(name)
        if found is not None:
            for step in path:
                found = found.attribute(flow, state, step, at)
            if "[" in field:
                found = None
            elif conversion:
                found = converted(flow, state, found, conversion, at)
        if found is not None:
            found = found.formatted(flow, state, at, UNKNOWN if "{" in (spec or "") else Constant(spec or ""))
        parts.extend([None] if found is None else text_parts(found))
    return text(parts)
