"""Bytes become the text that Python itself would read, or one clear error."""

from __future__ import annotations

import io
import tokenize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncsqla_lint.workspace.decoding import DecodeError, decode, encode, encoding_of

COOKIES = st.sampled_from(
    [
        "utf-8",
        "latin-1",
        "iso-8859-15",
        "cp1252",
        "UTF8",
        "utf_8",
        "ascii",
        "koi8-r",
        "no-such-codec",
        "shift_jis",
    ]
)
FIRST = st.sampled_from(["", "#!/usr/bin/env python", "x = 1", "\f# a form feed", '"""doc', "  # indented"])
COMMENTS = st.sampled_from(
    [
        "# -*- coding: {} -*-",
        "# vim: set fileencoding={} :",
        "#coding={}",
        "# encoding: {}",
        "x = '# coding: {}'",
    ]
)
ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    end = draw(ENDS)
    lines = [draw(FIRST), draw(COMMENTS).format(draw(COOKIES)), "x = 1", ""]
    if draw(st.booleans()):
        lines.reverse()
    body = end.join(lines).encode("utf-8")
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + body


@given(headers())
@example(b"\xef\xbb\xbf# coding: utf-8\n")
@example(b"\n\n# coding: latin-1\n")
def test_the_declared_encoding_is_the_one_that_tokenize_sees(data: bytes) -> None:
    try:
        expected, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        with pytest.raises(DecodeError):
            encoding_of(data)
        return
    found = encoding_of(data)
    assert found.has_bom == (expected == "utf-8-sig")
    assert data.removeprefix(b"\xef\xbb\xbf").decode(found.name) == data.decode(expected)


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.booleans())
def test_an_edited_file_keeps_its_bytes(text: str, bom: bool) -> None:
    data = (b"\xef\xbb\xbf" if bom else b"") + b"#!\n" + text.encode()
    try:
        encoding = encoding_of(data)
        decoded = decode(data)
    except DecodeError:
        return  # the text happens to declare an encoding that it is not in
    assert encode(decoded, encoding) == data


@given(st.binary())
def test_any_bytes_give_text_or_a_decode_error(data: bytes) -> None:
    try:
        assert isinstance(decode(data), str)
    except DecodeError as error:
        assert error.row >= 1
        assert error.column >= 1
        assert "\n" not in error.message


@pytest.mark.parametrize(
    ("data", "row", "column", "message"),
    [
        (b"x = 1\ny = '\0'\n", 2, 6, "source code cannot contain null bytes"),
        (b"x = '\xff'\n", 1, 6, "not utf-8: invalid start byte"),
        (b"a\r\n\xc3\xa9b = '\xff'\n", 2, 7, "not utf-8: invalid start byte"),
        (b"#!\n# coding: klingon\n", 2, 1, "unknown encoding: klingon"),
        (b"# coding: rot13\n", 1, 1, "cannot be decoded as rot"),
        (b"\xef\xbb\xbf# coding: latin-1\n", 1, 1, "byte order mark but declares latin-1"),
        (b"# coding: ascii\n'\xe9'\n", 2, 2, "not ascii: ordinal not in range(128)"),
    ],
)
def test_what_is_no_text_says_where(data: bytes, row: int, column: int, message: str) -> None:
    with pytest.raises(DecodeError) as raised:
        decode(data)
    assert (raised.value.row, raised.value.column) == (row, column)
    assert message in raised.value.message


def test_line_endings_and_form_feeds_stay() -> None:
    assert decode(b"\xef\xbb\xbfa\r\n\fb\rc\n") == "a\r\n\fb\rc\n"
    assert decode(b"# coding: latin-1\r\n'\xe9'") == "# coding: latin-1\r\n'é'"
