"""What a floor above works out about a thing of the project, once, and keeps with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def kept(owner: object, name: str, make: Callable[[], T]) -> T:
    known = owner.__dict__
    if name not in known:
        known[name] = make()
    found: T = known[name]
    return found
