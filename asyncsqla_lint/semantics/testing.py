"""Test code: what pytest collects lives by other rules, and ends with its test."""

from __future__ import annotations

from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Module

FIXTURES = ("pytest.fixture", "pytest_asyncio.fixture", "pytest.yield_fixture")


def is_test(function: FunctionInfo) -> bool:
    """Would pytest run it, as a test or as a fixture?"""
    return function.name.startswith("test_") or is_fixture(function)


def is_fixture(function: FunctionInfo) -> bool:
    return function.decorated_by(*FIXTURES)


def is_test_module(module: Module) -> bool:
    """Would pytest collect it? What it has besides tests only helps them."""
    name = module.path.replace("\\", "/").rpartition("/")[2]
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


def in_test(frame: Frame | None) -> bool:
    """Does a test or fixture run this?"""
    return test_of(frame) is not None


def test_of(frame: Frame | None) -> FunctionInfo | None:
    """The test or fixture that runs this."""
    while frame is not None:
        if frame.function is not None and is_test(frame.function):
            return frame.function
        frame = frame.caller
    return None
