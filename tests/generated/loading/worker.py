"""Runs programs under the SQLAlchemy of this interpreter: one JSON request a line in, one JSON answer a line
out.

Nothing but SQLAlchemy and the standard library is imported, for this runs in the environment of a release. A
program is run once for each world and each setting of its flags; the answer says where and how each run
ended.
"""

from __future__ import annotations

import ast
import asyncio
import functools
import gc
import itertools
import json
import os
import signal
import sqlite3
import sys
import tempfile
import traceback
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy.ext.asyncio
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, InvalidRequestError, MissingGreenlet, StatementError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm.exc import DetachedInstanceError

SECONDS = 20  # for one run of a program, most of which take a hundredth of one
MAKE_ENGINE: Callable[..., AsyncEngine] = sqlalchemy.ext.asyncio.create_async_engine


class Worker:
    def __init__(self, directory: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{directory / 'app.db'}"
        self.path = directory / "app.db"
        self.models: types.ModuleType | None = None
        self.text = ""
        sqlalchemy.ext.asyncio.create_async_engine = self.make_engine
        self.engine: AsyncEngine | None = None
        self.fails_in = 0  # so many commits on, one fails
        self.is_backwards = False

    def make_engine(self, *_: object, **__: object) -> AsyncEngine:
        assert self.engine is not None
        return self.engine

    def load_models(self, text: str) -> Any:
        if self.text != text:
            if self.models is not None:
                self.models.Base.registry.dispose()
            self.models = sys.modules["models"] = types.ModuleType("models")
            exec(compile(text, "models.py", "exec"), self.models.__dict__)
            self.models.Base.registry.configure()
            self.text = text
        return self.models

    async def answer(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        models = self.load_models(request["models"])
        self.path.unlink(missing_ok=True)
        # A session that nobody closes keeps its connection: whoever comes next does not wait for it.
        self.engine = MAKE_ENGINE(self.url, connect_args={"timeout": 0}, max_overflow=-1)
        event.listen(self.engine.sync_engine, "connect", _fast)
        event.listen(self.engine.sync_engine, "commit", self.commits)
        event.listen(self.engine.sync_engine, "checkout", self.turns)
        main: dict[str, Any] = {"__name__": "main"}
        tree = ast.fix_missing_locations(Noted().visit(ast.parse(request["main"])))
        exec(compile(tree, "main.py", "exec"), main)
        runs, collects = [], request["collects"]
        if collects:
            gc.freeze()  # what is there before is not looked through again
        try:
            async with self.engine.begin() as connection:
                await connection.run_sync(models.Base.metadata.create_all)
            for world, rows in enumerate(request["rows"]):
                self.is_backwards = request["backwards"][world]
                for flags in itertools.product((False, True), repeat=request["flags"]):
                    await self.fill(models.Base.metadata.tables, rows)
                    executed = set[int]()
                    self.fails_in = request["fails"]
                    main["_note"] = functools.partial(_collecting, executed.add) if collects else executed.add
                    ended = await run(main["case"], flags) | {"executed": sorted(executed)}
                    self.fails_in = 0
                    runs.append({"world": world, "flags": flags, **ended})
                    if ended["kind"] == "Endless":
                        return runs
        finally:
            await self.engine.dispose()
            gc.unfreeze()
        return runs

    def commits(self, _: object) -> None:
        self.fails_in -= 1
        if self.fails_in == 0:
            raise IntegrityError("COMMIT", None, sqlite3.IntegrityError("this time it fails"))

    def turns(self, connection: Any, record: Any, _: object) -> None:
        """Rows that nobody has ordered come in any order."""
        if record.info.get("is_backwards", False) is not self.is_backwards:
            record.info["is_backwards"] = self.is_backwards
            cursor = connection.cursor()
            cursor.execute(f"pragma reverse_unordered_selects = {int(self.is_backwards)}")
            cursor.close()

    async def fill(self, tables: dict[str, Any], rows: list[tuple[str, list[dict[str, Any]]]]) -> None:
        assert self.engine is not None
        async with self.engine.begin() as connection:
            for table in tables.values():
                await connection.execute(table.delete())
            for name, values in rows:
                if values:
                    await connection.execute(tables[name].insert(), values)


def _collecting(note: Callable[[int], None], line: int) -> None:
    gc.collect()
    note(line)


class Noted(ast.NodeTransformer):
    """Each statement first notes that it is run."""

    def visit(self, node: ast.AST) -> ast.AST:
        node = self.generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list) and not isinstance(node, (ast.Module, ast.ClassDef)):
                setattr(node, name, [one for each in statements for one in (_noting(each), each)])
        return node


def _noting(statement: ast.stmt) -> ast.stmt:
    call = ast.Call(ast.Name("_note", ast.Load()), [ast.Constant(statement.lineno)], [])
    return ast.copy_location(ast.Expr(call), statement)


def _fast(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("synchronous = off", "journal_mode = wal"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


class Endless(Exception):
    """The run has not come to an end."""


def _stop(*_: object) -> None:
    if asyncio.current_task() is None:  # the loop's own code has the word: the next second will do
        signal.alarm(1)
        return
    raise Endless(f"no end after {SECONDS} seconds")


async def run(case: Callable[..., Any], flags: tuple[bool, ...]) -> dict[str, Any]:
    """`line` is where the program's own code stood when it raised; 0: it did not."""
    signal.alarm(SECONDS)
    try:
        await case(*flags)
    except Exception as error:
        signal.alarm(0)
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "main.py"]
        return {
            "line": frames[-1].lineno if frames else -1,
            "kind": kind_of(error),
            "error": str(error)[:300],
        }
    finally:
        signal.alarm(0)
    return {"line": 0, "kind": "", "error": ""}


def kind_of(error: BaseException) -> str:
    """The kinds of failure that reading an attribute has; "" for whatever else a program may run into."""
    if isinstance(error, Endless):
        return "Endless"
    if isinstance(error, MissingGreenlet) or (
        isinstance(error, StatementError) and isinstance(error.orig, MissingGreenlet)
    ):
        return "MissingGreenlet"
    if isinstance(error, DetachedInstanceError):
        return "DetachedInstanceError"
    if isinstance(error, InvalidRequestError) and "is not available due to lazy=" in str(error):
        return "InvalidRequestError"
    if isinstance(error, InvalidRequestError) and "due to raiseload=True" in str(error):
        return "InvalidRequestError"
    if isinstance(error, InvalidRequestError) and "Can't operate on closed transaction" in str(error):
        return "Closed"
    return ""


async def main() -> None:
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _stop)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:
        worker = Worker(Path(directory))
        for number, line in enumerate(sys.stdin):
            try:
                answer = await worker.answer(json.loads(line))
            except Exception:
                print(json.dumps({"failed": traceback.format_exc()}), flush=True)
                continue
            print(json.dumps({"runs": answer}), flush=True)
            if number % 20 == 0:
                gc.collect()


if __name__ == "__main__":
    asyncio.run(main())
