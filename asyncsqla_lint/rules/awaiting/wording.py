"""Words that the rules of awaiting share."""

from __future__ import annotations


def called(owner: str, method: str) -> str:
    """How a method is named in a message: with its class, as SQLAlchemy's documentation does."""
    if not owner:
        return f"`{method}()`"
    return f"`{owner}.{method}`" if owner == "awaitable_attrs" else f"`{owner}.{method}()`"


def article(noun: str) -> str:
    return "an" if noun[:1].lower() in "aeiou" else "a"
