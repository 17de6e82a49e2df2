"""Every way to import one object → one name: the shortest public one.

`sqlalchemy.orm.strategy_options.selectinload` → `sqlalchemy.orm.selectinload`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
import warnings
from types import ModuleType

SKIPPED = ("testing", "ext.mypy", "cyextension", "provision", "_")


def modules(package: str) -> dict[str, ModuleType]:
    found: dict[str, ModuleType] = {}
    root = importlib.import_module(package)
    for entry in [package, *(m.name for m in pkgutil.walk_packages(root.__path__, package + "."))]:
        below = entry.removeprefix(package).lstrip(".")
        if any(below.startswith(part) or f".{part}" in entry for part in SKIPPED):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[entry] = importlib.import_module(entry)
        except ImportError:  # an optional dependency
            continue
    return found


def aliases(package: str, owner: str | None = None) -> dict[str, dict[str, str]]:
    """Module → name → canonical name, where that is another. `owner` is whose objects count."""
    owners = (package, *([owner] if owner else []))
    paths: dict[int, list[str]] = {}
    named: dict[str, str] = {}  # path → the name that the object gives itself
    kept: list[object] = []  # so that no id is used twice
    searched = dict(modules(package))
    for other in owners[1:]:
        searched.update(modules(other))
    for name, module in searched.items():
        for attribute, value in vars(module).items():
            if not attribute.startswith("_") and _counts(value, owners):
                kept.append(value)
                paths.setdefault(id(value), []).append(f"{name}.{attribute}")
                named[f"{name}.{attribute}"] = getattr(value, "__name__", attribute)
    table: dict[str, dict[str, str]] = {}
    for same in paths.values():
        canonical = min(same, key=lambda path: _order(path, named[path]))
        for path in same:
            module_name, _, attribute = path.rpartition(".")
            if path != canonical and module_name.startswith(package):
                table.setdefault(module_name, {})[attribute] = canonical
    return table


def _order(path: str, name: str) -> tuple[bool, bool, int, int, str]:
    """SQLModel hands on SQLAlchemy's objects: those keep SQLAlchemy's names."""
    # `sqlalchemy.INT` is `INTEGER` by another name, and the shorter.
    is_nickname = path.rpartition(".")[2] != name
    return (path.startswith("sqlmodel"), is_nickname, path.count("."), len(path), path)


def _counts(value: object, owners: tuple[str, ...]) -> bool:
    if isinstance(value, (ModuleType, typing.TypeVar)):
        return False
    if inspect.isclass(value) or inspect.isroutine(value):
        home = getattr(value, "__module__", None) or ""
    else:
        # `func`, `event` and their like are instances of SQLAlchemy's own classes.
        home = type(value).__module__
    return isinstance(home, str) and home.split(".")[0] in owners
