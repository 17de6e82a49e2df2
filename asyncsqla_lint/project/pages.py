"""The template files that stand beside the project's modules, found by the end of their path.

They are read when somebody asks for one: a project that renders none pays for none. What a name leads to is
kept as a digest with what was found by it (`Pages.state`), so that a page that is edited, added or taken away
concerns those who have asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from hashlib import blake2b
from posixpath import normpath
from typing import Any

from msgspec import Struct

ASKED = "/"  # before a question for a page among what was asked of the index: no class is called so
_NEAR = "\n"
_LARGEST = 1_000_000  # characters: what is longer is no template


class Page(Struct, frozen=True):
    key: str  # its path
    text: str


def question(name: str, near: str) -> str:
    """For a page by its name, as the module at the path `near` knows it."""
    return f"{name}{_NEAR}{near}"


def _shared(one: str, other: str) -> int:
    """How many directories two paths have in common, from the top."""
    count = 0
    for ours, theirs in zip(one.split("/"), other.split("/"), strict=False):
        if ours != theirs:
            break
        count += 1
    return count


class Pages:
    def __init__(self, keys: Iterable[str] = (), read: Callable[[str], str] = lambda key: "") -> None:
        self._keys = tuple(keys)
        self._read = read
        self._texts: dict[str, str] = {}

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key in self._keys:
            found.setdefault(key.rpartition("/")[2], []).append(key)
        return found

    def find(self, question: str) -> Page | None:
        """The page at the end of whose path the name stands; of several, the nearest to who asks."""
        name, _, near = question.partition(_NEAR)
        wanted = normpath(name).lstrip("/")
        found = [
            key
            for key in self._by_name.get(wanted.rpartition("/")[2], ())
            if key == wanted or key.endswith(f"/{wanted}")
        ]
        nearest = max((_shared(key, near) for key in found), default=0)
        found = sorted((key for key in found if _shared(key, near) == nearest), key=len)
        # `index.html` also stands at the end of `admin/index.html`, beside it.
        folder = found[0].removesuffix(wanted) if found else ""
        if not all(key.startswith(folder) for key in found):
            return None
        return Page(found[0], self._text(found[0])) if found else None

    def state(self, question: str) -> str:
        """What it leads to now, as a digest."""
        page = self.find(question)
        if page is None:
            return ""
        return blake2b(f"{page.key}\0{page.text}".encode("utf-8", "replace"), digest_size=16).hexdigest()

    def are(self, states: Mapping[str, str]) -> bool:
        """Do the questions lead to what they led to?"""
        return all(self.state(question) == state for question, state in states.items())

    def _text(self, key: str) -> str:
        if key not in self._texts:
            text = self._read(key)
            self._texts[key] = text if len(text) <= _LARGEST else ""
        return self._texts[key]

    def __getstate__(self) -> dict[str, Any]:
        """Elsewhere there is no file to be read."""
        return {"_keys": self._keys, "_texts": {key: self._text(key) for key in self._keys}, "_read": str}
