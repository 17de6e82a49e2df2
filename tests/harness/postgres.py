"""A PostgreSQL server of the machine's own binaries, on a free port, in a temporary directory."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

START_SECONDS = 30.0


class Server(Struct, frozen=True):
    port: int
    bin: Path

    def url(self, driver: str, database: str = "postgres") -> str:
        return f"postgresql+{driver}://postgres@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> None:
        """Makes an empty database, dropping one of that name."""
        for statement in (f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"'):
            address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
            subprocess.run(
                [str(self.bin / "psql"), *address, "-qc", statement],
                check=True,
                capture_output=True,
                timeout=60,
            )


def required() -> bool:
    """In CI a server that is at hand has to be used, whatever keeps it from being started."""
    at_hand = shutil.which("postgres") is not None or any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return os.environ.get("CI") == "true" and at_hand


def why_not() -> str | None:
    """What keeps a server from being started here; None when nothing does."""
    if _binaries() is None:
        return "neither PATH nor /usr/lib/postgresql has initdb, postgres and psql"
    if os.geteuid() == 0 and _other_user() is None:
        return "PostgreSQL does not run as root, and there is neither a postgres nor a nobody user"
    return None


@contextmanager
def serve() -> Iterator[Server]:
    binaries = _binaries()
    assert binaries is not None, why_not()
    user = _other_user() if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="harness-postgres-"))
    try:
        if user is not None:
            os.chown(home, user.pw_uid, user.pw_gid)
        data = home / "data"
        _run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"], user, home
        )
        server = Server(_free_port(), binaries)
        settings = [
            f"port={server.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={home}",
            "fsync=off",
        ]
        options = [word for setting in settings for word in ("-c", setting)]
        with open(home / "log", "wb") as log:
            process = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(data), *options],
                stdout=log,
                stderr=log,
                cwd=home,
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
            )
        try:
            _wait_for(server, process, home / "log")
            yield server
        finally:
            process.terminate()
            process.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _binaries() -> Path | None:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "postgres", "psql")):
            return folder
    return None


def _other_user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _run(command: list[Path | str], user: pwd.struct_passwd | None, cwd: Path) -> None:
    subprocess.run(
        [str(word) for word in command],
        check=True,
        capture_output=True,
        cwd=cwd,
        timeout=120,
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        address = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
        if (
            subprocess.run(
                [str(server.bin / "psql"), *address, "-qc", "SELECT 1"], capture_output=True
            ).returncode
            == 0
        ):
            return
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
