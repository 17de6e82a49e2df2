"""Registers what frameworks mean. One line for each file of this folder."""

from __future__ import annotations

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.frameworks import fastapi, pydantic, sqlmodel


def register(meanings: Meanings) -> None:
    pydantic.register(meanings)
    sqlmodel.register(meanings)
    fastapi.register(meanings)
