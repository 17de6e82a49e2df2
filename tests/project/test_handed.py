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


def test_nobody_routes() -> None:
    start = f"import httpx\n\n\n{_SETUP}"
    assert outline(lower(start + "httpx.get('/one', one)\n")) == outline(lower(start + "pass\n"))
