"""The public name of something outside of the project, by whatever road it was imported."""

from __future__ import annotations

from functools import lru_cache

from asyncsqla_lint.knowledge import names
from asyncsqla_lint.knowledge.releases import RELEASES

# What other packages call the same thing, or where they keep it inside.
_MOVED = {
    "typing_extensions": "typing",
    "sqlalchemy.ext.declarative": "sqlalchemy.orm",
    "sqlalchemy.ext.declarative.api": "sqlalchemy.orm",
    "flask_sqlalchemy.model.Model": "flask_sqlalchemy.SQLAlchemy.Model",
    "flask_sqlalchemy.extension.SQLAlchemy": "flask_sqlalchemy.SQLAlchemy",
    "fastapi_users.db": "fastapi_users_db_sqlalchemy",
    "pydantic.main": "pydantic",
    "pydantic.fields": "pydantic",
    "fastapi.params": "fastapi",
    "fastapi.param_functions": "fastapi",
}
_FLASK = "flask_sqlalchemy.SQLAlchemy."


@lru_cache(maxsize=65536)
def canonical(name: str) -> str:
    """One name for every way to import the same object; an attribute of it follows."""
    prefix = name
    while prefix:
        moved = _MOVED.get(prefix)
        if moved is not None:
            name = moved + name[len(prefix) :]
            break
        prefix = prefix.rpartition(".")[0]
    if name.startswith(_FLASK):
        # `db.Column`, `db.relationship`: the extension hands on what these two export.
        member, _, rest = name[len(_FLASK) :].partition(".")
        for home in ("sqlalchemy", "sqlalchemy.orm"):
            if member in exports(home):
                return canonical(".".join((home, member, rest) if rest else (home, member)))
        return name
    for release in reversed(RELEASES):
        found = names.canonical(name, release)
        if found != name:
            return found
    return name


@lru_cache
def exports(module: str) -> frozenset[str]:
    """The public names of one of SQLAlchemy's modules: what a star import brings."""
    found: set[str] = set()
    for release in RELEASES:
        known = names.aliases(release)
        found.update(known.get(module, ()))
        for table in known.values():
            for full in table.values():
                home, _, name = full.rpartition(".")
                if home == module:
                    found.add(name)
    return frozenset(found)
