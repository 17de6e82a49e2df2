"""A task program as SQLAlchemy runs it once: which sessions did two tasks use at the same moment?"""

from __future__ import annotations

import asyncio
import warnings
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from collections.abc import Iterator


class Watch:
    def __init__(self) -> None:
        self.busy: Counter[int] = Counter()
        self.met: set[int] = set()
        self.order: list[int] = []  # sessions in the order in which they were opened

    @contextmanager
    def using(self, session: int) -> Iterator[None]:
        if self.busy[session]:
            self.met.add(session)
        self.busy[session] += 1
        try:
            yield
        finally:
            self.busy[session] -= 1


def observed(source: str, sessions: int) -> set[int]:
    """The numbers of the shared sessions that met; they are the first that the program opens."""
    watch = Watch()
    execute, opened = AsyncSession.execute, AsyncSession.__init__

    async def watched(self: AsyncSession, *arguments: Any, **keywords: Any) -> Any:
        with watch.using(id(self)):
            await asyncio.sleep(0)
            return await execute(self, *arguments, **keywords)

    def counted(self: AsyncSession, *arguments: Any, **keywords: Any) -> None:
        watch.order.append(id(self))
        kept.append(self)
        opened(self, *arguments, **keywords)

    kept: list[AsyncSession] = []  # so that no id is given out twice
    namespace: dict[str, Any] = {"__name__": "program"}
    AsyncSession.execute, AsyncSession.__init__ = watched, counted  # type: ignore[method-assign,assignment]
    try:
        exec(compile(source, "<program>", "exec"), namespace)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(Exception):  # an overlap may well raise; what met until then has met
                asyncio.run(namespace["main"]())
    finally:
        AsyncSession.execute, AsyncSession.__init__ = execute, opened  # type: ignore[method-assign]
    return {number for number, key in enumerate(watch.order[:sessions]) if key in watch.met}
