"""What a module's signs leave out of a search is nothing that the search would find."""

from __future__ import annotations

import pytest

from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.pieces import words_of
from asyncsqla_lint.project.signs import signs_of
from asyncsqla_lint.syntax import lower

from .model_styles import STYLES

TEXTS = {
    "shop.bus": "COMMANDS = {}\ndef command(name):\n    return lambda f: COMMANDS.setdefault(name, f)\n"
    "class Bus:\n    def on(self, name): ...\nbus = Bus()\n",
    "shop.front": "from shop.bus import *\nfrom .bus import command as told\n",
    "shop.plugin": "class Plugin:\n    known = []\n"
    "    def __init_subclass__(cls):\n        cls.known.append(cls)\n",
    "shop.named": "from shop.front import told\n@told('buy')\ndef buy(): ...\n",
    "shop.starred": "from shop.front import *\n@command('sell')\ndef sell(): ...\n",
    "shop.relative": "from . import bus as b\n@b.bus.on('paid')\ndef paid(): ...\n",
    "shop.local": "def setup():\n    from shop.bus import COMMANDS\n    COMMANDS[1] = 2\nsetup()\n",
    "shop.alias": "import shop.bus\nadd = shop.bus.command\nif True:\n    @add('x')\n    def x(): ...\n",
    "shop.item": "from shop.bus import COMMANDS as all_of_them\nall_of_them['y'] = print\n",
    "shop.given": "import app\nfrom shop import bus\napp.include(bus.bus)\n",
    "shop.inside": "from shop.bus import command\nclass View:\n    @command('z')\n    def z(self): ...\n",
    "shop.derived": "from shop.plugin import Plugin as Base\nclass One(Base): ...\n",
    "shop.further": "from shop.derived import One\nif print:\n    class Two(One): ...\n",
    "shop.script": "from shop.bus import command\nif __name__ == '__main__':\n    command('no')\n",
    "shop.library": "import click\nfrom fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/')\n"
    "@click.command()\ndef get(): ...\nclass Sum:\n    @property\n    def total(self): ...\n"
    "    @total.setter\n    def total(self, value): ...\n",
}
USERS = {"alias", "derived", "further", "given", "inside", "item", "local", "named", "relative", "starred"}


def made(texts: dict[str, str], *, are_known: bool) -> Index:
    modules = []
    for name, text in texts.items():
        program = lower(text)
        signs = signs_of(program, words_of(text)) if are_known else None
        modules.append(Module(name, f"{name}.py", False, program, signs=signs))
    return Index(modules)


def filled(index: Index) -> dict[str, list[str]]:
    """For all that has a name: the modules that add to it."""
    found: dict[str, list[Module]] = {}
    for module in index.modules.values():
        for name in module.names.bindings:
            found[f"{module.name}.{name}"] = index.registrations.of(module, name)
        for cls in index.classes_of(module):
            for name in cls.members:
                found[f"{module.name}.{cls.name}.{name}"] = index.registrations.of(cls, name)
        for function in index.functions_of(module):
            found[function.qualname] = index.registrations.of_function(function)
    return {name: [one.name for one in modules] for name, modules in found.items() if modules}


def test_what_fills_tables_is_found_by_signs() -> None:
    found = filled(made(TEXTS, are_known=True))
    assert found == filled(made(TEXTS, are_known=False))
    assert {user for users in found.values() for user in users} == {f"shop.{name}" for name in USERS}


def test_a_module_that_uses_libraries_and_itself_is_not_looked_into() -> None:
    modules = made(TEXTS, are_known=True).modules
    signs = {name: module.signs for name, module in modules.items() if module.signs is not None}
    assert signs["shop.library"].uses == {"click"}
    assert all(not signs[name].uses for name in ("shop.bus", "shop.front", "shop.plugin", "shop.script"))


def test_classes_are_found_by_what_their_bodies_bind() -> None:
    for are_known in (True, False):
        found = made(TEXTS, are_known=are_known).classes_binding({"total"})
        assert "Sum" in [cls.name for cls in found]


MODELS = {
    "db.bases": "from sqlalchemy import orm\nfrom sqlalchemy.orm import DeclarativeBase as Root, registry\n"
    "mapper = registry()\nmapped = mapper.mapped\ndef make():\n    return orm.declarative_base()\n"
    "class Declared(Root): ...\nMade = make()\n",
    "db.kinds": "from .bases import Declared as D, Made, mapped as m\nfrom sqlmodel import SQLModel\n"
    "class One(D):\n    __tablename__ = 'one'\nclass Two(Made):\n    __tablename__ = 'two'\n"
    "class Four(SQLModel, table=True): ...\n",
    "db.decorated": "from .bases import mapped as m\n@m\nclass Three: ...\n",
    "db.library": "from advanced_alchemy.base import UUIDAuditBase\nclass Five(UUIDAuditBase): ...\n",
    "db.imperative": "from .bases import mapper\nfrom .plain import Six\nmapper.map_imperatively(Six)\n",
    "db.plain": "class Six: ...\n",
    "db.below": "from .kinds import One\nclass Seven(One): ...\n",
    "db.other": "import unknown\nclass Eight(unknown.Thing): ...\n",
}


@pytest.mark.parametrize("texts", [MODELS, *({"models": text} for text in STYLES.values())])
def test_models_are_found_by_signs(texts: dict[str, str]) -> None:
    index = made(texts, are_known=True)
    found = [model.name for model in index.models]
    assert found == [cls.name for cls in index.classes if index.model(cls) is not None]
    if texts is MODELS:
        assert sorted(found) == ["Five", "Four", "One", "Seven", "Six", "Three", "Two"]
