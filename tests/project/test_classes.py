"""Members, method resolution order, kinds and type arguments; Python itself is the judge of the order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.names import External

from .truth import make_index


def get(index: Index, name: str, module: str = "m") -> ClassInfo:
    found = index.lookup(index.modules[module], name)
    assert isinstance(found, ClassInfo)
    return found


@st.composite
def hierarchies(draw: st.DrawFn) -> list[list[int]]:
    """For each class, which earlier classes it derives from."""
    count = draw(st.integers(1, 8))
    return [
        draw(st.lists(st.integers(0, number - 1), unique=True, max_size=3)) if number else []
        for number in range(count)
    ]


@settings(max_examples=150, deadline=None)
@given(hierarchies())
def test_the_resolution_order_is_pythons(hierarchy: list[list[int]]) -> None:
    made: dict[str, type] = {}
    lines: list[str] = []
    for number, bases in enumerate(hierarchy):
        names = [f"C{base}" for base in bases if f"C{base}" in made]
        try:
            made[f"C{number}"] = type(f"C{number}", tuple(made[name] for name in names), {})
        except TypeError:  # Python refuses this order of bases
            continue
        lines.append(f"class C{number}({', '.join(names)}): ...")
    index = make_index({"m": "\n".join(lines)})
    for name, cls in made.items():
        assert [one.name for one in get(index, name).ancestors] == [one.__name__ for one in cls.__mro__[:-1]]


def test_inconsistent_and_circular_hierarchies_keep_every_ancestor() -> None:
    index = make_index(
        {"m": "class A: ...\nclass B(A): ...\nclass C(A, B): ...\nclass D(E): ...\nclass E(D): ...\n"}
    )
    assert {one.name for one in get(index, "C").ancestors} == {"A", "B", "C"}
    assert [one.name for one in get(index, "D").ancestors] == ["D", "E"]
    assert [one.name for one in get(index, "E").ancestors] == ["E", "D"]


def test_members() -> None:
    cls = get(
        make_index(
            {
                "m": """
import abc, functools
from sqlalchemy.ext.hybrid import hybrid_property
class A(abc.ABC):
    limit: int = 3
    later: str
    async def run(self): ...
    @property
    def size(self): return 1
    @size.setter
    def size(self, value): ...
    @functools.cached_property
    def heavy(self): ...
    @classmethod
    def make(cls): ...
    @staticmethod
    def help(): ...
    @abc.abstractmethod
    def must(self): ...
    @hybrid_property
    def both(self): ...
    @both.expression
    def both(cls): ...
    class Meta: ...
    if DEBUG:
        def extra(self): ...
    def _area(self): ...
    area = property(_area)
"""
            }
        ),
        "A",
    )
    kinds = {name: member.kind for name, member in cls.members.items()}
    assert kinds == {
        "limit": "value",
        "later": "value",
        "run": "method",
        "size": "property",
        "heavy": "cached_property",
        "make": "classmethod",
        "help": "staticmethod",
        "must": "method",
        "both": "property",
        "Meta": "class",
        "extra": "method",
        "_area": "method",
        "area": "property",
    }
    assert cls.members["must"].is_abstract and cls.members["size"].setter is not None
    assert cls.members["run"].function is not None and cls.members["run"].function.owner is cls
    getter = cls.members["both"].function
    assert getter is not None and getter.header.parameters[0].name == "self"


@pytest.mark.parametrize(
    ("source", "kind", "fields"),
    [
        (
            "from dataclasses import dataclass\n@dataclass\nclass A:\n x: int\n y: int = 1\n",
            "dataclass",
            "x y",
        ),
        (
            "import dataclasses as d\n@d.dataclass(frozen=True)\nclass B:\n x: int\nclass A(B):\n z: int\n",
            "dataclass",
            "x z",
        ),
        ("import attr\n@attr.s(auto_attribs=True)\nclass A:\n x: int\n", "attrs", "x"),
        (
            "from pydantic import BaseModel\nclass B(BaseModel):\n x: int\nclass A(B):\n y: 'int'\n",
            "pydantic",
            "x y",
        ),
        ("from typing import NamedTuple\nclass A(NamedTuple):\n x: int\n", "namedtuple", "x"),
        ("from typing import TypedDict\nclass A(TypedDict):\n x: int\n", "typeddict", "x"),
        ("import enum\nclass A(str, enum.Enum):\n X = 'x'\n", "enum", ""),
        (
            "from typing import ClassVar\nclass A:\n x: ClassVar[int]\n y: 'ClassVar[int]'\n z: int\n",
            "class",
            "z",
        ),
    ],
)
def test_kinds_and_fields(source: str, kind: str, fields: str) -> None:
    cls = get(make_index({"m": source}), "A")
    assert (cls.kind, list(cls.fields)) == (kind, fields.split())


GENERIC = """
from typing import Generic, TypeVar
T = TypeVar("T")
S = TypeVar("S")
class User: ...
class Order: ...
class Repository(Generic[T]):
    model: type[T]
class Service(Generic[S, T]):
    repository: Repository[T]
class SoftRepository(Repository[T]): ...
class UserRepository(SoftRepository[User]): ...
class Mixed(Service[Order, "User"], SoftRepository["Order"]): ...
class Bare(Repository): ...
class New[K]:
    item: K
class NewUser(New[User]): ...
class Middle[Q](New[Q]): ...
class NewOrder(Middle[Order]): ...
"""


@pytest.mark.parametrize(
    ("cls", "owner", "parameter", "argument"),
    [
        ("UserRepository", "Repository", "T", "User"),
        ("UserRepository", "SoftRepository", 0, "User"),
        ("UserRepository", None, "T", "User"),
        ("Mixed", "Service", "S", "Order"),
        ("Mixed", "Service", 1, "User"),
        ("Mixed", "Repository", "T", "Order"),
        ("Bare", "Repository", "T", None),
        ("NewUser", "New", "K", "User"),
        ("NewOrder", "New", "K", "Order"),
    ],
)
def test_type_arguments(cls: str, owner: str | None, parameter: str | int, argument: str | None) -> None:
    index = make_index({"m": GENERIC})
    found = get(index, cls).type_argument(parameter, None if owner is None else get(index, owner))
    if argument is None:
        assert found is None
    else:
        assert found is not None
        assert index.resolve(found.module, found.expression, found.scope) is get(index, argument)


def test_arguments_of_an_external_base() -> None:
    index = make_index(
        {
            "m": """
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from typing import TypeVar
T = TypeVar("T")
class User: ...
class Base(SQLAlchemyAsyncRepository[T]): ...
class Users(Base[User]): ...
"""
        }
    )
    users = get(index, "Users")
    assert users.is_subclass_of("advanced_alchemy.repository.SQLAlchemyAsyncRepository")
    assert users.is_subclass_of(get(index, "Base")) and not users.is_subclass_of(get(index, "User"))


def test_what_super_finds_and_who_implements() -> None:
    index = make_index(
        {
            "m": """
class A:
    def go(self): ...
class B(A):
    def go(self): ...
class C(A):
    def go(self): ...
class D(B, C): ...
"""
        }
    )
    d = get(index, "D")
    assert [one.name for one in get(index, "A").subclasses] == ["B", "C", "D"]
    first = d.find("go")
    assert first is not None and first[0].name == "B"
    second = d.find_after(first[0], "go")
    assert second is not None and second[0].name == "C"


def test_bases_made_by_calls() -> None:
    index = make_index(
        {
            "m": """
from collections import namedtuple
from sqlalchemy.orm import declarative_base
class Mixin: ...
Base = declarative_base(cls=Mixin)
class A(Base): ...
class P(namedtuple("P", "x y")): ...
class U(unknown()): ...
"""
        }
    )
    assert get(index, "A").is_subclass_of(get(index, "Mixin"))
    assert External("typing.NamedTuple") in get(index, "P").mro
    assert get(index, "U").has_unknown_base and not get(index, "P").has_unknown_base
