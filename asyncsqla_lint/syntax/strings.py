"""What a string literal's source means, without evaluating it (evaluating warns about `"\\d"`)."""

from __future__ import annotations

import re
import unicodedata

ESCAPE = re.compile(
    r"\\(?:\r\n|[\n\r]|([\\'\"abfnrtv])|([0-7]{1,3})|x([0-9a-fA-F]{2})"
    r"|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([^}]+)\})"
)
SIMPLE = {
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}


def escaped(match: re.Match[str]) -> str:
    simple, octal, *hexadecimal, name = match.groups()
    if simple is not None:
        return SIMPLE[simple]
    if octal is not None:
        return chr(int(octal, 8))
    if name is not None:
        return unicodedata.lookup(name)
    for digits in hexadecimal:
        if digits is not None:
            return chr(int(digits, 16))
    return ""  # a line continuation


def unescape(source: str, raw: bool) -> str | None:
    """The value of the text between the quotes; None when it is no text that can be stored."""
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    if raw or "\\" not in source:
        return source
    try:
        value = ESCAPE.sub(escaped, source)
        value.encode()  # a lone surrogate cannot be stored
    except (KeyError, ValueError, OverflowError):
        return None
    return value


def string_value(source: str) -> str | None:
    """The value of a literal with its prefix and quotes; None for bytes."""
    quote = source[0]
    if quote == '"' or quote == "'":
        prefix = ""
    else:
        prefix = source[: 1 if source[1] in "\"'" else 2].lower()
        if "b" in prefix:
            return None
        source = source[len(prefix) :]
        quote = source[0]
    width = 3 if source[1:3] == quote * 2 and len(source) > 5 else 1
    return unescape(source[width:-width], "r" in prefix)


def format_text(source: str, raw: bool) -> str | None:
    """The value of a literal piece of an f-string."""
    if "{" in source or "}" in source:
        if not raw and "\\N" in source:  # the braces of \N{…} are not doubled
            pieces = re.split(r"(\\N\{[^}]+\})", source)
            source = "".join(
                piece if index % 2 else piece.replace("{{", "{").replace("}}", "}")
                for index, piece in enumerate(pieces)
            )
        else:
            source = source.replace("{{", "{").replace("}}", "}")
    return unescape(source, raw)
