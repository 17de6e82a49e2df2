"""Does the FastAPI that a project runs on end a request's dependencies before its response is sent?

From 0.106 to 0.117 it did: what runs behind the response (a background task, the body of a stream) finds the
session of a dependency closed. Before and after, such a session lives until all of that is done.
"""

from __future__ import annotations

import re

from asyncsqla_lint.workspace.requirements import Dependencies, admitted, upwards

_FIRST, _PAST = (0, 106), (0, 118)
_LOCKED = re.compile(
    r"""^name = (["'])fastapi\1\s*^version = (["'])(?P<version>[^"']+)\2"""
    r"""|"fastapi": \{[^}]*"version": "==(?P<piped>[^"]+)\"""",
    re.MULTILINE,
)
# A line of requirements, an item of a list, or a key of poetry's table.
_ASKED = re.compile(
    r"""^\s*["']?fastapi(?![\w.-])["']?\s*(?:\[[^\]]*\])?"""
    r"""\s*(?:=\s*(?:\{[^}\n]*?version\s*=\s*)?["'])?(?P<clauses>[^;#"'\n]*)""",
    re.MULTILINE | re.IGNORECASE,
)


class FastAPIResolver:
    """For each directory, by the nearest evidence at or above it, not above `root`."""

    def __init__(self, root: str, dependencies: Dependencies) -> None:
        self._root = root
        self._dependencies = dependencies
        self._known: dict[str, bool] = {}

    def __call__(self, directory: str) -> bool:
        if directory not in self._known:
            found = map(self._evidence_in, upwards(directory, self._root))
            self._known[directory] = next((one for one in found if one is not None), False)
        return self._known[directory]

    def _evidence_in(self, directory: str) -> bool | None:
        dependencies = self._dependencies
        for name in dependencies.locks(directory):
            locked = _LOCKED.search(dependencies.read(directory, name))
            if locked is not None:
                return _FIRST <= _version(locked["version"] or locked["piped"]) < _PAST
        for name in dependencies.files(directory):
            asked = _ASKED.search(dependencies.read(directory, name))
            if asked is not None:
                low, high = admitted(asked["clauses"])
                return low >= _FIRST and high <= _PAST
        return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])
