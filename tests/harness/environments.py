"""One virtual environment per SQLAlchemy release, built on first use and shared by every run."""

from __future__ import annotations

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PINS = Path(__file__).with_name("pins.ini")
BUILD_SECONDS = 600


def _pins() -> configparser.ConfigParser:
    # A requirement holds "==", which must not be read as "key = value".
    parser = configparser.ConfigParser(allow_no_value=True, delimiters=("=>",))
    parser.read(PINS, encoding="utf-8")
    return parser


def releases() -> list[str]:
    """The release lines that run on this Python."""
    pins = _pins()
    return [name for name in pins.sections() if name != "common" and sys.version_info >= _oldest(pins[name])]


def _oldest(release: configparser.SectionProxy) -> tuple[int, ...]:
    return tuple(map(int, release.get("python", "3.10").split(".")))


def requirements(release: str) -> list[str]:
    pins = _pins()
    return sorted({*pins["common"], *pins[release]} - {"python"})


def python_for(release: str) -> Path:
    """The interpreter of that release's environment; builds the environment when it is not there yet."""
    wanted = requirements(release)
    # The interpreter is part of the key: a checkout is often tested under several Pythons.
    key = hashlib.sha256("\n".join([sys.version, sys.base_prefix, *wanted]).encode()).hexdigest()[:10]
    home = PROJECT / ".venvs" / f"sqlalchemy-{release}-{key}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = home / "ready"
    if ready.exists():
        return python
    home.parent.mkdir(exist_ok=True)
    with locked(home.with_suffix(home.suffix + ".lock")):
        if not ready.exists():
            _build(home, python, wanted)
            ready.touch()
    return python


def _build(home: Path, python: Path, wanted: list[str]) -> None:
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home, with_pip=True, symlinks=os.name != "nt")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS)
    if done.returncode:
        raise RuntimeError(f"cannot install {' '.join(wanted)} into {home}:\n{done.stderr}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an advisory lock, which the operating system drops should its holder die."""
    with open(path, "a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
