"""What a run may know from runs before: in memory, and in a store where there is one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Struct

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.run.contents import Seen
from asyncsqla_lint.run.keys import digest, tool, utf8
from asyncsqla_lint.run.store import DIRECTORY, Store
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.relevance import ImportedName

if TYPE_CHECKING:
    from asyncsqla_lint.program import Program

Data = TypeVar("Data")


class Glance(Struct, frozen=True, array_like=True):
    """What a file's bytes say without being parsed."""

    is_seed: bool
    names_driver: bool
    names_async_api: bool
    has_coroutine: bool
    imports: tuple[ImportedName, ...]


class Answer(Struct, frozen=True, array_like=True):
    """All that a run over unchanged files would find out again."""

    findings: tuple[Finding, ...]  # with paths as keys
    uses_sqlalchemy: bool
    relevant: int
    parsed: int
    lines: int
    counters: dict[str, int]


class Cache:
    """Typed access; whatever cannot be read is not known. One may serve several runs, one after the other."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store
        self._last: dict[str, Program] = {}
        self._now: dict[str, Program] = {}

    def turn(self) -> None:
        """A run begins: in memory, what the one before did not ask for is let go."""
        if self._now:
            self._last, self._now = self._now, {}

    def save(self) -> tuple[str, ...]:
        """Write what is new; what there is to say of it."""
        if self.store is None:
            return ()
        self.store.save()
        return tuple(self.store.notes)

    def close(self) -> None:
        """Let go of the store's file until it is needed again."""
        if self.store is not None:
            self.store.close()

    # --- Programs --------------------------------------------------------------------------------

    def programs(self, hashes: Iterable[str]) -> dict[str, Program]:
        """The Programs of these contents, so far as they are known."""
        wanted = list(hashes)
        for each in wanted:
            if each not in self._now and each in self._last:
                self._now[each] = self._last[each]
        missing = {_key(each): each for each in wanted if each not in self._now}
        if self.store is not None and missing:
            for key, data in self.store.get_many("program", missing).items():
                program = _decoded(data, _programs())
                if program is not None:
                    self._now[missing[key]] = program
        return {each: self._now[each] for each in wanted if each in self._now}

    def remember_program(self, content: str, program: Program | bytes, *, lasting: bool) -> Program:
        """`lasting`: it was read from a file, not from what is being typed."""
        if lasting and isinstance(program, bytes) and self.store is not None:
            self.store.put("program", _key(content), program)
        elif lasting:
            self._put("program", content, program)
        made = _programs().decode(program) if isinstance(program, bytes) else program
        self._now[content] = made
        return made

    # --- whole runs ------------------------------------------------------------------------------

    def answer(self, key: str) -> Answer | None:
        return self._get("answer", key, _ANSWER)

    def remember_answer(self, key: str, answer: Answer) -> None:
        self._put("answer", key, answer)

    # --- files -----------------------------------------------------------------------------------

    def files(self, root: str) -> dict[str, Seen]:
        """The files below a root as a run before has seen them, by absolute path."""
        return self._get("files", utf8(root), _FILES) or {}

    def remember_files(self, root: str, seen: Mapping[str, Seen]) -> None:
        self._put("files", utf8(root), {path: one for path, one in seen.items() if path == utf8(path)})

    def glances(self, root: str) -> dict[str, Glance]:
        """What the files below a root have said of themselves, by the hash of their contents."""
        return self._get("glances", utf8(root), _GLANCES) or {}

    def remember_glances(self, root: str, glances: Mapping[str, Glance]) -> None:
        self._put("glances", utf8(root), glances)

    def _get(self, kind: str, name: str, decoder: msgspec.msgpack.Decoder[Data]) -> Data | None:
        if self.store is None:
            return None
        data = self.store.get(kind, _key(name))
        return None if data is None else _decoded(data, decoder)

    def _put(self, kind: str, name: str, value: object) -> None:
        if self.store is None:
            return
        # A path or a literal with half a character is found out again each time.
        with suppress(UnicodeEncodeError):
            self.store.put(kind, _key(name), _encode(value))


def stored(config: Config, directory: str | None = None) -> Cache:
    """The cache that lasts: where it is said to be, else in the project's root."""
    named = directory or os.environ.get("ASYNCSQLA_LINT_CACHE_DIR") or config.cache_dir or DIRECTORY
    return Cache(Store(os.path.join(config.root, named)))


_encode = msgspec.msgpack.Encoder().encode
_ANSWER = msgspec.msgpack.Decoder(Answer)
_FILES = msgspec.msgpack.Decoder(dict[str, Seen])
_GLANCES = msgspec.msgpack.Decoder(dict[str, Glance])


@cache
def _programs() -> msgspec.msgpack.Decoder[Program]:
    """Made when the first one is read: a run with nothing changed reads none."""
    from asyncsqla_lint.program import Program

    return msgspec.msgpack.Decoder(Program)


def _key(name: str) -> str:
    return digest(tool(), name)


def _decoded(data: bytes, decoder: msgspec.msgpack.Decoder[Data]) -> Data | None:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
