"""Names for what can be remembered: a digest of everything that the answer depends on."""

from __future__ import annotations

import os
import sys
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec

import msgspec

from asyncsqla_lint.about import VERSION
from asyncsqla_lint.workspace.discovery import shown


def content_hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def digest(*parts: object) -> str:
    return content_hash(msgspec.msgpack.encode(parts, order="deterministic"))


def key_of(path: str, root: str) -> str:
    """A path as every machine that holds the project knows it: what fingerprints and a cache may contain."""
    if path == root:
        return "."
    key = shown(path, root)
    return key if os.sep == "/" else key.replace(os.sep, "/")


def path_of(key: str, root: str) -> str:
    """The absolute path behind a key."""
    return root if key == "." else os.path.join(root, key.replace("/", os.sep))


def utf8(path: str) -> str:
    """A path that can be written: one whose bytes are no UTF-8 has its odd ones spelled out."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@cache
def tool() -> str:
    """What answers: this release (in a checkout: its very text), LibCST's, and Python's."""
    return digest(VERSION, _own_text(), _libcst(), sys.version_info[:2])


def _own_text() -> str:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if {"site-packages", "dist-packages"} & set(package.split(os.sep)):
        return ""
    seen = blake2b(digest_size=16)
    for folder, children, names in os.walk(package):
        children.sort()
        for name in sorted(names):
            if name.endswith((".py", ".json", ".msgpack")):
                with open(os.path.join(folder, name), "rb") as file:
                    seen.update(name.encode() + b"\0" + file.read())
    return seen.hexdigest()


def _libcst() -> str:
    """LibCST's release, by the folder that its installer left: importing it would cost more than the run."""
    spec = find_spec("libcst")
    if spec is None or spec.origin is None:
        return ""
    beside = os.path.dirname(os.path.dirname(spec.origin))
    return ",".join(sorted(name for name in os.listdir(beside) if name.startswith("libcst-")))
