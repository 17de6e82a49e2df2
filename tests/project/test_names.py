# ruff: noqa: E501
"""Names through imports, façades, star imports, conditions and circles."""

from __future__ import annotations

import builtins

import pytest
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio

from asyncsqla_lint import program as p
from asyncsqla_lint.project.annotations import parse_annotation
from asyncsqla_lint.project.canonical import canonical
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.names import External, ModuleSymbol, Scoped, Symbol, TypeParameter, Variable
from asyncsqla_lint.syntax import lower

from .truth import make_index


def resolve(index: Index, module: str, text: str) -> Symbol | None:
    expression = parse_annotation(text)
    assert expression is not None
    return index.resolve(index.modules[module], expression)


def described(symbol: Symbol | None) -> str:
    if isinstance(symbol, External):
        return symbol.name
    if isinstance(symbol, ModuleSymbol):
        return f"module {symbol.module.name}"
    if isinstance(symbol, Variable):
        return f"variable {symbol.module.name}.{symbol.name}"
    if isinstance(symbol, (ClassInfo, FunctionInfo)):
        return f"{symbol.module.name}:{symbol.qualname}"
    return str(symbol)


PACKAGE = {
    "app.__init__": "from .models import *\nfrom . import services as work\n__version__ = '1'\n",
    "app.models.__init__": "from .user import User as Account, helper\nfrom app.models.post import Post\n__all__ = ['Account']\n__all__ += ['Post']\n",
    "app.models.user": "class User:\n    class Meta:\n        pass\n    limit = 3\n    def name(self): ...\ndef helper(): ...\n",
    "app.models.post": "import app.models.user as u\nOwner = u.User\nclass Post: ...\n",
    "app.services": """
import sqlalchemy as sa
import sqlalchemy.ext.asyncio
from sqlalchemy import orm
from app.models import *
from ..nowhere import lost
from . import missing
import app.models.post
import app.models.user as users
try:
    import ujson as json
except ImportError:
    json = None
try:
    from app.models.gone import Fast
except ImportError:
    from app.models.user import User as Fast
if TYPE_CHECKING:
    from app.models.user import User
""",
    "lonely": "from app import Account, Post, work, helper\nfrom app import models\nimport app\n",
}


@pytest.mark.parametrize(
    ("module", "text", "meaning"),
    [
        ("lonely", "Account", "app.models.user:User"),
        ("lonely", "Post", "app.models.post:Post"),
        ("lonely", "helper", "None"),  # not in __all__
        ("lonely", "work", "module app.services"),
        ("lonely", "models.helper", "app.models.user:helper"),
        ("lonely", "models.post.Owner", "app.models.user:User"),
        ("lonely", "app.models.user.User.Meta", "app.models.user:User.Meta"),
        ("lonely", "app.models.user.User.name", "app.models.user:User.name"),
        ("lonely", "app.models.user.User.limit", "variable app.models.user.limit"),
        ("lonely", "app.__version__", "variable app.__version__"),
        ("lonely", "app.nothing", "None"),
        ("lonely", "list", "builtins.list"),
        ("app.services", "sa.orm.selectinload", "sqlalchemy.orm.selectinload"),
        ("app.services", "sa.select", "sqlalchemy.select"),
        ("app.services", "orm.Session", "sqlalchemy.orm.Session"),
        (
            "app.services",
            "sqlalchemy.ext.asyncio.AsyncSession.execute",
            "sqlalchemy.ext.asyncio.AsyncSession.execute",
        ),
        ("app.services", "Post", "app.models.post:Post"),
        ("app.services", "app.models.post.Post", "app.models.post:Post"),
        ("app.services", "users.User", "app.models.user:User"),
        ("app.services", "json", "ujson"),
        ("app.services", "Fast", "app.models.user:User"),
        ("app.services", "User", "app.models.user:User"),
        ("app.services", "lost", "None"),
        ("app.services", "missing", "None"),
    ],
)
def test_a_name_stands_for(module: str, text: str, meaning: str) -> None:
    assert described(resolve(make_index(PACKAGE), module, text)) == meaning


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("sqlalchemy.ext.asyncio.session.AsyncSession", "sqlalchemy.ext.asyncio.AsyncSession"),
        ("sqlalchemy.future.select", "sqlalchemy.select"),
        ("sqlalchemy.sql.select", "sqlalchemy.select"),
        ("sqlalchemy.sql.expression.select", "sqlalchemy.select"),
        ("sqlalchemy.orm.session.sessionmaker", "sqlalchemy.orm.sessionmaker"),
        ("sqlalchemy.ext.declarative.declarative_base", "sqlalchemy.orm.declarative_base"),
        ("sqlalchemy.dialects.postgresql.insert", "sqlalchemy.dialects.postgresql.insert"),
        ("sqlmodel.select", "sqlmodel.select"),
        ("sqlmodel.func.now", "sqlalchemy.func.now"),
        ("typing_extensions.Annotated", "typing.Annotated"),
        ("flask_sqlalchemy.SQLAlchemy.Column", "sqlalchemy.Column"),
        ("flask_sqlalchemy.SQLAlchemy.Model", "flask_sqlalchemy.SQLAlchemy.Model"),
    ],
)
def test_one_name_for_every_road(name: str, public: str) -> None:
    assert canonical(name) == public


def test_canonical_names_are_importable_as_the_same_object() -> None:
    for name in sqlalchemy_asyncio.__dict__:
        value = getattr(sqlalchemy_asyncio, name)
        if isinstance(value, type):
            public = canonical(f"{value.__module__}.{value.__name__}")
            assert public == f"sqlalchemy.ext.asyncio.{name}"


def test_star_imports_of_sqlalchemy_bring_what_it_exports() -> None:
    index = make_index({"m": "from sqlalchemy import *\nfrom sqlalchemy.orm import *\n"})
    assert resolve(index, "m", "select") == External("sqlalchemy.select")
    assert resolve(index, "m", "relationship") == External("sqlalchemy.orm.relationship")
    assert resolve(index, "m", "invented") is None


def test_the_last_unconditional_binding_counts_and_a_rebinding_keeps_the_definition() -> None:
    index = make_index(
        {
            "m": """
x = None
def x(): ...
def f(): ...
f = decorate(f)
engine = None
if debug:
    engine = make(1)
else:
    engine = make(2)
a, b = first(), second()
c, d = both()
"""
        }
    )
    assert described(resolve(index, "m", "x")) == "m:x"
    assert described(resolve(index, "m", "f")) == "m:f"
    engine = resolve(index, "m", "engine")
    assert isinstance(engine, Variable) and isinstance(engine.value, p.Call)
    assert len(engine.alternatives) == 3
    b, d = resolve(index, "m", "b"), resolve(index, "m", "d")
    assert isinstance(b, Variable) and isinstance(b.value, p.Call)
    assert isinstance(d, Variable) and isinstance(d.value, p.Subscript)


def test_circles_end() -> None:
    index = make_index(
        {
            "a": "from b import x, y\nfrom b import *\nz = z.z\nclass C(C): ...\n",
            "b": "from a import x\nfrom a import *\ny = 1\nclass D(E): ...\nclass E(D): ...\n",
        }
    )
    for module, name in (("a", "x"), ("a", "w"), ("b", "w")):
        assert resolve(index, module, name) is None
    assert described(resolve(index, "a", "y")) == "variable b.y"
    assert described(resolve(index, "a", "D")) == "b:D"
    for cls in index.classes:
        assert cls.mro[0] is cls
        assert (cls.kind, cls.fields, cls.type_parameters) == ("class", {}, ())


def test_an_importer_sees_its_own_root_first() -> None:
    def module(root: str, name: str, text: str) -> Module:
        return Module(name, f"{root}/{name}.py", False, lower(text), root)

    index = Index(
        [
            module("one", "models", "class User: kind = 1\n"),
            module("one", "main", "from models import User\n"),
            module("two", "models", "class User: kind = 2\n"),
            module("two", "main", "from models import User\n"),
        ]
    )
    assert len(index.modules) == 4
    for one in index.modules.values():
        if one.name == "main":
            found = index.lookup(one, "User")
            assert isinstance(found, ClassInfo) and found.module.root == one.root


def test_scopes_of_classes_and_functions() -> None:
    index = make_index(
        {
            "m": """
T = 1
class Outer:
    T = 2
    class Inner: ...
    def method[V](self, given):
        from sqlalchemy import select as sel
        class Local:
            pass
        def nested(): ...
        T
class Box[K]: ...
"""
        }
    )
    module = index.modules["m"]
    outer = index.lookup(module, "Outer")
    assert isinstance(outer, ClassInfo)
    method = outer.members["method"].function
    assert method is not None

    def look(text: str, scope: ClassInfo | FunctionInfo) -> Symbol | None:
        expression = parse_annotation(text)
        assert expression is not None
        return index.resolve(module, expression, scope)

    in_class, in_method = look("T", outer), look("T", method)
    assert isinstance(in_class, Variable) and in_class.owner is outer
    assert isinstance(in_method, Variable) and in_method.owner is None
    assert described(look("Inner", outer)) == "m:Outer.Inner"
    assert look("Inner", method) is None
    assert look("sel", method) == External("sqlalchemy.select")
    assert described(look("Local", method)) == "m:Outer.method.<locals>.Local"
    nested = look("nested", method)
    assert isinstance(nested, FunctionInfo) and nested.parent is method
    assert look("V", method) == TypeParameter("V", method)
    assert look("given", method) is None
    box = index.lookup(module, "Box")
    assert isinstance(box, ClassInfo) and look("K", box) == TypeParameter("K", box)


@pytest.mark.parametrize(
    ("annotation", "symbol", "optional", "metadata"),
    [
        ("Session", "sqlalchemy.ext.asyncio.AsyncSession", False, 0),
        ("'Session | None'", "sqlalchemy.ext.asyncio.AsyncSession", True, 0),
        ("Optional['Session']", "sqlalchemy.ext.asyncio.AsyncSession", True, 0),
        ("SessionDep", "sqlalchemy.ext.asyncio.AsyncSession", False, 1),
        ("Annotated[SessionDep, 1, 2]", "sqlalchemy.ext.asyncio.AsyncSession", False, 3),
        ("Final[ClassVar[User]]", "m:User", False, 0),
        ("UserId", "builtins.int", False, 0),
        ("Alias", "m:User", True, 0),
        ("Old", "m:User", False, 0),
        ("list[User]", "builtins.list", False, 0),
        ("User | int", "None", False, 0),
        ("nothing.at.all", "None", False, 0),
        ("'not an expression ('", "None", False, 0),
    ],
)
def test_what_an_annotation_says(annotation: str, symbol: str, optional: bool, metadata: int) -> None:
    index = make_index(
        {
            "m": """
from typing import Annotated, ClassVar, Final, NewType, Optional, TypeAlias
from sqlalchemy.ext.asyncio import AsyncSession as Session
SessionDep = Annotated[Session, Depends(get)]
class User: ...
UserId = NewType("UserId", int)
type Alias = User | None
Old: TypeAlias = "User"
"""
        }
    )
    expression = parse_annotation(annotation)
    assert expression is not None
    found = index.type(Scoped(expression, index.modules["m"]))
    assert (described(found.symbol), found.optional, len(found.metadata)) == (symbol, optional, metadata)


def test_builtins_are_those_of_python() -> None:
    index = make_index({"m": "print = 3\n"})
    assert resolve(index, "m", "len") == External("builtins.len") and hasattr(builtins, "len")
    assert described(resolve(index, "m", "print")) == "variable m.print"
