"""Small model modules in the styles that teams write; each runs on real SQLAlchemy."""

# ruff: noqa: E501
from __future__ import annotations

STYLES: dict[str, str] = {}

STYLES["annotated"] = """
from __future__ import annotations
from datetime import datetime
from typing import Annotated, List, Optional
from sqlalchemy import Column, ForeignKey, String, func
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, deferred, mapped_column, relationship

intpk = Annotated[int, mapped_column(primary_key=True)]
stamp = Annotated[datetime, mapped_column(server_default=func.now(), onupdate=func.now())]

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(String(30), index=True)
    nick: Mapped[Optional[str]]
    bio: Mapped[str | None] = mapped_column(deferred=True)
    notes: Mapped[str | None] = mapped_column(deferred_group="long", deferred_raiseload=True)
    changed: Mapped[stamp]
    essay: Mapped[str] = deferred(mapped_column(default="…"))
    legacy: Mapped[str] = Column(String)
    wrapped: Mapped[str] = column_property(mapped_column())
    books: Mapped[List[Book]] = relationship(back_populates="author", lazy="selectin", order_by="Book.id")
    profile: Mapped[Optional["Profile"]] = relationship(back_populates="author")

class Book(Base):
    __tablename__ = "book"
    id: Mapped[intpk]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped["Author"] = relationship(back_populates="books", innerjoin=True, lazy="joined")

class Profile(Base):
    __tablename__ = "profile"
    id: Mapped[intpk]
    author_id: Mapped[int] = mapped_column(ForeignKey(Author.id))
    author: Mapped[Author] = relationship(back_populates="profile", lazy="raise")
"""

STYLES["classic"] = """
import datetime
import uuid
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import backref, declarative_base

Base = declarative_base()

def new_id():
    return str(uuid.uuid4())

class Node(Base):
    __tablename__ = "nodes"
    id = sa.Column("node_id", sa.Integer, primary_key=True)
    token = sa.Column(sa.String, default=new_id, onupdate=lambda: "x", nullable=False)
    made = sa.Column(sa.DateTime, default=datetime.datetime.utcnow, server_default=sa.text("CURRENT_TIMESTAMP"))
    seen = sa.Column(sa.DateTime, default=sa.func.now(), onupdate=sa.func.now())
    blob = orm.deferred(sa.Column(sa.LargeBinary), group="heavy")
    doubled = orm.column_property(sa.literal_column("1") + 1, deferred=True)
    plain = orm.column_property(sa.Column(sa.String))
    parent_id = sa.Column(sa.ForeignKey("nodes.node_id"))
    children = orm.relationship("Node", backref=backref("parent", remote_side=[id], lazy="joined"), lazy="subquery", join_depth=2)

class Leaf(Base):
    __tablename__ = "leaves"
    id = sa.Column(sa.Integer, primary_key=True)
    node_id = sa.Column(sa.Integer, sa.ForeignKey(Node.id), nullable=False)
    node = orm.relationship(Node, backref="leaves", uselist=False)
    kind = orm.synonym("node_id")
    quirk = orm.query_expression()
"""

STYLES["many_to_many"] = """
from __future__ import annotations
from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import DeclarativeBase, DynamicMapped, Mapped, WriteOnlyMapped, mapped_column, relationship

class Base(DeclarativeBase):
    pass

enrolment = Table(
    "enrolment", Base.metadata,
    Column("student_id", ForeignKey("student.id"), primary_key=True),
    Column("course_id", ForeignKey("course.id"), primary_key=True),
)

class Student(Base):
    __tablename__ = "student"
    id: Mapped[int] = mapped_column(primary_key=True)
    courses: Mapped[set["Course"]] = relationship(secondary=enrolment, back_populates="students")
    badges: DynamicMapped[Badge] = relationship(cascade="all, delete-orphan")
    logs: WriteOnlyMapped["Log"] = relationship(passive_deletes=True)
    course_names: AssociationProxy[list[str]] = association_proxy("courses", "name")

class Course(Base):
    __tablename__ = "course"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    students: Mapped[list["Student"]] = relationship(secondary="enrolment", back_populates="courses", lazy="selectin")
    visitors: Mapped[list["Student"]] = relationship(secondary=lambda: enrolment, viewonly=True, overlaps="students")

class Badge(Base):
    __tablename__ = "badge"
    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))

class Log(Base):
    __tablename__ = "log"
    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    old = relationship("Student", lazy="noload", overlaps="logs")
    badges = relationship("Badge", primaryjoin="Log.student_id == foreign(Badge.student_id)", viewonly=True)
"""

STYLES["mixins"] = """
from datetime import datetime
from sqlalchemy import FetchedValue, ForeignKey, func
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_mixin, declared_attr, mapped_column, relationship

class Base(AsyncAttrs, DeclarativeBase):
    __mapper_args__ = {"eager_defaults": True}

    @declared_attr.directive
    def __tablename__(cls) -> str:
        return "app_" + cls.__name__.lower()

    id: Mapped[int] = mapped_column(primary_key=True)

@declarative_mixin
class Stamped:
    created: Mapped[datetime] = mapped_column(server_default=func.now())
    updated: Mapped[datetime] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())

class Owned(Stamped):
    @declared_attr
    def owner_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("app_user.id"))

    @declared_attr
    def owner(cls) -> Mapped["User"]:
        return relationship("User", lazy="joined", foreign_keys=lambda: [cls.owner_id])

class Record(Base):
    __abstract__ = True
    revision: Mapped[int] = mapped_column(default=0)

class User(Record, Stamped):
    first: Mapped[str]
    files: Mapped[list["File"]] = relationship(back_populates="owner", foreign_keys="File.owner_id")

    @hybrid_property
    def loud(self):
        return self.first.upper()

    @loud.expression
    def loud(cls):
        return func.upper(cls.first)

    @property
    def greeting(self):
        return f"hi {self.first}"

class File(Owned, Record):
    created = None
    size: Mapped[int]

    @declared_attr
    def owner(cls) -> Mapped["User"]:
        return relationship(User, back_populates="files", foreign_keys=[cls.owner_id])
"""

STYLES["inheritance"] = """
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

class Base(DeclarativeBase):
    pass

class Company(Base):
    __tablename__ = "company"
    id: Mapped[int] = mapped_column(primary_key=True)
    staff: Mapped[list["Employee"]] = relationship(back_populates="company")
    managers: Mapped[list["Manager"]] = relationship(viewonly=True)

class Employee(Base):
    __tablename__ = "employee"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    version: Mapped[int] = mapped_column()
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    company: Mapped[Company] = relationship(back_populates="staff")
    __mapper_args__ = {
        "polymorphic_on": "type", "polymorphic_identity": "employee", "with_polymorphic": "*", "version_id_col": version,
    }

class Manager(Employee):
    __tablename__ = "manager"
    id: Mapped[int] = mapped_column(ForeignKey("employee.id"), primary_key=True)
    budget: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "manager", "polymorphic_load": "inline"}
    reports: Mapped[list["Report"]] = relationship(back_populates="manager")

class Engineer(Employee):
    language: Mapped[str] = mapped_column(nullable=True)
    __mapper_args__ = {"polymorphic_identity": "engineer", "polymorphic_load": "selectin"}

class Report(Base):
    __tablename__ = "report"
    id: Mapped[int] = mapped_column(primary_key=True)
    manager_id: Mapped[int] = mapped_column(ForeignKey("manager.id"))
    manager: Mapped[Manager] = relationship(back_populates="reports")

class Archive(Report):
    __tablename__ = "archive"
    id: Mapped[int] = mapped_column(primary_key=True)
    manager_id: Mapped[int] = mapped_column(ForeignKey("manager.id"))
    title: Mapped[str]
    manager: Mapped[Manager] = relationship()
    __mapper_args__ = {"concrete": True}
"""

STYLES["dataclasses"] = """
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Optional
from sqlalchemy import Computed, ForeignKey, Identity, Integer, func
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, composite, mapped_column, registry, relationship

class Base(MappedAsDataclass, DeclarativeBase):
    pass

@dataclass
class Point:
    x: int
    y: int

class Shape(Base):
    __tablename__ = "shape"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, init=False)
    name: Mapped[str]
    area: Mapped[int] = mapped_column(Computed("id * 2"), init=False)
    rank: Mapped[int] = mapped_column(default=3)
    size: Mapped[int] = mapped_column(insert_default=func.abs(-1), init=False)
    start: Mapped[Point] = composite(mapped_column("x1"), mapped_column("y1"), default=None)
    corners: Mapped[list[Corner]] = relationship(default_factory=list, back_populates="shape")

class Corner(Base):
    __tablename__ = "corner"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    shape_id: Mapped[Optional[int]] = mapped_column(ForeignKey("shape.id"), init=False)
    shape: Mapped[Optional[Shape]] = relationship(back_populates="corners", default=None)
"""

STYLES["registry"] = """
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, String, Table, func
from sqlalchemy.orm import Mapped, mapped_column, registry, relationship

mapper_registry = registry()
Model = mapper_registry.generate_base()

order_table = Table(
    "orders", mapper_registry.metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String(10), onupdate=func.upper("x")),
    Column("total", Integer, key="amount"),
)
line_table = Table(
    "lines", mapper_registry.metadata,
    Column("id", Integer, primary_key=True),
    Column("order_id", ForeignKey("orders.id")),
)

class Order:
    pass

class Line:
    pass

def start_mappers():
    lines = mapper_registry.map_imperatively(Line, line_table)
    mapper_registry.map_imperatively(
        Order, order_table, properties={"lines": relationship(Line, backref="order", lazy="joined")}
    )

start_mappers()

@mapper_registry.mapped
class Shop:
    __tablename__ = "shop"
    country = Column(String, primary_key=True)
    number = Column(Integer, primary_key=True)
    tills = relationship("Till", back_populates="shop")

class Till(Model):
    __table__ = Table(
        "till", Model.metadata,
        Column("id", Integer, primary_key=True),
        Column("shop_country", String),
        Column("shop_number", Integer),
        ForeignKeyConstraint(["shop_country", "shop_number"], ["shop.country", "shop.number"]),
    )
    shop = relationship(Shop, back_populates="tills")

class Drawer(Model):
    __tablename__ = "drawer"
    __table_args__ = (
        ForeignKeyConstraint(["country", "number"], [Shop.country, Shop.number]),
        {"schema": "floor"},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str]
    number: Mapped[int]
    shop: Mapped["Shop"] = relationship()

class Coin(Model):
    __tablename__ = "coin"
    id: Mapped[int] = mapped_column(primary_key=True)
    drawer_id: Mapped[int] = mapped_column(ForeignKey("floor.drawer.id"))
    drawer: Mapped[Drawer] = relationship(backref="coins")

Coin.label = relationship("Label", back_populates="coin", uselist=False)

class Label(Model):
    __tablename__ = "label"
    id: Mapped[int] = mapped_column(ForeignKey("coin.id"), primary_key=True)
    coin: Mapped[Coin] = relationship(back_populates="label")
"""

STYLES["several_paths"] = """
from functools import partial
import sqlalchemy as sa
import sqlalchemy.orm as so
from sqlalchemy import func

class Base(so.DeclarativeBase):
    pass

LAZY = "selectin"
COMMON = {"lazy": LAZY, "viewonly": True}
required = partial(so.mapped_column, nullable=False)

def reference(target: str, **options):
    return so.mapped_column(sa.ForeignKey(target), **options)

def to_one(target, **options):
    return so.relationship(target, lazy="raise_on_sql", **options)

class Account(Base):
    __tablename__ = "account"
    id: so.Mapped[int] = so.mapped_column(primary_key=True)
    sent: so.Mapped[list["Transfer"]] = so.relationship(
        foreign_keys="[Transfer.source_id]", back_populates="source")
    received: so.Mapped[list["Transfer"]] = so.relationship(
        primaryjoin=lambda: Account.id == Transfer.target_id, back_populates="target")
    watched = so.relationship("Transfer", foreign_keys=lambda: Transfer.source_id, **COMMON)
    email: so.Mapped[str] = required(sa.String(20), server_default="x")

class Transfer(Base):
    __tablename__ = f"trans{'fer'}"
    id: so.Mapped[int] = so.mapped_column(primary_key=True)
    source_id: so.Mapped[int] = reference("account.id", nullable=False)
    target_id: so.Mapped[int] = reference(target="account.id")
    previous_id: so.Mapped[int | None] = reference("transfer.id")
    source: so.Mapped[Account] = so.relationship(foreign_keys=[source_id], back_populates="sent")
    target: so.Mapped[Account] = so.relationship(foreign_keys="Transfer.target_id", back_populates="received")
    previous: so.Mapped["Transfer"] = so.relationship(remote_side="Transfer.id", back_populates="following")
    following: so.Mapped[list["Transfer"]] = so.relationship(back_populates="previous")
    anyone = to_one("Account", foreign_keys=target_id, viewonly=True)
    stamp: so.Mapped[str] = so.mapped_column(default=sa.select(func.max(sa.literal(1))).scalar_subquery())
    again: so.Mapped[str] = so.mapped_column(onupdate=func.now() + sa.text("1"), default=str)

class Extra(Base):
    __tablename__ = "extra"
    id: so.Mapped[int] = so.mapped_column(sa.ForeignKey("account.id"), primary_key=True)
    account: so.Mapped["Account"] = so.relationship(backref=so.backref("extra", uselist=False, lazy="immediate"))
"""
