"""Functions that a framework is handed inside of others are part of what a module shows."""

from __future__ import annotations

import pytest

from asyncsqla_lint.project.outline import outline
from asyncsqla_lint.syntax import lower

_SETUP = "async def one(request):\n    return request\n\n\ndef setup(app):\n    "


@pytest.mark.parametrize("framework", ["aiohttp", "quart", "sanic", "starlette"])
def test_a_handler_at_its_path(framework: str) -> None:
    start = f"import {framework}\n\n\n{_SETUP}"
    without = outline(lower(start + "pass\n"))
    assert outline(lower(start + "app.route_at('/one', one)\n")) != without
    assert outline(lower(start + "app.route_at('/one', app)\n")) == without
    assert outline(lower(start + "app.rename('one', one)\n")) == without


def test_a_middleware() -> None:
    start = f"from starlette.middleware.base import BaseHTTPMiddleware as Around\n\n\n{_SETUP}"
    assert outline(lower(start + "app.add(Around, dispatch=one)\n")) != outline(
        lower(start + "app.add(Around)\n")
    )


@pytest.mark.parametrize(
    ("call", "is_told"),
    [
        ("app.add_exception_handler(Locked, one)", True),
        ("Api(exception_handlers={Locked: one})", True),
        ("Shop(exception_handlers={Locked: one})", True),
        ("app.add_something_else(Locked, one)", False),
    ],
)
def test_a_handler_of_errors(call: str, is_told: bool) -> None:
    start = "from fastapi import FastAPI as Api\n\n\nclass Locked(Exception):\n    pass\n\n\n"
    start += f"class Shop(Api):\n    pass\n\n\n{_SETUP}"
    assert (outline(lower(start + call + "\n")) != outline(lower(start + "pass\n"))) is is_told


def test_nobody_routes() -> None:
    start = f"import httpx\n\n\n{_SETUP}"
    assert outline(lower(start + "httpx.get('/one', one)\n")) == outline(lower(start + "pass\n"))
