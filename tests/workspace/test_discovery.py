"""The walk takes what git and ruff's manners say, on any tree, and never trips."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import load_config
from asyncsqla_lint.workspace.discovery import discover


def plant(root: Path, *files: str) -> None:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")


def found(root: Path, *paths: Path, config: Config | None = None) -> list[str]:
    discovery = discover([str(path) for path in paths or (root,)], config or Config(root=str(root)))
    assert not discovery.errors
    return [os.path.relpath(file.path, root) for file in discovery.files]


def git(root: Path, *arguments: str) -> bytes:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(
        ["git", *arguments], cwd=root, env=environment, check=True, capture_output=True
    ).stdout


# --- against git -----------------------------------------------------------------------------------

NAMES = ["a", "b", "build", "x.py", "y.py", "!z.py", "#h.py", "sp ace.py", "[q].py"]
SEGMENTS = st.sampled_from(
    ["a", "b", "build", "x.py", "*", "**", "*.py", "?.py", "[xy].py", "[!x].py", "b*", "x*y"]
)
FILES = st.lists(
    st.lists(st.sampled_from(["a", "b", "build"]), max_size=3).flatmap(
        lambda directory: st.sampled_from(NAMES[3:]).map(lambda name: "/".join([*directory, name]))
    ),
    min_size=1,
    max_size=12,
)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    body = "/".join(draw(st.lists(SEGMENTS, min_size=1, max_size=3)))
    line = draw(st.sampled_from(["", "", "", "!"])) + draw(st.sampled_from(["", "", "/"])) + body
    return line + draw(st.sampled_from(["", "", "/"])) + draw(st.sampled_from(["", "", "", " ", "\r"]))


SPECIAL = st.sampled_from(
    ["# comment", "", "\\!z.py", "\\#h.py", "sp\\ ace.py", "\\[q\\].py", "!\\!z.py", "/", "[x"]
)
IGNORE_FILES = st.dictionaries(
    st.sampled_from([".gitignore", "a/.gitignore", "a/b/.gitignore", ".git/info/exclude"]),
    st.lists(patterns() | SPECIAL, max_size=5),
    max_size=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES, IGNORE_FILES)
@example(["a/x.py", "a/y.py"], {".gitignore": ["a/**", "!a/y.py"]})
@example(["a/x.py", "a/y.py"], {".gitignore": ["a/", "!a/y.py"]})
@example(["a/b/x.py", "b/x.py"], {".gitignore": ["a/b"], "a/.gitignore": ["!b"]})
@example(["a/x.py", "x.py"], {".gitignore": ["*", "!a", "!a/x.py"]})
@example(["x.py"], {".gitignore": ["\ufeffx.py"]})
@example(["a/x.py", "x.py"], {".gitignore": ["!a", "**/*/**"]})
@example(["x.py"], {".gitignore": ["a", "/**/*"]})
def test_what_is_found_is_what_git_would_add(files: list[str], ignores: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        git(root, "init", "-q")
        plant(root, *files)
        for name, lines in ignores.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        listed = git(root, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
        expected = sorted({os.fsdecode(name) for name in listed if name.endswith(b".py")})
        assert sorted(found(root, config=Config(root=str(root), exclude=()))) == expected


def test_ignore_files_above_the_path_hold_up_to_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.py\n", encoding="utf-8")
    repository = tmp_path / "repository"
    plant(repository, "app/keep.py", "app/drop.py", "app/inner/drop.py")
    git(repository, "init", "-q")
    (repository / ".gitignore").write_text("drop.py\n", encoding="utf-8")
    assert found(repository, repository / "app") == ["app/keep.py"]


def test_a_nested_repository_minds_its_own_rules(tmp_path: Path) -> None:
    plant(tmp_path, "x.py", "inner/x.py", "inner/y.py")
    git(tmp_path, "init", "-q")
    git(tmp_path / "inner", "init", "-q")
    (tmp_path / ".gitignore").write_text("x.py\n", encoding="utf-8")
    (tmp_path / "inner" / ".gitignore").write_text("y.py\n", encoding="utf-8")
    assert found(tmp_path) == ["inner/x.py"]


def test_a_worktree_has_the_exclude_file_of_its_repository(tmp_path: Path) -> None:
    main = tmp_path / "main"
    plant(main, "x.py", "secret.py")
    git(main, "init", "-q")
    git(main, "add", "x.py")
    git(main, "-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "start")
    git(main, "worktree", "add", "-q", str(tmp_path / "tree"))
    plant(tmp_path / "tree", "secret.py")
    (main / ".git" / "info").mkdir(exist_ok=True)
    (main / ".git" / "info" / "exclude").write_text("secret.py\n", encoding="utf-8")
    assert found(tmp_path / "tree") == ["x.py"]
    assert found(main) == ["x.py"]


def test_gitignore_can_be_left_out_of_account(tmp_path: Path) -> None:
    plant(tmp_path, "x.py")
    (tmp_path / ".gitignore").write_text("x.py\n", encoding="utf-8")
    assert found(tmp_path) == []
    assert found(tmp_path, config=Config(root=str(tmp_path), respect_gitignore=False)) == ["x.py"]


# --- excludes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extend_exclude", "expected"),
    [
        ([], ["app/main.py", "app/migrations/one.py", "main.py"]),
        (["migrations"], ["app/main.py", "main.py"]),
        (["app/migrations"], ["app/main.py", "main.py"]),
        (["./app/migrations/"], ["app/main.py", "main.py"]),
        (["main.py"], ["app/migrations/one.py"]),
        (["/main.py"], ["app/main.py", "app/migrations/one.py"]),
        (["**/one.py", "app/m*n.py"], ["main.py"]),
    ],
)
def test_excludes_are_patterns_from_the_root(
    tmp_path: Path, extend_exclude: Sequence[str], expected: list[str]
) -> None:
    plant(tmp_path, "main.py", "app/main.py", "app/migrations/one.py", ".venv/x.py", "app/node_modules/x.py")
    assert (
        found(tmp_path, config=Config(root=str(tmp_path), extend_exclude=tuple(extend_exclude))) == expected
    )


def test_a_named_file_is_taken_unless_excludes_are_forced(tmp_path: Path) -> None:
    plant(tmp_path, "skip/x.py", "script")
    named = [tmp_path / "skip" / "x.py", tmp_path / "script"]
    excluding = Config(root=str(tmp_path), exclude=("skip",))
    assert found(tmp_path, *named, config=excluding) == ["script", "skip/x.py"]
    forced = Config(root=str(tmp_path), exclude=("skip",), force_exclude=True)
    assert found(tmp_path, *named, config=forced) == ["script"]


def test_an_absolute_exclude_below_the_root_holds(tmp_path: Path) -> None:
    plant(tmp_path, "a/x.py", "b/x.py")
    assert found(tmp_path, config=Config(root=str(tmp_path), exclude=(str(tmp_path / "a"),))) == ["b/x.py"]


# --- what a walk must survive ------------------------------------------------------------------------


def test_links_make_no_loop_and_no_twin(tmp_path: Path) -> None:
    plant(tmp_path, "a/x.py", "elsewhere/real.txt")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "twin.py").symlink_to(tmp_path / "a" / "x.py")
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "linked.py").symlink_to(tmp_path / "elsewhere" / "real.txt")
    (tmp_path / "again.py").symlink_to(tmp_path / "elsewhere" / "real.txt")
    assert found(tmp_path) == ["a/x.py", "again.py"]


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    if sys.platform == "win32":
        return  # it has no such files
    plant(tmp_path, "x.py")
    os.mkfifo(tmp_path / "pipe.py")
    assert found(tmp_path) == ["x.py"]
    discovery = discover([str(tmp_path / "pipe.py")], Config(root=str(tmp_path)))
    assert [str(error) for error in discovery.errors] == [f"{tmp_path / 'pipe.py'}: not a regular file"]


def test_names_that_are_no_utf8_are_walked(tmp_path: Path) -> None:
    if sys.platform == "darwin":
        return  # its file system admits no such name
    with open(os.fsencode(tmp_path) + b"/\xff\xfe.py", "w", encoding="utf-8"):
        pass
    assert found(tmp_path) == [os.fsdecode(b"\xff\xfe.py")]


def test_paths_that_cannot_be_used_are_one_line_each(tmp_path: Path) -> None:
    plant(tmp_path, "x.py", "book.ipynb", "stub.pyi")
    paths = [str(tmp_path / name) for name in ("gone", "book.ipynb", "stub.pyi", "x.py")]
    discovery = discover(paths, Config(root=str(tmp_path)))
    assert [file.path for file in discovery.files] == [paths[3]]
    assert [str(error) for error in discovery.errors] == [
        f"{paths[1]}: notebooks are not checked",
        f"{paths[0]}: no such file or directory",
    ]


def test_an_unreadable_directory_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    plant(tmp_path, "x.py", "locked/y.py")
    locked = tmp_path / "locked"
    # As an unprivileged user, since permissions do not bind root.
    script = (
        "import os, sys\n"
        "from asyncsqla_lint.workspace.config import Config\n"
        "from asyncsqla_lint.workspace.discovery import discover\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "d = discover([sys.argv[1]], Config(root=sys.argv[1]))\n"
        "print([f.path for f in d.files], [str(e) for e in d.errors])\n"
    )
    locked.chmod(0)
    for directory in (tmp_path, *tmp_path.parents):
        if str(directory).startswith(tempfile.gettempdir() + os.sep):
            directory.chmod(0o755)
    try:
        out = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
        )
    finally:
        locked.chmod(0o755)
    assert out.stdout.strip() == repr([str(tmp_path / "x.py")]) + f" ['{locked}: permission denied']", (
        out.stderr
    )


def test_the_order_is_by_path_and_overlapping_paths_count_once(tmp_path: Path) -> None:
    plant(tmp_path, "b.py", "a/z.py", "a.py", "c/a.py")
    expected = ["a/z.py", "a.py", "b.py", "c/a.py"]
    in_order = sorted(expected)
    assert found(tmp_path) == in_order
    assert found(tmp_path, tmp_path / "c", tmp_path, tmp_path / "b.py", tmp_path / "a") == in_order


def test_an_unsaved_file_need_not_exist(tmp_path: Path) -> None:
    path = str(tmp_path / "new.py")
    discovery = discover([path], Config(root=str(tmp_path)), unsaved={path})
    assert [file.path for file in discovery.files] == [path]


# --- nested configuration --------------------------------------------------------------------------


def test_the_nearest_configuration_rules_a_file(tmp_path: Path) -> None:
    plant(tmp_path, "x.py", "backend/x.py", "backend/gen/x.py", "backend/deep/y.py", "gen/x.py", "plain/z.py")
    (tmp_path / "pyproject.toml").write_text('[tool.asyncsqla-lint]\nignore = ["ASQ1"]\n', encoding="utf-8")
    (tmp_path / "backend" / "asyncsqla-lint.toml").write_text(
        'extend-exclude = ["gen"]\nignore = ["ASQ2"]\n', encoding="utf-8"
    )
    (tmp_path / "plain" / "pyproject.toml").write_text("[project]\nname = 'plain'\n", encoding="utf-8")
    config = load_config([str(tmp_path)], overrides={"extend-ignore": ["ASQ3"]})
    ignored = {
        os.path.relpath(file.path, tmp_path): (file.config.ignore, file.config.extend_ignore)
        for file in discover([str(tmp_path)], config).files
    }
    assert ignored == {
        "x.py": (("ASQ1",), ("ASQ3",)),
        "gen/x.py": (("ASQ1",), ("ASQ3",)),
        "plain/z.py": (("ASQ1",), ("ASQ3",)),
        "backend/x.py": (("ASQ2",), ("ASQ3",)),
        "backend/deep/y.py": (("ASQ2",), ("ASQ3",)),
    }
    named = discover([str(tmp_path / "backend" / "deep" / "y.py")], config).files
    assert named[0].config.ignore == ("ASQ2",)


def test_isolated_reads_no_nested_file(tmp_path: Path) -> None:
    plant(tmp_path, "backend/x.py")
    (tmp_path / "backend" / "asyncsqla-lint.toml").write_text("nonsense = 1\n", encoding="utf-8")
    config = load_config([str(tmp_path)], isolated=True)
    assert [file.config for file in discover([str(tmp_path)], config).files] == [config]
