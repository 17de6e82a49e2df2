"""The public name of something outside of the project, by whatever road it was imported."""

from __future__ import annotations

from functools import lru_cache

from asyncsqla_lint.project.sqlalchemy_names import EXCEPTIONS, EXPORTS

_FIXED = {
    "typing_extensions": "typing",
    "sqlalchemy.ext.declarative": "sqlalchemy.orm",
    "flask_sqlalchemy.model.Model": "flask_sqlalchemy.SQLAlchemy.Model",
    "flask_sqlalchemy.extension.SQLAlchemy": "flask_sqlalchemy.SQLAlchemy",
    "sqlmodel.main": "sqlmodel",
    "sqlmodel.sql.expression": "sqlmodel",
    "sqlmodel.ext.asyncio.session.AsyncSession": "sqlmodel.ext.asyncio.AsyncSession",
    "pydantic.main": "pydantic",
    "pydantic.fields": "pydantic",
    "fastapi.params": "fastapi",
    "fastapi.param_functions": "fastapi",
}


@lru_cache(maxsize=65536)
def canonical(name: str) -> str:
    """The public name of something outside of the project, however it was imported."""
    root = name.partition(".")[0]
    if root == "sqlalchemy":
        return _canonical_sqlalchemy(name)
    if root == "sqlmodel" and name.count(".") == 1:
        # What sqlmodel hands on unchanged keeps SQLAlchemy's own name; these are its own.
        member = name[9:]
        if member not in ("select", "Session", "col", "AutoString", "SQLModel", "Field", "Relationship"):
            home = EXPORTS["sqlalchemy"].get(member)
            if home is not None:
                return home
        return name
    if name.startswith("flask_sqlalchemy.SQLAlchemy."):
        member = name[28:]
        for home in ("sqlalchemy", "sqlalchemy.orm"):
            if member in EXPORTS[home]:
                return EXPORTS[home][member]
    for prefix, public in _FIXED.items():
        if name == prefix or name.startswith(prefix + "."):
            return public + name[len(prefix) :]
    return name


def _canonical_sqlalchemy(name: str) -> str:
    if name.startswith("sqlalchemy.ext.declarative."):
        name = "sqlalchemy.orm." + name.rpartition(".")[2]
    parts = name.split(".")
    for count in range(2, len(parts) + 1):
        fixed = EXCEPTIONS.get(".".join(parts[:count]))
        if fixed is not None:
            return ".".join((fixed, *parts[count:]))
        if parts[1] == "dialects":
            continue
        member = parts[count - 1]
        for depth in range(count - 1, 0, -1):
            home = EXPORTS.get(".".join(parts[:depth]))
            if home is not None and member in home:
                return ".".join((home[member], *parts[count:]))
    return name
