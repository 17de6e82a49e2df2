"""Registers what frameworks mean. One line for each file of this folder."""

from __future__ import annotations

from asyncsqla_lint.flow.meanings import Meanings


def register(meanings: Meanings) -> None:
    return None
