"""The store: one SQLite file that remembers what runs have found out, under digests of what it came from.

Whatever is wrong with it costs time and nothing else: what cannot be read is not known, what cannot be
written is forgotten, and the run says once what happened. An entry carries its own checksum, so that a
damaged one is never believed; entries are data (msgpack), so that a planted one can run nothing.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import TypeVar
from urllib.parse import quote

DIRECTORY = ".asyncsqla_lint_cache"
TAG = "CACHEDIR.TAG"
_TAG_TEXT = """Signature: 8a477f597d28d172789f06886806bc55
# This directory is a cache of asyncsqla-lint, which makes it anew when it is missing.
# For information about cache directory tags, see https://bford.info/cachedir/
"""
_FILE = "store.sqlite3"
SCHEMA = 1
LIMIT = 512 << 20  # bytes of entries
_DAY = 86_400  # how exact "least recently used" is: a run that only reads must not write
_PATIENCE = 3.0  # seconds for another process's writing to end
_SUM = 8
_TRIFLES = ("edits", "files", "views")  # not worth a word where they cannot be written
_AT_ONCE = 500  # variables in one statement

Answer = TypeVar("Answer")
Key = tuple[str, str]  # what kind of entry, and its digest


class Unusable(Exception):
    """Why there is no store, in one line."""


class Store:
    def __init__(self, directory: str, *, limit: int = LIMIT, patience: float = _PATIENCE) -> None:
        self.directory = _safe(os.path.abspath(directory))
        self.notes: list[str] = []
        self._limit = limit
        self._patience = patience
        self._file = os.path.join(self.directory, _FILE)
        self._connection: sqlite3.Connection | None = None
        self._is_off = False
        self._is_read_only = False
        self._pending: dict[Key, bytes] = {}
        self._used: set[Key] = set()
        self._damaged: set[Key] = set()

    # --- reading ---------------------------------------------------------------------------------

    def get(self, kind: str, key: str) -> bytes | None:
        return self.get_many(kind, (key,)).get(key)

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """What is known of these keys."""
        wanted = list(dict.fromkeys(keys))
        found = {key: self._pending[kind, key] for key in wanted if (kind, key) in self._pending}
        missing = [key for key in wanted if key not in found]
        if missing:
            found.update(self._guarded(lambda connection: self._read(connection, kind, missing)) or {})
        return found

    def _read(self, connection: sqlite3.Connection, kind: str, keys: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        stale = int(time.time()) - _DAY
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = connection.execute(
                f"SELECT key, used, value FROM entries WHERE kind = ? AND key IN ({marks})", (kind, *some)
            )
            for key, used, value in rows:
                if not isinstance(value, bytes) or value[:_SUM] != _checksum(kind, key, value[_SUM:]):
                    self._damaged.add((kind, key))
                    continue
                found[key] = value[_SUM:]
                if used < stale:
                    self._used.add((kind, key))
        return found

    # --- writing ---------------------------------------------------------------------------------

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Remember; nothing is written before `save`."""
        if not self._is_off:
            self._pending[kind, key] = value

    def save(self) -> None:
        """Write what is new, in one go, and make room."""
        if self._damaged:
            self._say("some entries were damaged, and are made anew")
        if self._pending or self._used or self._damaged:
            is_loss = any(kind not in _TRIFLES for kind, _ in self._pending)
            if self._guarded(self._write) is None and self._is_read_only and is_loss:
                self._say("cannot be written, so that nothing new is remembered")
        self._pending.clear()
        self._used.clear()
        self._damaged.clear()
        self.close()

    def _write(self, connection: sqlite3.Connection) -> bool | None:
        if self._is_read_only:
            return None
        now = int(time.time())
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("DELETE FROM entries WHERE kind = ? AND key = ?", sorted(self._damaged))
            connection.executemany(
                "UPDATE entries SET used = ? WHERE kind = ? AND key = ?",
                [(now, *key) for key in sorted(self._used)],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO entries (kind, key, size, used, value) VALUES (?, ?, ?, ?, ?)",
                (
                    (kind, key, len(value), now, _checksum(kind, key, value) + value)
                    for (kind, key), value in sorted(self._pending.items())
                    if len(value) <= self._limit // 4
                ),
            )
            shrunk = self._evict(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if shrunk:
            connection.executescript("PRAGMA incremental_vacuum")  # `execute` would free one page
        return True

    def _evict(self, connection: sqlite3.Connection) -> bool:
        """What was not used for the longest time makes room, down to four fifths of the limit."""
        (pages,), (each_page,) = (
            connection.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size")
        )
        if pages * each_page <= self._limit:
            return False  # without counting
        (size,) = connection.execute("SELECT total(size) FROM entries").fetchone()
        if size <= self._limit:
            return False
        doomed: list[tuple[int]] = []
        for number, each in connection.execute("SELECT rowid, size FROM entries ORDER BY used, kind, key"):
            if size <= self._limit * 0.8:
                break
            size -= each
            doomed.append((number,))
        connection.executemany("DELETE FROM entries WHERE rowid = ?", doomed)
        return True

    # --- the file --------------------------------------------------------------------------------

    def close(self) -> None:
        """Also before the process forks: a connection must not be in two."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _guarded(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        """Whatever SQLite or the file system does, the run goes on."""
        for attempt in (1, 2):
            if self._is_off:
                return None
            try:
                if self._connection is None:
                    self._connection = self._opened()
                return work(self._connection)
            except Unusable as error:
                self._off(str(error))
            except sqlite3.OperationalError as error:
                self._off(_described(error))
            except (sqlite3.Error, ValueError, TypeError):  # also what Python makes of SQLite's answers
                if attempt == 2 or not self._removed():
                    self._off("damaged, so that this run goes without")
                else:
                    self._say("damaged, and made anew")
            except OSError as error:
                self._off(f"not used: {(error.strerror or str(error)).lower()}")
        return None

    def _opened(self) -> sqlite3.Connection:
        self._prepare()
        is_new = not os.path.exists(self._file)
        self._is_read_only = not os.access(self._file if not is_new else self.directory, os.W_OK)
        if is_new and self._is_read_only:
            raise Unusable("cannot be written, so that this run goes without")
        connection = self._connected()
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, SCHEMA):
                connection.close()
                if self._is_read_only or not self._removed():
                    raise Unusable("of another version, so that this run goes without")
                self._say("of another version, and made anew")
                connection = self._connected()
                version = 0
            if version == 0 and not self._is_read_only:
                _create(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connected(self) -> sqlite3.Connection:
        mode = "ro" if self._is_read_only else "rwc"
        connection = sqlite3.connect(
            f"file:{quote(self._file)}?mode={mode}",
            uri=True,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,  # used by one thread at a time
        )
        # A power cut may damage the file: then it is made anew.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -65536")
        return connection

    def _prepare(self) -> None:
        """The directory, marked as a cache for backup programs and as nothing for git."""
        try:
            os.makedirs(self.directory)
        except FileExistsError:
            pass
        except OSError as error:
            raise Unusable(f"cannot be made: {(error.strerror or str(error)).lower()}") from None
        for path in (self.directory, self._file):
            if hasattr(os, "geteuid") and os.path.exists(path) and os.stat(path).st_uid != os.geteuid():
                raise Unusable("belongs to another user, so that this run goes without")
        for name, text in ((".gitignore", "*\n"), (TAG, _TAG_TEXT)):
            path = os.path.join(self.directory, name)
            if not os.path.exists(path) and os.access(self.directory, os.W_OK):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)

    def _removed(self) -> bool:
        self.close()
        try:
            for ending in ("", "-journal"):
                if os.path.exists(self._file + ending):
                    os.unlink(self._file + ending)
        except OSError:
            return False
        return True

    def _off(self, why: str) -> None:
        self._is_off = True
        self._pending.clear()
        self._say(why)
        self.close()

    def _say(self, what: str) -> None:
        note = f"cache {self.directory}: {what}"
        if note not in self.notes:
            self.notes.append(note)


def caches_below(directories: Iterable[str]) -> Iterator[str]:
    """The caches that stand in these directories."""
    for directory in directories:
        if os.path.isdir(os.path.join(directory, DIRECTORY)):
            yield os.path.join(directory, DIRECTORY)


def _safe(directory: str) -> str:
    """The cache's own directory: never one that holds something else, which `clean` would then remove."""
    try:
        names = os.listdir(directory)
    except OSError:
        return directory
    others = [name for name in names if name not in (".gitignore", TAG) and not name.startswith(_FILE)]
    is_ours = TAG in names or not others or os.path.basename(directory) == DIRECTORY
    return directory if is_ours else os.path.join(directory, DIRECTORY)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    # Values last: what stands before them is read without reading through them.
    connection.execute(
        "CREATE TABLE IF NOT EXISTS entries (kind TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL,"
        " used INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key))"
    )
    connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _checksum(kind: str, key: str, value: bytes) -> bytes:
    return blake2b(value, digest_size=_SUM, key=f"{kind} {key}".encode()[:64]).digest()


def _described(error: sqlite3.OperationalError) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return "busy with another run, so that this one goes without"
    if "full" in text:
        return "its disk is full, so that nothing new is remembered"
    if "readonly" in text:
        return "cannot be written, so that nothing new is remembered"
    return f"not used: {text}"
