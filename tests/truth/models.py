"""The mapped classes that the facts are about, and the rows that each fact finds."""

from __future__ import annotations

from typing import Optional

from sqlalchemy import ForeignKey, MetaData, func
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    mapped_column,
    relationship,
)

# Optional[...], not `| None`: SQLAlchemy evaluates the annotations, under Python 3.10 too.
# ruff: noqa: UP045

metadata = MetaData()


class Base(DeclarativeBase):
    metadata = metadata


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="n")
    created: Mapped[Optional[str]] = mapped_column(server_default=func.now())
    updated: Mapped[Optional[str]] = mapped_column(server_default=func.now(), onupdate=func.now())
    biography: Mapped[Optional[str]] = mapped_column(deferred=True, default="b")
    posts: Mapped[list[Post]] = relationship(back_populates="author", cascade="all, delete-orphan")
    posts_dynamic: DynamicMapped[Post] = relationship(viewonly=True)
    posts_write_only: WriteOnlyMapped[Post] = relationship(viewonly=True)
    profile: Mapped[Optional[Profile]] = relationship(back_populates="user", uselist=False)

    @property
    def number_of_posts(self) -> int:
        return len(self.posts)

    def __repr__(self) -> str:
        return f"User({self.name})"


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="t")
    user_id: Mapped[Optional[int]] = mapped_column(ForeignKey("user.id"))
    author: Mapped[Optional[User]] = relationship(back_populates="posts")


class Profile(Base):
    __tablename__ = "profile"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user: Mapped[User] = relationship(back_populates="profile")


class Author(Base):
    """The users again, mapped with each other kind of `lazy`."""

    __table__ = User.__table__
    posts: Mapped[list[Post]] = relationship(viewonly=True)
    posts_immediate: Mapped[list[Post]] = relationship(viewonly=True, lazy="immediate")
    posts_noload: Mapped[list[Post]] = relationship(viewonly=True, lazy="noload")
    posts_raise_on_sql: Mapped[list[Post]] = relationship(viewonly=True, lazy="raise_on_sql")
    posts_raise: Mapped[list[Post]] = relationship(viewonly=True, lazy="raise")
    titles = association_proxy("posts", "title")

    @hybrid_property
    def number_of_posts(self) -> int:
        return len(self.posts)


class Animal(Base):
    __tablename__ = "animal"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Dog(Animal):
    __tablename__ = "dog"
    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    breed: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "dog"}


class Node(Base):
    __tablename__ = "node"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[Optional[int]] = mapped_column(ForeignKey("node.id"))
    children: Mapped[list[Node]] = relationship(lazy="selectin")


class AsyncBase(AsyncAttrs, DeclarativeBase):
    metadata = metadata


class Item(AsyncBase):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    subs: Mapped[list[Sub]] = relationship()


class Sub(AsyncBase):
    __tablename__ = "sub"
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))


def rows() -> list[object]:
    """User 1 has two posts and a profile, user 2 has neither; post 9 has no author."""
    return [
        User(id=1, name="a", posts=[Post(id=1), Post(id=2)], profile=Profile(id=1)),
        User(id=2, name="b"),
        Post(id=9),
        Item(id=1, subs=[Sub(id=1)]),
        Dog(id=1, breed="x"),
        Node(id=1, children=[Node(id=2)]),
    ]
