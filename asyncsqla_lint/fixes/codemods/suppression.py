"""Comments that silence nothing: their codes are taken out, and with the last code the comment."""

from __future__ import annotations

import re

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, list_of
from asyncsqla_lint.fixes.edits import Changes, Edit

_CODE = re.compile(r"[A-Za-z]+[0-9]+|[a-z0-9]+(?:-[a-z0-9]+)+")


class RemoveSuppression(Codemod):
    """Remove `codes` from a suppression comment; the whole of it when none is named, or none is left."""

    name = "remove_suppression"

    def changes(self, file: File, repair: Repair) -> Changes:
        start, end = file.place(repair)
        text = file.text[start:end]
        idle = {code.upper() for code in list_of(repair, "codes")}
        head, mark, listed = _parts(text)
        codes = _CODE.findall(listed)
        kept = [code for code in codes if code.upper() not in idle]
        if idle and kept and mark:
            closing = "]" if mark.endswith("[") else ""
            return Changes.of([Edit(start, end, f"{head}{mark}{', '.join(kept)}{closing}")])
        return Changes.of([_whole(file, start, end)])


def _parts(text: str) -> tuple[str, str, str]:
    """What comes before the codes, the sign that introduces them, the codes."""
    found = re.match(r"(#\s*(?:asyncsqla-lint\s*:\s*ignore(?:-file)?))(\s*\[)([^\]]*)\]", text, re.IGNORECASE)
    if found is None:
        found = re.match(
            r"(#\s*(?:(?:flake8|ruff|asyncsqla-lint)\s*[:=]\s*)?noqa)(\s*:\s*)(.*)", text, re.IGNORECASE
        )
    return (found[1], found[2], found[3]) if found else (text, "", "")


def _whole(file: File, start: int, end: int) -> Edit:
    """The comment away: with its line, when nothing else stands there."""
    line, stop = file.line_start(start), file.line_end(end)
    before, after = file.text[line:start], file.text[end:stop]
    rest = after.strip()
    if rest.startswith("#"):
        return Edit(start, end + len(after) - len(after.lstrip()), "")  # another comment follows
    if rest:
        # Words after the codes explain the suppression: they go with it.
        end = stop
    if before.strip():
        return Edit(start - (len(before) - len(before.rstrip())), stop if not rest else end, "")
    following = stop + (2 if file.text[stop : stop + 2] == "\r\n" else 1 if stop < len(file.text) else 0)
    return Edit(line, following, "")
