"""What a run may know from runs before: in memory, and in a store where there is one."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from asyncsqla_lint.findings import FileEdit, Finding
from asyncsqla_lint.run.arrangement import Arrangement
from asyncsqla_lint.run.contents import Seen
from asyncsqla_lint.run.keys import digest, tool, utf8
from asyncsqla_lint.run.store import DIRECTORY, Store
from asyncsqla_lint.workspace.config import Config

if TYPE_CHECKING:
    from asyncsqla_lint.program import Program
    from asyncsqla_lint.project.facts import Facts

Data = TypeVar("Data")
Read = TypeVar("Read", covariant=True)
_OF_ALL = " of all"


class Answer(Struct, frozen=True, array_like=True):
    """All that a run over unchanged files would find out again."""

    findings: tuple[Finding, ...]  # with paths as keys
    uses_sqlalchemy: bool
    relevant: int
    parsed: int
    lines: int
    counters: dict[str, int]
    pages: dict[str, str] = {}  # its questions for templates, and what each led to


class Stood(Struct, frozen=True, array_like=True):
    """What stood in a file, or in some of its functions, when it was consulted."""

    path: str
    content: str  # the hash of all
    functions: bytes | None  # which (see `project.bodies`); None: all that stands there
    said: bytes  # what they said


class Result(Struct, frozen=True, array_like=True):
    """What the analysis of one module says, as long as the texts that it consulted are what they were."""

    findings: tuple[Finding, ...]
    counters: dict[str, int]
    consulted: tuple[Stood, ...]
    asked: tuple[str, ...]  # the classes whose subclasses it depends on
    pages: dict[str, str] = {}  # as in an Answer


class Viewed(Struct, frozen=True, array_like=True):
    """One of its modules."""

    content: str  # the hash of its text
    outline: str
    called: tuple[str, bool, str]  # its name, whether it is a package, its root
    view: str


class Views(Struct, frozen=True, array_like=True):
    """What a project has shown its modules when it was last run over. A module whose result still holds
    though something has changed elsewhere keeps the view under which the result stands.
    """

    words: str  # a digest of what is asked of all
    whole: str  # … and of all modules' names and outlines
    modules: dict[str, Viewed]  # by path


class _Decoder(Protocol[Read]):
    def decode(self, data: bytes, /) -> Read: ...


class _Recent(Generic[Data]):
    """What this run and the one before have asked for."""

    def __init__(self) -> None:
        self.now: dict[str, Data] = {}
        self._last: dict[str, Data] = {}
        self.bundled: Collection[str] = ()  # what the bundle holds, if it was opened

    def get(self, name: str) -> Data | None:
        if name not in self.now and name in self._last:
            self.now[name] = self._last[name]
        return self.now.get(name)

    def turn(self) -> None:
        if self.now:
            self._last, self.now = self.now, {}


class Cache:
    """Typed access; whatever cannot be read is not known. One may serve several runs, one after the other."""

    few = 50  # entries: so many are read one by one

    def __init__(self, store: Store | None = None) -> None:
        self.store = store
        self._programs: _Recent[Program] = _Recent()
        # … as data, until somebody looks into them: 100,000 lines take 80 MB as Programs, 7 MB so.
        self._packed: _Recent[bytes] = _Recent()
        self._facts: _Recent[Facts] = _Recent()
        self._results: _Recent[Result] = _Recent()
        self._words: _Recent[str] = _Recent()
        self._views: dict[str, Views] = {}
        self._arrangements: dict[str, Arrangement] = {}
        # What stood in files that are being typed or mended when their Programs were made, by absolute path.
        self.drafts: dict[str, bytes] = {}

    def turn(self) -> None:
        """A run begins: in memory, what the one before did not ask for is let go."""
        for recent in (self._programs, self._packed, self._facts, self._results, self._words):
            recent.turn()

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

    # --- texts -----------------------------------------------------------------------------------

    def facts(self, hashes: Iterable[str], root: str) -> dict[str, Facts]:
        """What is known of these contents, which stand below a root."""
        decoders = _decoders()
        return self._get_many("facts", hashes, self._facts, decoders.facts, (root, decoders.all_facts))

    def program(self, content: str) -> Program | None:
        return self.programs((content,)).get(content)

    def programs(self, hashes: Iterable[str]) -> dict[str, Program]:
        decoder = _decoders().program
        wanted = list(hashes)
        for content in wanted:
            if self._programs.get(content) is None and (packed := self._packed.get(content)) is not None:
                program = _decoded(packed, decoder)
                if program is not None:
                    self._programs.now[content] = program
        return self._get_many("program", wanted, self._programs, decoder)

    def hold(self, hashes: Iterable[str]) -> None:
        """Have these Programs at hand, as data: whoever is forked decodes those that it looks into."""
        if self.store is None:
            return
        known = (self._programs, self._packed)
        missing = {_key(one): one for one in hashes if all(recent.get(one) is None for recent in known)}
        for key, data in self.store.get_many("program", missing).items():
            self._packed.now[missing[key]] = data

    def words(self, hashes: Iterable[str]) -> dict[str, str]:
        """The words of these contents, each between blanks."""
        return self._get_many("words", hashes, self._words, _WORDS)

    def remember_text(
        self, content: str, program: Program | bytes, facts: Facts, words: str, *, lasting: bool
    ) -> None:
        """`lasting`: it was read from a file, not from what is being typed."""
        if lasting:
            self._put("facts", content, facts)
            self._put("program", content, program)
            self._put("words", content, words)
        self._words.now[content] = words
        if isinstance(program, bytes):
            self._packed.now[content] = program
        else:
            self._programs.now[content] = program
        self._facts.now[content] = facts

    # --- modules ---------------------------------------------------------------------------------

    def results(self, keys: Iterable[str], root: str) -> dict[str, Result]:
        decoders = _decoders()
        return self._get_many("result", keys, self._results, decoders.result, (root, decoders.all_results))

    def remember_result(self, key: str, result: Result, *, lasting: bool) -> None:
        self._results.now[key] = result
        if lasting:
            self._put("result", key, result)

    def views(self, key: str) -> Views | None:
        return self._views.get(key) or self._get("views", key, _VIEWS)

    def remember_views(self, key: str, views: Views, *, lasting: bool) -> None:
        self._views[key] = views
        if lasting:
            self._put("views", key, views)

    def bundle(self, root: str) -> None:
        """Keep together what a run over all modules below a root has asked for of each: the next one reads
        it in one piece.
        """
        for kind, recent in (("facts", self._facts), ("result", self._results)):
            if len(recent.now) > self.few and recent.now.keys() != set(recent.bundled):
                self._put(kind + _OF_ALL, utf8(root), recent.now)

    # --- whole runs ------------------------------------------------------------------------------

    def answer(self, key: str) -> Answer | None:
        return self._get("answer", key, _ANSWER)

    def remember_answer(self, key: str, answer: Answer) -> None:
        self._put("answer", key, answer)

    # --- fixes -----------------------------------------------------------------------------------

    def edits(self, key: str) -> list[FileEdit] | None:
        return self._get("edits", key, _EDITS)

    def remember_edits(self, key: str, edits: list[FileEdit]) -> None:
        self._put("edits", key, edits)

    # --- files -----------------------------------------------------------------------------------

    def files(self, root: str) -> dict[str, Seen]:
        """The files below a root as a run before has seen them, by absolute path."""
        return self._get("files", utf8(root), _FILES) or {}

    def remember_files(self, root: str, seen: Mapping[str, Seen]) -> None:
        self._put("files", utf8(root), {path: one for path, one in seen.items() if path == utf8(path)})

    def glances(self, root: str) -> dict[str, Raw]:
        """What the files below a root have said of themselves, by the hash of their contents."""
        return self._get("glances", utf8(root), _GLANCES) or {}

    def remember_glances(self, root: str, glances: Mapping[str, Raw]) -> None:
        self._put("glances", utf8(root), glances)

    def arrangement(self, root: str) -> Arrangement | None:
        """Of the files below a root."""
        return self._arrangements.get(root) or self._get("arrangement", utf8(root), _ARRANGEMENT)

    def remember_arrangement(self, root: str, made: Arrangement, *, lasting: bool) -> None:
        self._arrangements[root] = made
        if lasting:
            self._put("arrangement", utf8(root), made)

    def _get(self, kind: str, name: str, decoder: _Decoder[Data]) -> Data | None:
        if self.store is None:
            return None
        data = self.store.get(kind, _key(name))
        return None if data is None else _decoded(data, decoder)

    def _get_many(
        self,
        kind: str,
        names: Iterable[str],
        recent: _Recent[Data],
        decoder: _Decoder[Data],
        bundle: tuple[str, _Decoder[dict[str, Data]]] | None = None,
    ) -> dict[str, Data]:
        wanted = list(names)
        found = {name: value for name in wanted if (value := recent.get(name)) is not None}
        if bundle is not None and len(wanted) - len(found) > self.few:
            together = self._get(kind + _OF_ALL, utf8(bundle[0]), bundle[1]) or {}
            recent.bundled = together.keys()
            for name in wanted:
                if name not in found and name in together:
                    found[name] = recent.now[name] = together[name]
        missing = {_key(name): name for name in wanted if name not in found}
        if self.store is not None and missing:
            for key, data in self.store.get_many(kind, missing).items():
                value = _decoded(data, decoder)
                if value is not None:
                    found[missing[key]] = recent.now[missing[key]] = value
        return found

    def _put(self, kind: str, name: str, value: object) -> None:
        if self.store is None:
            return
        # A path or a literal with half a character is found out again each time.
        with suppress(UnicodeEncodeError):
            data = value if isinstance(value, bytes) else _encode(value)
            self.store.put(kind, _key(name), data)


def stored(config: Config, directory: str | None = None) -> Cache:
    """The cache that lasts: where it is said to be, else in the project's root."""
    named = directory or os.environ.get("ASYNCSQLA_LINT_CACHE_DIR") or config.cache_dir or DIRECTORY
    return Cache(Store(os.path.join(config.root, named)))


_encode = msgspec.msgpack.Encoder().encode
_ANSWER = msgspec.msgpack.Decoder(Answer)
_EDITS = msgspec.msgpack.Decoder(list[FileEdit])
_FILES = msgspec.msgpack.Decoder(dict[str, Seen])
_WORDS = msgspec.msgpack.Decoder(str)
_VIEWS = msgspec.msgpack.Decoder(Views)
_ARRANGEMENT = msgspec.msgpack.Decoder(Arrangement)
_GLANCES = msgspec.msgpack.Decoder(dict[str, Raw])


class _Programs:
    def decode(self, data: bytes) -> Program:
        from asyncsqla_lint.program import unpacked

        return unpacked(data)


class _Decoders:
    def __init__(self) -> None:
        from asyncsqla_lint.project.facts import Facts

        self.program = _Programs()
        self.facts = msgspec.msgpack.Decoder(Facts)
        self.all_facts = msgspec.msgpack.Decoder(dict[str, Facts])
        self.result = msgspec.msgpack.Decoder(Result)
        self.all_results = msgspec.msgpack.Decoder(dict[str, Result])


@cache
def _decoders() -> _Decoders:
    """Made when the first one is read: a run with nothing changed reads none."""
    return _Decoders()


def _key(name: str) -> str:
    return digest(tool(), name)


def _decoded(data: bytes, decoder: _Decoder[Data]) -> Data | None:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
