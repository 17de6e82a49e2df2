"""The codemods by name, found by walking `codemods/`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from asyncsqla_lint.fixes import codemods
from asyncsqla_lint.fixes.codemod import Codemod


@lru_cache(maxsize=1)
def by_name() -> dict[str, Codemod]:
    found: dict[str, Codemod] = {}
    for module in pkgutil.iter_modules(codemods.__path__):
        loaded = importlib.import_module(f"{codemods.__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, Codemod) and value.__module__ == loaded.__name__:
                if "name" in vars(value):
                    found[value.name] = value()
    return dict(sorted(found.items()))
