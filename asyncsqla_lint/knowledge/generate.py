"""Writes the tables of the SQLAlchemy release that runs this script.

    python -m asyncsqla_lint.knowledge.generate [--into DIRECTORY]

Run it once with the interpreter of an environment for each supported release; the environment needs
SQLAlchemy, greenlet and aiosqlite, and every driver (and SQLModel) whose row is to be renewed.
"""

from __future__ import annotations

import argparse
import json
import warnings
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy

from .introspection import aliases, arguments, classes, dialects, drivers, events, results

TABLES = Path(__file__).with_name("tables")
# The drivers and SQLModel are asked once, under the newest release.
NEWEST = "2.1"


def release() -> str:
    return ".".join(sqlalchemy.__version__.split(".")[:2])


def api_table() -> dict[str, object]:
    return {
        "release": release(),
        "classes": classes.classes(),
        "reads": results.reads(),
        "ddl": arguments.ddl(),
        "events": events.event_targets(),
        "sessions": arguments.session_arguments(),
    }


def engine_table() -> dict[str, object]:
    return {
        "release": release(),
        "dialects": dialects.dialects(),
        "arguments": sorted({*arguments.engine_arguments(), *dialects.default_arguments()}),
        "async_arguments": arguments.async_engine_arguments(),
        "pools": arguments.pools(),
    }


def tables() -> dict[str, object]:
    line = release()
    made: dict[str, object] = {
        f"sqlalchemy-{line}.json": api_table(),
        f"engines-{line}.json": engine_table(),
        f"aliases-{line}.json": aliases.aliases("sqlalchemy"),
    }
    if line == NEWEST:
        made["drivers.json"] = drivers.drivers()
        if find_spec("sqlmodel"):
            names = aliases.aliases("sqlmodel", "sqlalchemy")
            made["sqlmodel.json"] = {"aliases": names, "classes": classes.sqlmodel()}
    return made


def render(value: object, depth: int = 3) -> str:
    """JSON, one line for each entry of the outer `depth` levels: compact, and a change is a readable diff."""
    return _render(value, depth, "") + "\n"


def _render(value: object, depth: int, indent: str) -> str:
    if depth and isinstance(value, dict) and value:
        inner = indent + " "
        rows = [f"{inner}{json.dumps(key)}: {_render(value[key], depth - 1, inner)}" for key in sorted(value)]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def write(into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for name, table in tables().items():
        path = into / name
        if name == "drivers.json" and path.exists() and isinstance(table, dict):
            # Rows of drivers that this environment lacks stay.
            table = {**json.loads(path.read_text(encoding="utf-8")), **table}
        path.write_text(render(table, 4 if name.startswith("sqlalchemy-") else 3), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=TABLES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated API is asked about, too
        write(parser.parse_args().into)


if __name__ == "__main__":
    main()
