# ruff: noqa: E501
"""Models across modules, in functions, and of libraries that the tests do not install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncsqla_lint import program as p
from asyncsqla_lint.program import start_of
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.models import AssociationProxy, Model, Relationship, UnknownAttribute
from asyncsqla_lint.syntax import SyntaxFailure, lower

from .model_styles import STYLES
from .truth import make_index, understand


def get(index: Index, name: str) -> Model:
    (model,) = (one for one in index.models if one.name == name)
    return model


def relationship(model: Model, name: str) -> Relationship:
    found = model.attributes[name]
    assert isinstance(found, Relationship)
    return found


SPREAD = {
    "shop.__init__": "",
    "shop.db.__init__": "from .base import Base as Base\n",
    "shop.db.base": """
import sqlalchemy.ext.asyncio as aio
from sqlalchemy.orm import DeclarativeBase
class Base(aio.AsyncAttrs, DeclarativeBase): ...
""",
    "shop.users.models": """
from __future__ import annotations
from typing import TYPE_CHECKING
from sqlalchemy.orm import Mapped, mapped_column, relationship
from shop.db import Base
if TYPE_CHECKING:
    from shop.orders.models import Order
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    orders: Mapped[list[Order]] = relationship(back_populates="user")
    notes = relationship("shop.notes.models.Note", back_populates="user")
    tags = relationship("Tag", backref="owners", secondary="tagging")
""",
    "shop.orders.models": """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship
from ..db.base import Base
from ..users import models as users
class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(users.User.id))
    user: Mapped[users.User] = relationship(back_populates="orders")
class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
""",
    "shop.notes.models": """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship
from shop.db import Base
class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user: Mapped["User"] = relationship(back_populates="notes")
""",
    "elsewhere": """
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Note(Base):
    __tablename__ = "other_notes"
""",
}


def test_models_spread_over_modules() -> None:
    index = make_index(SPREAD)
    user, order = get(index, "User"), get(index, "Order")
    assert relationship(user, "orders").target is order
    assert relationship(user, "orders").direction == "one-to-many"
    assert relationship(order, "user").direction == "many-to-one"
    note = relationship(user, "notes").target
    assert note is not None and note.module.name == "shop.notes.models"
    assert relationship(note, "user").target is user  # the registry knows it, no import does
    owners = relationship(get(index, "Tag"), "owners")
    assert owners.target is user and owners.inverse is relationship(user, "tags")
    assert user.has_async_attrs is True and not user.is_open
    assert next(one for one in index.models if one.module.name == "elsewhere").has_async_attrs is False


def test_an_attribute_knows_where_it_is_declared() -> None:
    index = make_index(SPREAD)
    found = relationship(get(index, "User"), "orders")
    source = SPREAD["shop.users.models"]
    assert source[start_of(found.span) :].startswith("orders: Mapped")
    owners = relationship(get(index, "Tag"), "owners")
    assert owners.module.name == "shop.users.models"
    assert source[start_of(owners.span) :].startswith("tags = relationship")


def test_models_inside_a_function_find_each_other() -> None:
    index = make_index(
        {
            "m": """
def test_it():
    from sqlalchemy import ForeignKey
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
    class Base(DeclarativeBase): ...
    class A(Base):
        __tablename__ = "a"
        id: Mapped[int] = mapped_column(primary_key=True)
        bs: Mapped[list["B"]] = relationship(backref="a")
    class B(Base):
        __tablename__ = "b"
        id: Mapped[int] = mapped_column(primary_key=True)
        a_id: Mapped[int] = mapped_column(ForeignKey("a.id"))
"""
        }
    )
    function = index.lookup(index.modules["m"], "test_it")
    assert isinstance(function, FunctionInfo)
    made: dict[str, Model] = {}
    for name in ("A", "B"):
        cls = index.resolve(function.module, p.Name(0, name), function)
        assert isinstance(cls, ClassInfo)
        model = index.model(cls)
        assert model is not None
        made[name] = model
    assert relationship(made["A"], "bs").target is made["B"]
    assert relationship(made["A"], "bs").direction == "one-to-many"
    assert relationship(made["B"], "a").target is made["A"]


SQLMODEL = """
from typing import ClassVar, List, Optional
from sqlalchemy import Column, String, func
from sqlalchemy.orm import relationship
from sqlmodel import Field, Relationship, SQLModel
class Link(SQLModel, table=True):
    hero_id: int | None = Field(default=None, foreign_key="hero.id", primary_key=True)
    team_id: Optional[int] = Field(default=None, foreign_key="team.id", primary_key=True)
class HeroBase(SQLModel):
    name: str = Field(index=True)
    changed: str | None = Field(default=None, sa_column_kwargs={"onupdate": func.now()})
class HeroRead(HeroBase):
    id: int
class Hero(HeroBase, table=True):
    model_config = ConfigDict()
    KIND: ClassVar[str] = "hero"
    id: int | None = Field(default=None, primary_key=True)
    secret: str = Field(sa_column=Column("sec", String))
    home_id: int | None = Field(default=None, foreign_key="team.id")
    home: Optional["Team"] = Relationship(back_populates="heroes")
    clubs: list["Team"] = Relationship(link_model=Link, sa_relationship_kwargs={"lazy": "selectin"})
class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    heroes: List["Hero"] = Relationship(sa_relationship=relationship("Hero", back_populates="home", lazy="joined"))
"""


def test_sqlmodel() -> None:
    # These facts were compared with what sqlmodel's own mappers say.
    index = make_index({"m": SQLMODEL})
    assert [one.name for one in index.models] == ["Link", "Hero", "Team"]
    shapes = understand(index)
    hero = shapes["Hero"]
    assert list(hero["columns"]) == ["name", "changed", "id", "secret", "home_id"]
    assert hero["columns"]["changed"]["onupdate"] == "sql"
    assert hero["columns"]["secret"]["name"] == "sec"
    assert hero["table"] == "hero" and hero["primary_key"] == ["id"] and hero["others"] == {}
    assert {
        name: (one["target"], one["direction"], one["uselist"], one["lazy"])
        for name, one in hero["relationships"].items()
    } == {
        "home": ("Team", "many-to-one", False, "select"),
        "clubs": ("Team", "many-to-many", True, "selectin"),
    }
    assert shapes["Team"]["relationships"]["heroes"]["lazy"] == "joined"
    assert shapes["Link"]["primary_key"] == ["hero_id", "team_id"]


def test_libraries_bases() -> None:
    index = make_index(
        {
            "m": """
from flask_sqlalchemy import SQLAlchemy
from advanced_alchemy.base import UUIDAuditBase
from fastapi_users.db import SQLAlchemyBaseUserTableUUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from somewhere import MysteryBase
db = SQLAlchemy()
class Base(DeclarativeBase): ...
class OldUser(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    posts = db.relationship("OldPost", backref="author", lazy="dynamic")
class OldPost(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.ForeignKey("old_user.id"))
class Account(UUIDAuditBase):
    name: Mapped[str]
class Member(SQLAlchemyBaseUserTableUUID, Base):
    nick: Mapped[str]
class Strange(MysteryBase):
    __tablename__ = "strange"
    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = helper_from_nowhere()
class NotMapped(MysteryBase):
    __tablename__ = "x"
"""
        }
    )
    old = get(index, "OldUser")
    assert relationship(old, "posts").lazy == "dynamic"
    assert relationship(get(index, "OldPost"), "author").direction == "many-to-one"
    account = get(index, "Account")
    assert list(account.columns) == ["id", "created_at", "updated_at", "name"]
    assert account.primary_key == ("id",) and account.has_async_attrs is True and not account.is_open
    member = get(index, "Member")
    assert not member.is_open and {"id", "email", "nick"} < member.columns.keys()
    strange = get(index, "Strange")
    assert strange.is_open and strange.has_async_attrs is None
    assert isinstance(strange.attributes["what"], UnknownAttribute)
    assert "NotMapped" not in {one.name for one in index.models}


def test_what_cannot_be_told_is_unknown() -> None:
    index = make_index(
        {
            "m": """
from settings import LAZY, OPTIONS
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
class Base(DeclarativeBase): ...
class A(Base):
    __tablename__ = "a"
    id: Mapped[int] = mapped_column(primary_key=True)
    one: Mapped["Gone"] = relationship(lazy=LAZY)
    two: Mapped["A"] = relationship(**OPTIONS)
    three: Mapped[str] = mapped_column(onupdate=LAZY)
    four = association_proxy_of("one")
"""
        }
    )
    a = get(index, "A")
    one = relationship(a, "one")
    assert (one.target, one.lazy, one.uselist) == (None, None, False)
    assert relationship(a, "two").lazy is None
    assert a.columns["three"].onupdate == "unknown"
    assert isinstance(a.attributes["four"], UnknownAttribute)


def test_dataclass_parameters_and_proxies() -> None:
    index = make_index({"m": STYLES["dataclasses"], "n": STYLES["many_to_many"]})
    assert get(index, "Shape").parameters == ("name", "rank", "start", "corners")
    assert get(index, "Corner").parameters == ("shape",)
    proxy = get(index, "Student").attributes["course_names"]
    assert isinstance(proxy, AssociationProxy) and (proxy.collection, proxy.attribute) == ("courses", "name")


# --- totality ------------------------------------------------------------------------------------


def touch(*values: object) -> None:
    """The values have been computed; that none of them raised is the point."""


def ask_everything(index: Index) -> None:
    understand(index)
    for model in index.models:
        touch(model.parameters, model.subclasses, model.with_polymorphic, model.has_async_attrs, model.schema)
    for module in index.modules.values():
        for name in module.names.bindings:
            index.lookup(module, name)
    for cls in index.classes:
        touch(cls.kind, cls.fields, cls.has_unknown_base, cls.subclasses)
        for parameter in cls.type_parameters:
            cls.type_argument(parameter)
        for member in cls.members.values():
            if member.annotated is not None:
                index.type(member.annotated)
            if member.function is not None:
                touch(member.function.decorators, member.function.returned)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(STYLES)), st.lists(st.integers(0, 80), min_size=1, max_size=12), st.booleans())
def test_a_damaged_source_is_understood_as_far_as_it_goes(style: str, lines: list[int], twice: bool) -> None:
    text = STYLES[style].splitlines(keepends=True)
    kept = [line for number, line in enumerate(text) if number not in lines]
    if twice:  # duplicate classes, and bases that come after
        kept = kept + kept[len(kept) // 2 :]
    try:
        program = lower("".join(kept))
    except SyntaxFailure:
        return
    ask_everything(Index([Module("m", "m.py", False, program)]))


def test_the_standard_library_raises_nothing() -> None:
    library = Path(sys.modules["typing"].__file__ or "").parent
    modules = []
    for name in ("typing", "enum", "dataclasses", "collections", "asyncio", "unittest", "email", "json"):
        path = library / name
        for file in sorted(path.rglob("*.py"))[:12] if path.is_dir() else [path.with_suffix(".py")]:
            parts = file.relative_to(library).with_suffix("").parts
            package = parts[-1] == "__init__"
            dotted = ".".join(parts[:-1] if package else parts)
            modules.append(Module(dotted, str(file), package, lower(file.read_text("utf-8"))))
    index = Index(modules)
    ask_everything(index)
    assert index.models == () and len(index.classes) > 200


@pytest.mark.parametrize("count", [400])
def test_cost_grows_with_the_project(count: int) -> None:
    """A project of many models is understood in far less time than it takes to lower it."""
    sources = {"base": "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ...\n"}
    for number in range(count):
        other = (number * 7) % count
        sources[f"models{number}"] = f"""
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship
from base import Base
class M{number}(Base):
    __tablename__ = "t{number}"
    id: Mapped[int] = mapped_column(primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("t{other}.id"))
    other: Mapped["M{other}"] = relationship(backref="r{number}", foreign_keys=[other_id], remote_side="M{other}.id")
"""
    index = make_index(sources)
    shapes = understand(index)
    assert len(shapes) == count
    for shape in shapes.values():
        assert shape["relationships"]["other"]["direction"] == "many-to-one"
