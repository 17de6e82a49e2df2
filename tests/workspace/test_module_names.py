"""Files get the names under which the program itself imports them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncsqla_lint.workspace.module_names import Layout
from asyncsqla_lint.workspace.relevance import ImportedName, imports_of

ROOT = os.path.join(os.sep, "work")


def layout(files: dict[str, str], src: tuple[str, ...] = ()) -> Layout:
    data = {os.path.join(ROOT, *name.split("/")): text.encode() for name, text in files.items()}
    imports = {path: imports_of(content) for path, content in data.items()}
    return Layout(data, imports, [os.path.join(ROOT, each) for each in src])


def names(files: dict[str, str], src: tuple[str, ...] = ()) -> dict[str, tuple[str, str]]:
    """File → root, dotted name."""
    return {
        os.path.relpath(path, ROOT).replace(os.sep, "/"): (os.path.relpath(name.root, ROOT), name.name)
        for path, name in layout(files, src).names.items()
    }


def edges(files: dict[str, str], src: tuple[str, ...] = ()) -> dict[str, list[str]]:
    found = layout(files, src)
    return {
        name: sorted(
            os.path.relpath(target, ROOT).replace(os.sep, "/")
            for target in found.imported(os.path.join(ROOT, *name.split("/")))
        )
        for name in files
    }


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {
                "app/__init__.py": "",
                "app/db/__init__.py": "",
                "app/db/models.py": "",
                "main.py": "import app",
            },
            {
                "app/__init__.py": (".", "app"),
                "app/db/__init__.py": (".", "app.db"),
                "app/db/models.py": (".", "app.db.models"),
                "main.py": (".", "main"),
            },
            id="flat",
        ),
        pytest.param(
            {
                "src/app/__init__.py": "",
                "src/app/models.py": "",
                "tests/test_app.py": "from app import models",
            },
            {
                "src/app/__init__.py": ("src", "app"),
                "src/app/models.py": ("src", "app.models"),
                "tests/test_app.py": ("tests", "test_app"),
            },
            id="src",
        ),
        pytest.param(
            {"src/app/models.py": "", "src/app/deep/x.py": ""},
            {"src/app/models.py": ("src", "app.models"), "src/app/deep/x.py": ("src", "app.deep.x")},
            id="src of namespace packages, nothing imported",
        ),
        pytest.param(
            {"backend/app/models.py": "", "backend/app/main.py": "from app.models import User"},
            {
                "backend/app/models.py": ("backend", "app.models"),
                "backend/app/main.py": ("backend", "app.main"),
            },
            id="namespace package under a root that only the imports tell",
        ),
        pytest.param(
            {
                "backend/app/routes/users.py": "from app.db.models import User",
                "backend/app/db/models.py": "",
                "backend/app/main.py": "from app.routes import users",
            },
            {
                "backend/app/routes/users.py": ("backend", "app.routes.users"),
                "backend/app/db/models.py": ("backend", "app.db.models"),
                "backend/app/main.py": ("backend", "app.main"),
            },
            id="a namespace package whose own files nobody imports",
        ),
        pytest.param(
            {
                "a/app/__init__.py": "",
                "a/app/models.py": "",
                "a/main.py": "from app.models import X",
                "b/app/__init__.py": "",
                "b/app/models.py": "",
                "b/main.py": "from app.models import X",
            },
            {
                "a/app/__init__.py": ("a", "app"),
                "a/app/models.py": ("a", "app.models"),
                "a/main.py": ("a", "main"),
                "b/app/__init__.py": ("b", "app"),
                "b/app/models.py": ("b", "app.models"),
                "b/main.py": ("b", "main"),
            },
            id="one name under two roots",
        ),
        pytest.param(
            {"app/__init__.py": "", "app/main.py": "from models import User", "app/models.py": ""},
            {
                "app/__init__.py": (".", "app"),
                "app/main.py": ("app", "main"),
                "app/models.py": ("app", "models"),
            },
            id="a script started inside its package",
        ),
        pytest.param(
            {
                "tool/__init__.py": "",
                "tool/service.py": "from store.database import AsyncSession\nfrom tool.base import Base",
                "tool/base.py": "",
                "tool/more.py": "from tool.base import Base\nfrom tool.service import Service",
                "extra/__init__.py": "",
                "extra/server.py": "from store.database import make\nfrom store.users import User",
                "extra/store/__init__.py": "",
                "extra/store/database.py": "from tool.base import Base",
                "extra/store/users.py": "from store.database import make",
            },
            {
                "tool/__init__.py": (".", "tool"),
                "tool/service.py": (".", "tool.service"),
                "tool/base.py": (".", "tool.base"),
                "tool/more.py": (".", "tool.more"),
                "extra/__init__.py": (".", "extra"),
                "extra/server.py": ("extra", "server"),
                "extra/store/__init__.py": ("extra", "store"),
                "extra/store/database.py": ("extra", "store.database"),
                "extra/store/users.py": ("extra", "store.users"),
            },
            id="a package beside the others whose files are imported from inside it",
        ),
        pytest.param(
            {
                "src/app/models.py": "from .base import Base",
                "src/app/base.py": "",
                "main.py": "import src.app.models",
            },
            {
                "src/app/models.py": (".", "src.app.models"),
                "src/app/base.py": (".", "src.app.base"),
                "main.py": (".", "main"),
            },
            id="src as part of the name",
        ),
        pytest.param(
            {
                "app/logging/setup.py": "",
                "app/main.py": "import logging\nfrom app import models",
                "app/models.py": "",
            },
            {
                "app/logging/setup.py": ("app/logging", "setup"),
                "app/main.py": (".", "app.main"),
                "app/models.py": (".", "app.models"),
            },
            id="the standard library is no vote",
        ),
        pytest.param(
            {
                "adapters/sqlalchemy/__init__.py": "",
                "adapters/sqlalchemy/models.py": "from sqlalchemy import select",
                "adapters/celery/__init__.py": "",
                "adapters/celery/jobs.py": "from celery import Celery\nfrom celery.schedules import crontab",
                "main.py": "from sqlalchemy import select",
            },
            {
                "adapters/sqlalchemy/__init__.py": (".", "adapters.sqlalchemy"),
                "adapters/sqlalchemy/models.py": (".", "adapters.sqlalchemy.models"),
                "adapters/celery/__init__.py": (".", "adapters.celery"),
                "adapters/celery/jobs.py": (".", "adapters.celery.jobs"),
                "main.py": (".", "main"),
            },
            id="packages called as the libraries that they adapt",
        ),
        pytest.param(
            {
                "app/models/__init__.py": "from app.models.user import User",
                "app/models/user.py": "",
                "app/main.py": "from app.models import User\nfrom app.version import generated",
            },
            {
                "app/models/__init__.py": (".", "app.models"),
                "app/models/user.py": (".", "app.models.user"),
                "app/main.py": (".", "app.main"),
            },
            id="a module that is generated is missing",
        ),
        pytest.param(
            {"__init__.py": "", "x.py": ""},
            {"__init__.py": ("..", "work"), "x.py": ("..", "work.x")},
            id="a package at the top",
        ),
        pytest.param({"tool": ""}, {"tool": (".", "tool")}, id="a script without a suffix"),
        pytest.param(
            {
                "backend/app/__init__.py": "",
                "backend/app/core.py": "",
                "backend/app/main.py": "from app import core",
                "backend/app/services/__init__.py": "",
                "backend/app/services/novels.py": "from ..core import settings\nfrom ..db import session",
                "backend/app/services/optimizer.py": "from pacing import pace\nfrom rewriter import rewrite",
                "backend/app/services/pacing.py": "",
                "backend/app/services/rewriter.py": "",
            },
            {
                "backend/app/__init__.py": ("backend", "app"),
                "backend/app/core.py": ("backend", "app.core"),
                "backend/app/main.py": ("backend", "app.main"),
                "backend/app/services/__init__.py": ("backend", "app.services"),
                "backend/app/services/novels.py": ("backend", "app.services.novels"),
                "backend/app/services/optimizer.py": ("backend", "app.services.optimizer"),
                "backend/app/services/pacing.py": ("backend", "app.services.pacing"),
                "backend/app/services/rewriter.py": ("backend", "app.services.rewriter"),
            },
            id="what its files import from above it says that a package is no root",
        ),
    ],
)
def test_names(files: dict[str, str], expected: dict[str, tuple[str, str]]) -> None:
    assert names(files) == expected


def test_a_declared_root_holds_against_every_vote() -> None:
    files = {"lib/app/models.py": "", "lib/main.py": "from app.models import X"}
    assert names(files)["lib/app/models.py"] == ("lib", "app.models")
    assert names(files, (".",))["lib/app/models.py"] == (".", "lib.app.models")
    assert names(files, (".", "lib/app"))["lib/app/models.py"] == ("lib/app", "models")


def test_imports_are_resolved_as_python_would() -> None:
    files = {
        "app/__init__.py": "from .db import User",
        "app/db/__init__.py": "from app.db.models import *",
        "app/db/models.py": "from ..settings import url",
        "app/settings.py": "",
        "app/api.py": "from app import db, settings\nimport app.db.models as m",
        "app/utils.py": "import os, json\nfrom sqlalchemy import select",
        "tests/test_api.py": "from app.api import (\n  one,  # first)\n  two,\n)\nfrom . import helpers",
        "tests/helpers.py": "",
    }
    assert edges(files) == {
        "app/__init__.py": ["app/db/__init__.py"],
        "app/db/__init__.py": ["app/db/models.py"],
        "app/db/models.py": ["app/settings.py"],
        "app/settings.py": [],
        "app/api.py": ["app/__init__.py", "app/db/__init__.py", "app/db/models.py", "app/settings.py"],
        "app/utils.py": [],
        "tests/test_api.py": ["app/api.py", "tests/helpers.py"],
        "tests/helpers.py": [],
    }


def test_each_root_imports_its_own_twin() -> None:
    files = {
        "a/app/models.py": "",
        "a/app/main.py": "from app.models import X",
        "b/app/models.py": "",
        "b/app/main.py": "from app.models import X",
        "a/tests/unit/test_x.py": "from app.models import X",
        "scripts/seed.py": "from app.models import X",
    }
    found = edges(files)
    assert found["a/app/main.py"] == found["a/tests/unit/test_x.py"] == ["a/app/models.py"]
    assert found["b/app/main.py"] == ["b/app/models.py"]
    assert found["scripts/seed.py"] == []  # either; nothing says which


# --- against Python --------------------------------------------------------------------------------

SEGMENTS = ["a", "b", "c"]
TREES = st.dictionaries(
    st.lists(st.sampled_from(SEGMENTS), min_size=0, max_size=3).flatmap(
        lambda directory: st.sampled_from(["__init__.py", "a.py", "b.py", "d.py"]).map(
            lambda name: "/".join([*directory, name])
        )
    ),
    st.none(),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES)
def test_a_package_tree_is_named_as_import_names_it(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, None]
) -> None:
    """Each file gets a name under which Python, started with that root, finds that very file."""
    root = tmp_path_factory.mktemp("tree")
    top = root / "top"
    for name in tree:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    files = [str(top / name) for name in tree]
    named = Layout(files, {path: [] for path in files}).names
    script = (
        "import sys, json\n"
        "from importlib.machinery import PathFinder\n"
        "def find(name, path):\n"
        "    spec = None\n"
        "    for part in name.split('.'):\n"
        "        spec = PathFinder.find_spec(part, path)\n"
        "        path = spec and spec.submodule_search_locations\n"
        "    return spec and spec.origin\n"
        "print(json.dumps([find(n, [r]) for n, r in json.load(sys.stdin)]))\n"
    )
    import json

    asked = [(named[path].name, named[path].root) for path in files]
    answer = subprocess.run(
        [sys.executable, "-S", "-c", script],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    shadowed = {path for path in files if (Path(path).with_suffix("") / "__init__.py").exists()}
    for path, origin in zip(files, json.loads(answer.stdout), strict=True):
        assert origin == path or path in shadowed or _below_shadow(path, files)


def _below_shadow(path: str, files: list[str]) -> bool:
    """Python prefers `a/__init__.py` to `a.py`, and `a.py` to a namespace package `a/`."""
    return any(str(parent) + ".py" in files for parent in Path(path).parents)


# --- imports seen in bytes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a, b.c as d", [(0, "a", ()), (0, "b.c", ())]),
        ("from a.b import c as d, e", [(0, "a.b", ("c", "e"))]),
        ("from . import x", [(1, "", ("x",))]),
        ("from ...a import (b,\n c,  # no )\n)", [(3, "a", ("b", "c"))]),
        ("from a import *", [(0, "a", ("*",))]),
        ("from a import \\\n    b, \\\n    c", [(0, "a", ("b", "c"))]),
        ("\tfrom a import b;import c", [(0, "a", ("b",)), (0, "c", ())]),
        ("if x: from a import b", [(0, "a", ("b",))]),
        ("try: import a\r\nexcept ImportError: a = None", [(0, "a", ())]),
        ("from\ta\timport\tb", [(0, "a", ("b",))]),
        ("from .a import(b)", [(1, "a", ("b",))]),
        ("\fimport a", [(0, "a", ())]),
        ("importlib.reload(x)\nreimport = important = 1", []),
        ("x = yield_from\nimportant(1)", []),
        ("from a import (", [(0, "a", ())]),
        ("import", []),
    ],
)
def test_import_statements(source: str, expected: list[tuple[int, str, tuple[str, ...]]]) -> None:
    assert imports_of(source.encode()) == [ImportedName(*each) for each in expected]


def test_every_import_of_real_code_is_seen() -> None:
    """Against Python's own parser, on the standard library beside it."""
    import ast
    import sysconfig

    library = Path(sysconfig.get_path("stdlib"))
    missed: list[str] = []
    for path in sorted(
        [*library.glob("*.py"), *(library / "asyncio").glob("*.py"), *(library / "email").glob("*.py")]
    ):
        data = path.read_bytes()
        seen = {(each.level, each.module, name) for each in imports_of(data) for name in each.names or ("",)}
        for node in ast.walk(ast.parse(data)):
            wanted: list[tuple[int, str, str]] = []
            if isinstance(node, ast.Import):
                wanted = [(0, alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                wanted = [(node.level, node.module or "", alias.name) for alias in node.names]
            missed += [f"{path.name}:{node.lineno}" for each in wanted if each not in seen]
    assert not missed


@given(st.binary())
def test_any_bytes_have_imports_or_none(data: bytes) -> None:
    assert isinstance(imports_of(data), list)
    assert isinstance(imports_of(b"from a import (" + data), list)
