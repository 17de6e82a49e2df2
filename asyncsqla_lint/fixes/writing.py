"""Writing files so that nobody ever sees half of one, and nobody's change is lost."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile


class WriteError(Exception):
    """A file that was not written; one line."""


def must_be_writable(path: str, before: bytes) -> None:
    """The file's content is still `before`, and may be another; raises WriteError."""
    target = os.path.realpath(path)
    try:
        with open(target, "rb") as file:
            if file.read() != before:
                raise WriteError(f"{path}: changed meanwhile; not fixed")
    except OSError as error:
        raise _failed(path, error) from None
    if not os.access(target, os.W_OK):
        raise WriteError(f"{path}: may not be written; not fixed")


def write(path: str, before: bytes, after: bytes) -> None:
    """Replace the file's content, if it is still `before`. Links are followed; mode and owner stay."""
    must_be_writable(path, before)
    target = os.path.realpath(path)
    try:
        _replace(target, after, os.stat(target), before)
    except OSError as error:
        raise _failed(path, error) from None


def _failed(path: str, error: OSError) -> WriteError:
    return WriteError(f"{path}: cannot be written: {error.strerror}; not fixed")


def _replace(target: str, after: bytes, status: os.stat_result, before: bytes) -> None:
    directory = os.path.dirname(target)
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", suffix=".tmp", dir=directory)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, stat.S_IMODE(status.st_mode))
        if hasattr(os, "chown"):
            # Only root may give a file away; others keep their own.
            with contextlib.suppress(PermissionError):
                os.chown(temporary, status.st_uid, status.st_gid)
        with open(target, "rb") as file:
            if file.read() != before:
                raise WriteError(f"{target}: changed meanwhile; not fixed")
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync(directory)


def _sync(directory: str) -> None:
    """The rename, too, has to outlive a power cut. Not every system lets a directory be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(directory or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
