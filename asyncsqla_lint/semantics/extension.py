"""Where a project first imports SQLAlchemy's asyncio extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import Module
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.semantics.engine_events import GreenletMissing
from asyncsqla_lint.workspace.config import Greenless

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

EXTENSION = "sqlalchemy.ext.asyncio"


def register(meanings: Meanings) -> None:
    meanings.when_module_ended.append(module_ended)


def told(flow: Flow, lacking: Greenless) -> None:
    """The project asks for SQLAlchemy in words that install no greenlet."""
    flow.memory["lacks greenlet"] = lacking


def module_ended(flow: Flow, frame: Frame, states: list[State]) -> None:
    lacking = flow.memory.get("lacks greenlet")
    if not isinstance(lacking, Greenless) or not flow.listens(GreenletMissing):
        return
    if first_importer(flow) is frame.module:
        statement = _import_in(frame.module)
        assert statement is not None
        flow.emit(GreenletMissing(flow.site(statement.span), frame, True, lacking))


def first_importer(flow: Flow) -> Module | None:
    """The first module, by its path, that imports the extension at its top level."""

    def first() -> Module | None:
        modules = sorted(flow.index.modules.values(), key=lambda module: module.path)
        importing = (one for one in modules if one.says("asyncio") and _import_in(one) is not None)
        return next(importing, None)

    return kept(flow.index, "first_importer", first)


def _import_in(module: Module) -> p.Import | p.ImportFrom | None:
    for node in walk(module.program.statements):
        if isinstance(node, p.ImportFrom) and node.level == 0:
            if node.module == EXTENSION or node.module.startswith(EXTENSION + "."):
                return node
        elif isinstance(node, p.Import) and any(alias.name.startswith(EXTENSION) for alias in node.names):
            return node
    return None
