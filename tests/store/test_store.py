"""The store under everything that happens to files: it may know nothing, but never something wrong."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsqla_lint.run.store import DIRECTORY, SCHEMA, TAG, Store

VALUES = {f"key {number}": bytes([number]) * (number * 50) for number in range(40)}


def filled(directory: Path, **settings: int) -> Path:
    store = Store(str(directory), **settings)
    for key, value in VALUES.items():
        store.put("program", key, value)
    store.save()
    assert store.notes == []
    return directory / "store.sqlite3"


def known(directory: Path) -> dict[str, bytes]:
    return Store(str(directory)).get_many("program", VALUES)


def test_what_was_put_is_there_for_the_next_run(tmp_path: Path) -> None:
    filled(tmp_path / "cache")
    store = Store(str(tmp_path / "cache"))
    assert store.get_many("program", [*VALUES, "other"]) == VALUES
    assert store.get("answer", "key 1") is None
    assert store.notes == []


def test_the_directory_is_marked_as_a_cache(tmp_path: Path) -> None:
    filled(tmp_path / "cache")
    assert (tmp_path / "cache" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / "cache" / TAG).read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_a_directory_that_holds_something_else_gets_a_cache_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    filled_in = Store(str(tmp_path))
    filled_in.put("program", "a", b"b")
    filled_in.save()
    assert not (tmp_path / TAG).exists()
    assert (tmp_path / DIRECTORY / TAG).exists()
    assert Store(str(tmp_path)).get("program", "a") == b"b"


def test_a_run_that_only_reads_writes_nothing(tmp_path: Path) -> None:
    file = filled(tmp_path / "cache")
    before = file.stat().st_mtime_ns
    store = Store(str(tmp_path / "cache"))
    store.get_many("program", VALUES)
    store.save()
    assert file.stat().st_mtime_ns == before


# --- damage ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_overwritten_bytes_are_never_believed(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "cache"
        file = filled(directory)
        content = bytearray(file.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(content) - 1))
            junk = data.draw(st.binary(min_size=1, max_size=300))
            content[start : start + len(junk)] = junk
        file.write_bytes(content)
        _answers_and_recovers(directory)


@settings(max_examples=30, deadline=None)
@given(part=st.floats(0, 1))
def test_a_truncated_file_is_never_believed(part: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "cache"
        file = filled(directory)
        os.truncate(file, int(file.stat().st_size * part))
        _answers_and_recovers(directory)


def _answers_and_recovers(directory: Path) -> None:
    store = Store(str(directory))
    found = store.get_many("program", VALUES)
    assert found.items() <= VALUES.items()
    store.put("program", "new", b"new")
    store.save()
    assert len(store.notes) == len(set(store.notes))
    assert Store(str(directory)).get("program", "new") in (b"new", None)


def test_no_database_at_all_is_replaced_and_said(tmp_path: Path) -> None:
    file = filled(tmp_path / "cache")
    file.write_bytes(b"no database, but long enough to be taken for one " * 100)
    store = Store(str(tmp_path / "cache"))
    assert store.get("program", "key 1") is None
    store.put("program", "key 1", b"again")
    store.save()
    assert [note.partition(": ")[2] for note in store.notes] == ["damaged, and made anew"]
    assert Store(str(tmp_path / "cache")).get("program", "key 1") == b"again"


def test_a_damaged_entry_costs_itself_alone(tmp_path: Path) -> None:
    file = filled(tmp_path / "cache")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE entries SET value = zeroblob(20) WHERE key = 'key 7'")
    connection.close()
    store = Store(str(tmp_path / "cache"))
    assert store.get_many("program", VALUES).keys() == VALUES.keys() - {"key 7"}
    store.save()
    assert "damaged" in store.notes[0]
    again = Store(str(tmp_path / "cache"))
    assert again.get("program", "key 7") is None
    again.save()
    assert again.notes == []


@pytest.mark.parametrize("version", [SCHEMA + 1, SCHEMA - 2])
def test_another_version_s_is_made_anew(tmp_path: Path, version: int) -> None:
    file = filled(tmp_path / "cache")
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    store = Store(str(tmp_path / "cache"))
    assert store.get_many("program", VALUES) == {}
    assert "another version" in store.notes[0]
    filled(tmp_path / "cache")
    assert known(tmp_path / "cache") == VALUES


# --- other processes -------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_locked_store_is_not_waited_for_long(tmp_path: Path, lock: str) -> None:
    file = filled(tmp_path / "cache")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute(f"BEGIN {lock}")
    store = Store(str(tmp_path / "cache"), patience=0.05)
    assert store.get("program", "key 1") in (VALUES["key 1"], None)
    store.put("program", "new", b"new")
    store.save()
    assert [note.partition(": ")[2] for note in store.notes] == [
        "busy with another run, so that this one goes without"
    ]
    other.execute("ROLLBACK")
    other.close()
    assert known(tmp_path / "cache") == VALUES


def _work(directory: str, number: int) -> list[str]:
    notes: list[str] = []
    for turn in range(15):
        store = Store(directory, patience=20)
        for key, value in store.get_many("program", (f"{one} {turn}" for one in range(4))).items():
            assert value == key.encode() * 1000
        key = f"{number} {turn}"
        store.put("program", key, key.encode() * 1000)
        store.save()
        notes += store.notes
    return notes


def test_several_processes_use_one_store(tmp_path: Path) -> None:
    directory = str(tmp_path / "cache")
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.starmap(_work, [(directory, number) for number in range(4)]) == [[]] * 4
    keys = {f"{number} {turn}" for number in range(4) for turn in range(15)}
    assert Store(directory).get_many("program", keys) == {key: key.encode() * 1000 for key in keys}


# --- size ------------------------------------------------------------------------------------------


def test_what_was_not_used_for_long_makes_room(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    file = filled(directory)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE entries SET used = used - 1000000")
    connection.close()
    store = Store(str(directory), limit=30_000)
    assert store.get("program", "key 39") is not None  # used now
    store.put("program", "new", b"n" * 5000)
    store.save()
    left = Store(str(directory)).get_many("program", [*VALUES, "new"])
    assert {"new", "key 39"} <= left.keys()
    assert sum(map(len, left.values())) <= 30_000 * 0.8
    assert len(left) < len(VALUES)


def test_the_file_shrinks_with_what_it_holds(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    store = Store(str(directory))
    for number in range(100):
        store.put("program", str(number), os.urandom(20_000))
    store.save()
    size = (directory / "store.sqlite3").stat().st_size
    smaller = Store(str(directory), limit=500_000)
    smaller.put("program", "last", b"x")
    smaller.save()
    assert (directory / "store.sqlite3").stat().st_size < size / 3
