"""A file is replaced whole or not at all, and never over somebody else's change."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from asyncsqla_lint.findings import Finding, Fix, Location, Repair
from asyncsqla_lint.fixes import writing
from asyncsqla_lint.fixes.apply import FileChange, Outcome, save
from asyncsqla_lint.fixes.writing import WriteError, write
from asyncsqla_lint.run.outcome import Report


def test_mode_and_neighbours_stay(tmp_path: Path) -> None:
    file = tmp_path / "orders.py"
    file.write_bytes(b"a\r\n")
    file.chmod(0o750)
    write(str(file), b"a\r\n", b"b\r\n")
    assert file.read_bytes() == b"b\r\n"
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o750
    assert os.listdir(tmp_path) == ["orders.py"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "real.py", tmp_path / "link.py"
    target.write_bytes(b"a\n")
    try:
        link.symlink_to(target)
    except OSError:
        return  # no links on this system
    write(str(link), b"a\n", b"b\n")
    assert link.is_symlink()
    assert target.read_bytes() == b"b\n"


def test_a_changed_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "orders.py"
    file.write_bytes(b"theirs\n")
    with pytest.raises(WriteError, match="changed meanwhile"):
        write(str(file), b"what was read\n", b"ours\n")
    assert file.read_bytes() == b"theirs\n"


def test_a_file_that_went_away_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="cannot be written"):
        write(str(tmp_path / "gone.py"), b"", b"x")
    assert os.listdir(tmp_path) == []


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "orders.py"
    file.write_bytes(b"a\n")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(WriteError, match="No space left"):
        write(str(file), b"a\n", b"b\n")
    assert file.read_bytes() == b"a\n"
    assert os.listdir(tmp_path) == ["orders.py"]


def made(*paths: str) -> Finding:
    start = Location(1, 1)
    repairs = tuple(Repair("add_await", path, start, start) for path in paths)
    return Finding("ASQ301", "x", "x", paths[0], start, start, fix=Fix("x", "unsafe", repairs))


def test_what_is_mended_in_several_files_is_written_in_all_or_none(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.py" for name in "abcd"}
    for file in files.values():
        file.write_bytes(b"before\n")
    changes = tuple(FileChange(str(file), b"before\n", b"after\n") for file in files.values())
    files["c"].write_bytes(b"theirs\n")
    chained = made(str(files["a"]), str(files["b"])), made(str(files["b"]), str(files["c"]))
    alone = made(str(files["d"]))
    outcome = Outcome(changes, (*chained, alone), (), (), Report(()))
    saved = save(outcome)
    assert saved.made == (alone,)
    assert sorted(line.rpartition("/")[2] for line in saved.failures) == [
        "b.py; not fixed",
        "c.py: changed meanwhile; not fixed",
        "c.py; not fixed",
    ]
    assert {name: file.read_bytes() for name, file in files.items()} == {
        "a": b"before\n",
        "b": b"before\n",
        "c": b"theirs\n",
        "d": b"after\n",
    }
