# ruff: noqa: E501
"""Our Models are held against the mappers that SQLAlchemy makes of the very same source."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .model_styles import STYLES
from .truth import Shape, execute, make_index, understand


def compare(source: str) -> None:
    truth, ours = execute(source), understand(make_index({"models": source}))
    assert ours.keys() == truth.keys()
    for name in truth:
        check_model(name, truth[name], ours[name])


def check_model(name: str, truth: Shape, ours: Shape) -> None:
    for part in ("relationships", "columns"):
        assert ours[part].keys() == truth[part].keys(), f"{name}.{part}"
        for key, expected in truth[part].items():
            found = dict(ours[part][key])
            expected = dict(expected)
            if part == "columns":
                assert len(found["foreign_keys"]) == len(expected["foreign_keys"]), f"{name}.{key}"
                if any(reference.startswith("<") for reference in found["foreign_keys"]):
                    del found["foreign_keys"], expected["foreign_keys"]
            assert found == expected, f"{name}.{key}"
    for part in truth.keys() - {"relationships", "columns"}:
        assert ours[part] == truth[part], f"{name}: {part}"


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_style(style: str) -> None:
    compare(STYLES[style])


# --- model graphs --------------------------------------------------------------------------------

HEADER = """
from __future__ import annotations
from typing import List, Optional
from sqlalchemy import Column, ForeignKey, Integer, Table, func
from sqlalchemy.orm import DeclarativeBase, DynamicMapped, Mapped, WriteOnlyMapped, backref, mapped_column, relationship
import sqlalchemy.orm

class Base(DeclarativeBase):
    pass
"""
LAZY = [
    "select",
    "joined",
    "selectin",
    "subquery",
    "immediate",
    "raise",
    "raise_on_sql",
    "noload",
    True,
    False,
    None,
]


class Graph:
    """Classes M0…Mn as lines of source, and links between them."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        count = draw(st.integers(2, 5))
        self.classes: list[list[str]] = []
        self.parents: list[int | None] = []
        self.tables: list[str] = []
        for number in range(count):
            parent = draw(st.sampled_from([None, None, *range(number)])) if number else None
            self.parents.append(parent)
            self.classes.append(self.opening(number, parent))
        for number in range(draw(st.integers(1, 6))):
            self.link(number)

    def opening(self, number: int, parent: int | None) -> list[str]:
        if parent is None:
            legacy = self.draw(st.booleans())
            key = (
                "id = Column(Integer, primary_key=True)"
                if legacy
                else "id: Mapped[int] = mapped_column(primary_key=True)"
            )
            lines = [f"class M{number}(Base):", f"    __tablename__ = 't{number}'", f"    {key}"]
            lines += ["    kind: Mapped[str]", "    __mapper_args__ = {'polymorphic_on': 'kind'}"]
        else:
            lines = [f"class M{number}(M{parent}):"]
            if self.draw(st.booleans()):
                table = self.table(parent)
                lines += [
                    f"    __tablename__ = 't{number}'",
                    f"    id: Mapped[int] = mapped_column(ForeignKey('t{table}.id'), primary_key=True)",
                ]
        identity = f"'polymorphic_on': 'kind', 'polymorphic_identity': 'm{number}'"
        lines = [line for line in lines if "__mapper_args__" not in line]
        identity = identity if parent is None else f"'polymorphic_identity': 'm{number}'"
        return [*lines, f"    __mapper_args__ = {{{identity}}}"]

    def table(self, number: int) -> int:
        """Whose table a class is stored in."""
        own = any("__tablename__" in line for line in self.classes[number])
        parent = self.parents[number]
        return number if own or parent is None else self.table(parent)

    def lazy(self) -> str:
        chosen = self.draw(st.sampled_from([None, None, *LAZY]))
        return "" if chosen is None else f", lazy={chosen!r}"

    def name(self, number: int) -> str:
        return self.draw(st.sampled_from([f"'M{number}'", f"lambda: M{number}"]))

    def link(self, number: int) -> None:
        # `child` holds the foreign key; between classes of one hierarchy SQLAlchemy wants more than we say here.
        child = self.draw(st.integers(0, len(self.classes) - 1))
        others = [one for one in range(len(self.classes)) if self.root(one) != self.root(child)]
        itself = self.draw(st.booleans()) and self.parents[child] is None
        kind = self.draw(st.sampled_from(["populates", "backref", "one", "many", "scalar", "through"]))
        if itself:
            self.itself(number, child)
        elif others:
            self.between(number, child, self.draw(st.sampled_from(others)), kind)

    def root(self, number: int) -> int:
        parent = self.parents[number]
        return number if parent is None else self.root(parent)

    def itself(self, number: int, child: int) -> None:
        lines = self.classes[child]
        lines.append(f"    up{number}_id: Mapped[Optional[int]] = mapped_column(ForeignKey('t{child}.id'))")
        key = f"foreign_keys=[up{number}_id]"
        if self.draw(st.booleans()):
            lines.append(
                f"    up{number}: Mapped[Optional[M{child}]] = relationship({key}, remote_side='M{child}.id'"
                f", back_populates='down{number}'{self.lazy()})"
            )
            lines.append(
                f"    down{number}: Mapped[List['M{child}']] = relationship({key}, back_populates='up{number}'{self.lazy()})"
            )
        else:
            lines.append(
                f"    down{number} = relationship('M{child}', {key}"
                f", backref=backref('up{number}', remote_side='M{child}.id'{self.lazy()}))"
            )

    def between(self, number: int, child: int, parent: int, kind: str) -> None:
        down, up = f"r{number}s", f"r{number}"
        column = f"{up}_id"
        if kind == "through":
            self.tables.append(
                f"a{number} = Table('a{number}', Base.metadata, Column('l', ForeignKey('t{self.table(child)}.id')),"
                f" Column('r', ForeignKey('t{self.table(parent)}.id')))"
            )
            secondary = self.draw(st.sampled_from([f"'a{number}'", f"lambda: a{number}"]))
            self.classes[child].append(
                f"    {up}: Mapped[set[M{parent}]] = relationship(secondary={secondary}, back_populates='{down}'{self.lazy()})"
            )
            self.classes[parent].append(
                f"    {down} = relationship({self.name(child)}, secondary={secondary}, back_populates='{up}'{self.lazy()})"
            )
            return
        self.classes[child].append(
            f"    {column}: Mapped[Optional[int]] = mapped_column(ForeignKey('t{self.table(parent)}.id'))"
        )
        far = f"foreign_keys='M{child}.{column}'"
        if kind in ("populates", "scalar"):
            many = {"populates": f"Mapped[list[M{child}]]", "scalar": f"Mapped[Optional['M{child}']]"}[kind]
            self.classes[parent].append(
                f"    {down}: {many} = relationship({far}, back_populates='{up}'{self.lazy()})"
            )
            self.classes[child].append(
                f"    {up}: Mapped[Optional['M{parent}']] = relationship(foreign_keys=[{column}], back_populates='{down}'{self.lazy()})"
            )
        elif kind == "backref":
            uselist = self.draw(st.sampled_from(["", ", uselist=False"]))
            self.classes[child].append(
                f"    {up} = relationship({self.name(parent)}, foreign_keys={column}"
                f", backref=backref('{down}'{uselist}{self.lazy()}){self.lazy()})"
            )
        elif kind == "one":
            self.classes[child].append(
                f"    {up} = sqlalchemy.orm.relationship({self.name(parent)}, foreign_keys=lambda: M{child}.{column}{self.lazy()})"
            )
        else:
            wrapper = self.draw(st.sampled_from(["DynamicMapped", "WriteOnlyMapped"]))
            self.classes[parent].append(f"    {down}: {wrapper}['M{child}'] = relationship({far})")

    def source(self) -> str:
        return "\n".join([HEADER, *("\n".join(lines) + "\n" for lines in self.classes), *self.tables])


@st.composite
def graphs(draw: st.DrawFn) -> str:
    return Graph(draw).source()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_a_graph_of_models(source: str) -> None:
    compare(source)
