"""From a source file's bytes to its text, as Python itself reads them (PEP 263), and back."""

from __future__ import annotations

import codecs
import re

from msgspec import Struct

BOM = codecs.BOM_UTF8
# As in CPython's tokenizer: a comment in line one, or in line two below a blank or comment line.
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANK = re.compile(rb"[ \t\f]*(?:#.*)?$")


class DecodeError(Exception):
    """Bytes that are not the text they claim to be. Row and column are 1-based."""

    def __init__(self, message: str, row: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column


class Encoding(Struct, frozen=True):
    name: str
    has_bom: bool = False


def encoding_of(data: bytes) -> Encoding:
    has_bom = data.startswith(BOM)
    start = len(BOM) if has_bom else 0
    cookie, row = _cookie(data, start)
    if cookie is None:
        return Encoding("utf-8", has_bom)
    try:
        name = codecs.lookup(cookie).name
    except LookupError:
        raise DecodeError(f"unknown encoding: {cookie}", row) from None
    # As strict as Python, which takes `utf_8` here but not `utf8`.
    if has_bom and not f"{cookie}-".lower().replace("_", "-").startswith("utf-8-"):
        raise DecodeError(f"the file starts with a UTF-8 byte order mark but declares {cookie}", row)
    return Encoding(name, has_bom)


def decode(data: bytes) -> str:
    """The text, its line endings as they are, without the byte order mark."""
    encoding = encoding_of(data)
    body = data[len(BOM) :] if encoding.has_bom else data
    try:
        text = body.decode(encoding.name)
    except UnicodeDecodeError as error:
        row, column = _place(body[: error.start])
        raise DecodeError(f"not {encoding.name}: {error.reason}", row, column) from None
    except (LookupError, ValueError) as error:
        raise DecodeError(f"cannot be decoded as {encoding.name}: {error}") from None
    nul = text.find("\0")
    if nul >= 0:
        row, column = _place(text[:nul].encode("utf-8", "surrogatepass"))
        raise DecodeError("source code cannot contain null bytes", row, column)
    return text


def encode(text: str, encoding: Encoding) -> bytes:
    """The bytes of an edited file: the encoding and byte order mark that it had."""
    body = text.encode(encoding.name)
    return BOM + body if encoding.has_bom else body


def _cookie(data: bytes, start: int) -> tuple[str | None, int]:
    for row in (1, 2):
        ending = _LINE_END.search(data, start)
        line = data[start : ending.start() if ending else len(data)]
        found = _COOKIE.match(line)
        if found:
            return found[1].decode("ascii", "replace"), row
        if ending is None or not _BLANK.match(line):
            break
        start = ending.end()
    return None, 1


def _place(before: bytes) -> tuple[int, int]:
    lines = before.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return len(lines), len(lines[-1].decode("utf-8", "replace")) + 1
