"""dishka: a container runs its providers once for each scope, and ends them when it is closed."""

from __future__ import annotations

from asyncsqla_lint.flow.meanings import Meanings


def register(meanings: Meanings) -> None:
    meanings.providers.update(("dishka.provide", "dishka.provider.provide"))
