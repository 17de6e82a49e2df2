"""Imports are added once, where the file would have them, under a name that means nothing else there."""

from __future__ import annotations

import libcst as cst
import pytest

from asyncsqla_lint.fixes.codemod import File
from asyncsqla_lint.fixes.edits import applied
from asyncsqla_lint.fixes.tree import Refused


def imported(text: str, module: str, name: str, package: str = "") -> tuple[str, str]:
    """How the name is written at the end of the file, and the file with its import."""
    file = File(text, package)
    at = list(file.nodes(file.module, cst.Name))[-1]
    written, wanted = file.imports.reference(module, name, at)
    return written, applied(text, file.imports.added(wanted))


ORM = "sqlalchemy.orm"


def test_into_the_statement_that_is_there_sorted() -> None:
    text = "from sqlalchemy.orm import Mapped, relationship\n\nx\n"
    assert imported(text, ORM, "joinedload") == (
        "joinedload",
        "from sqlalchemy.orm import Mapped, joinedload, relationship\n\nx\n",
    )


def test_an_unsorted_statement_is_not_sorted_for_it() -> None:
    text = "from sqlalchemy.orm import relationship, Mapped\n\nx\n"
    assert imported(text, ORM, "joinedload")[1].startswith(
        "from sqlalchemy.orm import relationship, Mapped, joinedload\n"
    )


def test_into_lines() -> None:
    text = "from sqlalchemy.orm import (\n    Mapped,\n    relationship,  # why\n)\n\nx\n"
    assert imported(text, ORM, "joinedload")[1] == (
        "from sqlalchemy.orm import (\n    Mapped,\n    joinedload,\n    relationship,  # why\n)\n\nx\n"
    )
    assert imported(text, ORM, "selectinload")[1] == (
        "from sqlalchemy.orm import (\n    Mapped,\n    relationship,\n    selectinload,  # why\n)\n\nx\n"
    )


def test_what_is_there_is_used() -> None:
    text = "from sqlalchemy.orm import joinedload as jl\n\nx\n"
    assert imported(text, ORM, "joinedload") == ("jl", text)
    text = "import sqlalchemy as sa\n\nx\n"
    assert imported(text, "sqlalchemy", "text") == ("sa.text", text)
    text = "from sqlalchemy import orm\n\nx\n"
    assert imported(text, ORM, "joinedload") == ("orm.joinedload", text)


def test_a_package_without_its_module_does_not_do() -> None:
    text = "import sqlalchemy as sa\n\nx\n"
    assert imported(text, ORM, "joinedload") == (
        "joinedload",
        "import sqlalchemy as sa\nfrom sqlalchemy.orm import joinedload\n\nx\n",
    )


def test_a_block_of_its_kind() -> None:
    text = '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\n\nfrom .models import User\n\nx\n'
    assert imported(text, ORM, "joinedload", "app")[1] == (
        '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\n\nfrom sqlalchemy.orm import joinedload\n'
        "\nfrom .models import User\n\nx\n"
    )


def test_the_first_import_of_a_file() -> None:
    assert imported('"""Doc."""\n\n@x\ndef f(): ...\n\nx\n', ORM, "joinedload")[1] == (
        '"""Doc."""\n\nfrom sqlalchemy.orm import joinedload\n\n@x\ndef f(): ...\n\nx\n'
    )


def test_a_name_that_is_taken_gets_another() -> None:
    text = "from sqlalchemy import select\n\ntext = 'hi'\nx\n"
    written, after = imported(text, "sqlalchemy", "text")
    assert written == "sqlalchemy_text"
    assert after.startswith("from sqlalchemy import select, text as sqlalchemy_text\n")


def test_a_class_has_names_of_its_own() -> None:
    text = "from sqlalchemy import select\n\nclass Note:\n    text: str\n\nx\n"
    assert imported(text, "sqlalchemy", "text")[0] == "text"


def test_a_parameter_hides_the_import_where_it_stands() -> None:
    text = "from sqlalchemy import text\n\ndef f(text):\n    x\n"
    assert imported(text, "sqlalchemy", "text")[0] == "sqlalchemy_text"
    text = "from sqlalchemy import text\n\ndef f(text):\n    pass\n\nx\n"
    assert imported(text, "sqlalchemy", "text") == ("text", text)


def test_type_checking_imports_are_not_there_at_run_time() -> None:
    text = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from app.models import Post\n\nx\n"
    file = File(text, "app")
    at = list(file.nodes(file.module, cst.Name))[-1]
    with pytest.raises(Refused, match="type checking only"):
        file.imports.model("app.models", "Post", at)


def test_a_sibling_is_imported_as_its_neighbours_are() -> None:
    text = "from .models import User\n\nx\n"
    file = File(text, "app")
    at = list(file.nodes(file.module, cst.Name))[-1]
    written, wanted = file.imports.model("app.models", "Post", at)
    assert (written, applied(text, file.imports.added(wanted))) == (
        "Post",
        "from .models import Post, User\n\nx\n",
    )


def test_line_endings_are_the_file_s() -> None:
    text = "import os\r\n\r\nx\r\n"
    assert imported(text, ORM, "joinedload")[1] == (
        "import os\r\n\r\nfrom sqlalchemy.orm import joinedload\r\n\r\nx\r\n"
    )
