"""LibCST checks each node that is made, also those of its own parser, which are right: a fifth of its time.

("It might make more sense to move validation work into the visitor, which would allow us to avoid validating
the tree when parsing a file", says its base class.)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import libcst as cst

_validated = cst.CSTNode.__post_init__
_lock = threading.Lock()
_parsing = 0  # threads that do


def _unvalidated(node: cst.CSTNode) -> None:
    pass


@contextmanager
def unvalidated() -> Iterator[None]:
    """Nodes are taken as they are, until the last who parses has done so."""
    global _parsing
    with _lock:
        _parsing += 1
        cst.CSTNode.__post_init__ = _unvalidated  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        with _lock:
            _parsing -= 1
            if not _parsing:
                cst.CSTNode.__post_init__ = _validated  # type: ignore[method-assign]
