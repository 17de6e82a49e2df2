"""Local clones, read with git only: a commit's Python files, and where a line went in the next commit."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path, PurePosixPath

_WANTED = re.compile(
    r"\.pyi?$|(^|/)(pyproject\.toml|setup\.cfg|uv\.lock|poetry\.lock|pdm\.lock|requirements[^/]*\.txt)$"
)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_REGULAR = (b"100644", b"100755")


class Clone:
    """A bare or normal clone; a partial one will do, as long as it has the Python files."""

    def __init__(self, git_directory: Path) -> None:
        self.git_directory = git_directory

    def git(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        command = ["git", f"--git-dir={self.git_directory}", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout

    def commit(self, revision: str) -> str:
        return self.git("rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()

    def extract(self, commit: str, destination: Path) -> None:
        """Write the commit's Python and packaging files. Objects that a partial clone lacks are left out."""
        wanted: list[tuple[bytes, str]] = []
        for entry in self.git("ls-tree", "-r", "-z", commit).split(b"\0"):
            description, _, raw_path = entry.partition(b"\t")
            path = raw_path.decode("utf-8", "surrogateescape")
            mode, _, identity = description.partition(b" blob ")
            if mode in _REGULAR and _WANTED.search(path) and ".." not in PurePosixPath(path).parts:
                wanted.append((identity, path))
        stream = self.git("cat-file", "--batch", stdin=b"".join(identity + b"\n" for identity, _ in wanted))
        position = 0
        for _, path in wanted:
            end = stream.index(b"\n", position)
            header = stream[position:end].split()
            position = end + 1
            if len(header) == 3:
                size = int(header[2])
                target = destination / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(stream[position : position + size])
                position += size + 1

    def moved(self, path: str, first: int, last: int, old: str, new: str) -> range:
        """Where lines of `path` at `old` stand at `new`: shifted, or the lines that replaced them."""
        shift = 0
        start, stop = 0, -1
        for old_start, old_count, new_start, new_count in self._hunks(path, old, new):
            if old_start + max(old_count, 1) - 1 < first:
                shift += new_count - old_count
            elif old_start <= last and old_count:
                start = min(start or new_start, new_start)
                stop = max(stop, new_start + new_count - 1)
        if start:
            return range(start, stop + 1)
        return range(first + shift, last + shift + 1)

    def _hunks(self, path: str, old: str, new: str) -> list[tuple[int, int, int, int]]:
        diff = self.git("diff", "-U0", "--no-renames", "--no-color", old, new, "--", path)
        found = _HUNK.findall(diff.decode("utf-8", "replace"))
        return [(int(a), int(b or 1), int(c), int(d or 1)) for a, b, c, d in found]


def find(clones: Path, repository: str) -> Clone | None:
    for name in (repository, repository.replace("/", "+")):
        for directory in (clones / name, clones / f"{name}.git", clones / name / ".git"):
            if (directory / "HEAD").is_file():
                return Clone(directory)
    return None
