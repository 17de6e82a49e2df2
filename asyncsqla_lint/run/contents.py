"""What stands in the files of a run. A file that has not changed since a run before is not even opened."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping

from msgspec import Struct

from asyncsqla_lint.run.keys import content_hash

# What an editor or standard input holds of a file that is not saved: absolute path → bytes.
Overlay = Mapping[str, bytes]
# A file changed this short a time ago may change again without its times showing it: clocks of file systems
# are coarse. It is read again next time.
_RACY = 2_000_000_000  # nanoseconds


class Seen(Struct, frozen=True, array_like=True, gc=False):
    """A file as it was when it was read."""

    size: int
    modified: int
    changed: int  # an editor can set `modified` back, but not this
    inode: int
    hash: str

    def is_of(self, stat: os.stat_result) -> bool:
        return (
            self.size == stat.st_size
            and self.modified == stat.st_mtime_ns
            and self.changed == stat.st_ctime_ns
            and self.inode == stat.st_ino
        )


class Contents(Mapping[str, bytes]):
    """The bytes of each file that was seen, by absolute path. `is_steady` until one turns out to have
    changed while the run went on: what is found then must not be remembered.
    """

    def __init__(self, overlay: Overlay, known: Mapping[str, Seen]) -> None:
        self.is_steady = True
        self.hashes: dict[str, str] = {}
        self._overlay = overlay
        self._known = known
        self._data: dict[str, bytes] = {}
        self._to_remember: dict[str, Seen] = {}
        self._now = time.time_ns()

    def see(self, path: str) -> None:
        """Learn what the file is; raises OSError."""
        if path in self._overlay:
            self._data[path] = self._overlay[path]
            self.hashes[path] = content_hash(self._overlay[path])
            return
        known = self._known.get(path)
        if known is not None and known.is_of(os.stat(path)):
            self.hashes[path] = known.hash
            self._to_remember[path] = known
            return
        with open(path, "rb", buffering=0) as file:
            stat = os.fstat(file.fileno())
            data = self._data[path] = file.read()
        self.hashes[path] = content_hash(data)
        if max(stat.st_mtime_ns, stat.st_ctime_ns) < self._now - _RACY and stat.st_size == len(data):
            self._to_remember[path] = Seen(
                stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, self.hashes[path]
            )

    @property
    def is_stored(self) -> bool:
        """Is it what the disk holds? Else nothing of it outlives this process."""
        return self.is_steady and not self._overlay

    @property
    def to_remember(self) -> Mapping[str, Seen]:
        return self._to_remember

    def __getitem__(self, path: str) -> bytes:
        if path not in self._data:
            known = self.hashes[path]
            try:
                with open(path, "rb", buffering=0) as file:
                    self._data[path] = file.read()
            except OSError:  # it was there a moment ago
                self._data[path] = b""
            self.is_steady = self.is_steady and content_hash(self._data[path]) == known
        return self._data[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.hashes)

    def __len__(self) -> int:
        return len(self.hashes)

    def __contains__(self, path: object) -> bool:
        return path in self.hashes
