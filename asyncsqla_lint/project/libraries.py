"""What the bases and mixins of well-known libraries map, which the project's own source does not show."""

from __future__ import annotations

from dataclasses import dataclass

from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Column
from asyncsqla_lint.project.names import External, Module


@dataclass(frozen=True)
class Mapped:
    """One column: its name, and whether the program or the database fills it in."""

    name: str
    primary_key: bool = False
    default: str = ""
    onupdate: bool = False


_ALCHEMY = ("advanced_alchemy.", "litestar.contrib.sqlalchemy.", "litestar.plugins.sqlalchemy.")
BASE = "Base"  # what the names of its bases end with
_AUDIT = (Mapped("created_at", default="python"), Mapped("updated_at", default="python", onupdate=True))
_KEYS = {
    "UUID": (Mapped("id", True, "python"),),
    "UUIDv6": (Mapped("id", True, "python"),),
    "UUIDv7": (Mapped("id", True, "python"),),
    "NanoID": (Mapped("id", True, "python"),),
    "BigInt": (Mapped("id", True, "sql"),),
    "Identity": (Mapped("id", True, "sql"),),
}
_USER = tuple(
    Mapped(name, default=default)
    for name, default in (
        ("email", ""),
        ("hashed_password", ""),
        ("is_active", "python"),
        ("is_superuser", "python"),
        ("is_verified", "python"),
    )
)
_ACCOUNT = tuple(
    Mapped(name)
    for name in ("oauth_name", "access_token", "expires_at", "refresh_token", "account_id", "account_email")
)
_USERS = {
    "SQLAlchemyBaseUserTable": _USER,
    "SQLAlchemyBaseUserTableUUID": (*_KEYS["UUID"], *_USER),
    "SQLAlchemyBaseOAuthAccountTable": _ACCOUNT,
    "SQLAlchemyBaseOAuthAccountTableUUID": (*_KEYS["UUID"], *_ACCOUNT, Mapped("user_id")),
    "SQLAlchemyBaseAccessTokenTable": (Mapped("token", True), Mapped("created_at", default="python")),
    "SQLAlchemyBaseAccessTokenTableUUID": (
        Mapped("token", True),
        Mapped("created_at", default="python"),
        Mapped("user_id"),
    ),
}


def columns_of(external: str) -> tuple[Mapped, ...] | None:
    """What an external ancestor maps; None when that is not known."""
    short = external.rpartition(".")[2]
    if external.startswith(_ALCHEMY):
        stem = short.removesuffix("Base").removesuffix("Audit").removesuffix("PrimaryKey")
        audit = _AUDIT if short.endswith("AuditBase") or short == "AuditColumns" else ()
        if short in ("DefaultBase", "AdvancedDeclarativeBase", "CommonTableAttributes", "AuditColumns"):
            return audit
        return (*_KEYS[stem], *audit) if stem in _KEYS else None
    if external.startswith("fastapi_users_db_sqlalchemy."):
        return _USERS.get(short)
    return None


def is_base(external: str) -> bool:
    """Whether the classes below it are mapped."""
    return external.startswith(_ALCHEMY) and external.endswith(BASE)


def has_async_attrs(external: str) -> bool:
    short = external.rpartition(".")[2]
    return is_base(external) and short not in ("AdvancedDeclarativeBase", "ModelBase")


def read_columns(cls: ClassInfo) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for ancestor in reversed(cls.mro):
        if isinstance(ancestor, External):
            for one in columns_of(ancestor.name) or ():
                found[one.name] = _column(cls, cls.module, one)
    return found


def _column(cls: ClassInfo, module: Module, one: Mapped) -> Column:
    column = Column(one.name, cls, module, cls.definition.name_span)
    column.column_name = one.name
    column.primary_key = one.primary_key
    column.nullable = False
    if one.default:
        column.default = "sql" if one.default == "sql" else "python"
    column.onupdate = "python" if one.onupdate else None
    return column
