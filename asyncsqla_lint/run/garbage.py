"""The collector of cycles: what a run makes dies young or lives to its end, and little of it is a cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OFTEN = (20_000, 20, 20)  # a few collections instead of a thousand, and hardly more memory


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for cycles less often; who has turned that off, or down, has it as it was."""
    before = gc.get_threshold()
    if 0 < before[0] < _OFTEN[0]:
        gc.set_threshold(*_OFTEN)
    try:
        yield
    finally:
        gc.set_threshold(*before)
