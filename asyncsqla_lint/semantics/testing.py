"""Test code: what pytest collects lives by other rules, and ends with its test."""

from __future__ import annotations

from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External

FIXTURES = frozenset(("pytest.fixture", "pytest_asyncio.fixture", "pytest.yield_fixture"))


def is_test(function: FunctionInfo) -> bool:
    """Would pytest run it, as a test or as a fixture?"""
    decorators = (symbol for symbol in function.decorators if isinstance(symbol, External))
    return function.name.startswith("test_") or any(symbol.name in FIXTURES for symbol in decorators)


def in_test(frame: Frame | None) -> bool:
    """Does a test or fixture run this?"""
    while frame is not None:
        if frame.function is not None and is_test(frame.function):
            return True
        frame = frame.caller
    return False
