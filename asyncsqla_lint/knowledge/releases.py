"""The release lines of SQLAlchemy that the tables speak of."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

import msgspec

Release = Literal["2.0", "2.1"]
RELEASES: tuple[Release, ...] = ("2.0", "2.1")
NEWEST: Release = "2.1"

TABLES = Path(__file__).with_name("tables")
T = TypeVar("T")


def table(name: str, type_: type[T]) -> T:
    return msgspec.json.decode(TABLES.joinpath(name).read_bytes(), type=type_)
