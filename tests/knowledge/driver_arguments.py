"""Offers arguments to real drivers through real engines; says which ones they refuse.

    python driver_arguments.py < [["postgresql+asyncpg", "connect_args", ["ssl", "sslmode"]], …]

Nothing listens where they connect: a driver that gets as far as the network has taken its arguments.
"""

from __future__ import annotations

import asyncio
import json
import sys
import warnings

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

REFUSALS = ("unexpected keyword argument", "invalid connection option", "is an invalid keyword argument")
SECONDS = 5


async def refuses(name: str, where: str, argument: str) -> bool:
    url = f"{name}:///:memory:" if name.startswith("sqlite") else f"{name}://user:secret@127.0.0.1:1/database"
    options: dict[str, object] = {}
    if where == "query":
        url += f"?{argument}=1"
    else:
        options["connect_args"] = {argument: "1"}
    try:
        engine = create_async_engine(url, poolclass=NullPool, **options)
        async with asyncio.timeout(SECONDS) if hasattr(asyncio, "timeout") else _Untimed(), engine.connect():
            return False
    except Exception as error:
        return any(words in str(error) for words in REFUSALS)


class _Untimed:
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *error: object) -> None: ...


async def main() -> None:
    found = [
        [name, where, argument, await refuses(name, where, argument)]
        for name, where, arguments in json.load(sys.stdin)
        for argument in arguments
    ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asyncio.run(main())
