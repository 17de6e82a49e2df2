"""A root is run where its code can come to a session, by whatever way; where it cannot, it is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.reach import leads_somewhere
from asyncsqla_lint.flow.roots import functions_of
from asyncsqla_lint.flow.stdlib import registry as stdlib
from asyncsqla_lint.frameworks import registry as frameworks
from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.signs import signs_of
from asyncsqla_lint.rules.engine import analyse, new_flow
from asyncsqla_lint.run.cache import Cache, stored
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.semantics import registry as semantics
from asyncsqla_lint.syntax import lower
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import load_config

DATABASE = """\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

Session = async_sessionmaker()

async def count():
    async with Session() as session:
        return await session.scalar("select 1")

class Store:
    def size(self):
        return count()
    def name(self):
        return "store"
"""
LEADS = {
    "an import inside": "async def root():\n    from database import count\n    await count()\n",
    "a module's attribute": "import database\nasync def root():\n    await database.count()\n",
    "an annotation": "def root(session: 'AsyncSession'):\n    pass\nfrom database import AsyncSession\n",
    "a method": "from database import Store\ndef root(store: Store):\n    return store.size()\n",
    "a method's name in a string": (
        "from database import Store\ndef root(store: Store):\n    return ask(store, 'size')\n"
        "def ask(one, name):\n    return getattr(one, name)()\n"
    ),
    "a table": (
        "from database import count\nTABLE = {'count': count}\ndef root(name):\n    return TABLE[name]()\n"
    ),
    "a table that others fill": (
        "TABLE = {}\ndef register(function):\n    TABLE[function.__name__] = function\n    return function\n"
        "def root(name):\n    return TABLE[name]()\n"
    ),
    "a decorator": (
        "from database import count\ndef counted(function):\n    async def inner():\n        await count()\n"
        "    return inner\n@counted\nasync def root():\n    pass\n"
    ),
    "an object's constructor": (
        "from database import Store\nclass Shop:\n    def __init__(self):\n        self.store = Store()\n"
        "    def root(self):\n        return self.store.size()\n"
    ),
    "what another method keeps": (
        "from database import count\nclass Shop:\n    def open(self):\n        self.ask = count\n"
        "    def root(self):\n        return self.ask()\n"
    ),
    "a fixture": (
        "import pytest\nfrom database import Session\n@pytest.fixture\ndef made():\n    return Session()\n"
        "def test_root(made):\n    pass\n"
    ),
    "a global that a function gives": (
        "from database import Session\nmade = None\ndef open():\n    global made\n    made = Session()\n"
        "def root():\n    return made\n"
    ),
}
LEADS_NOWHERE = {
    "nothing of the project": "import json\ndef root(text):\n    return json.loads(text)\n",
    "another attribute of a module": "import other\ndef root():\n    return other.plain()\n",
    "another method": "from other import Shelf\ndef root(shelf: Shelf):\n    return shelf.name()\n",
    "a table of plain things": "TABLE = {'one': 1}\ndef root(name):\n    return TABLE[name]\n",
    "an exception": (
        "from sqlalchemy.exc import NoResultFound\ndef root(one):\n    try:\n        one()\n"
        "    except NoResultFound:\n        pass\n"
    ),
}
OTHERS = {
    "database": DATABASE,
    "other": (
        "from database import count\ndef plain():\n    return 1\nclass Shelf:\n    def size(self):\n"
        "        return count()\n    def name(self):\n        return plain()\n"
    ),
    "filling": (
        "from database import count\nfrom main import register\n@register\ndef one():\n    return count()\n"
    ),
}


def leads(text: str, *others: str) -> bool:
    modules = []
    for name, each in {**{one: OTHERS[one] for one in others}, "main": text}.items():
        program = lower(each)
        words = f" {' '.join(each.replace('(', ' ').split())} "
        modules.append(Module(name, f"{name}.py", False, program, signs=signs_of(program, words)))
    flow = new_flow(Index(modules), Config())
    roots = functions_of(flow, flow.index.modules["main"])
    return leads_somewhere(flow, next(one for one in roots if one.name in ("root", "test_root")))


@pytest.mark.parametrize("text", LEADS.values(), ids=LEADS)
def test_what_leads_to_a_session_is_run(text: str) -> None:
    assert leads(text, "database", "other", "filling")


@pytest.mark.parametrize("text", LEADS_NOWHERE.values(), ids=LEADS_NOWHERE)
def test_what_leads_nowhere_is_not(text: str) -> None:
    assert not leads(text, "database", "other", "filling")


# What these packages make is nothing to a rule unless something else is at hand: a session that is held
# meanwhile, an instance that is shown, a function that is run in a task or a thread.
BY_THEMSELVES_NOTHING = frozenset(
    "_thread aiodataloader aiohttp aiojobs aiokafka aiometer aiosmtplib aiotools anthropic anyio "
    "asgiref asyncer asyncio attr attrs builtins concurrent dataclasses decouple dynaconf "
    "elasticsearch environ environs fast_depends faststream graphql_sync_dataloaders httpx jinja2 "
    "marshmallow mistralai msgspec multiprocessing nats nest_asyncio openai os pydantic pydantic_core "
    "pytest quattro sse_starlette strawberry taskgroup taskiq taskiq_dependencies threading tqdm trio "
    "uvloop".split()
)
NOTHING = frozenset(
    "fastapi.BackgroundTasks fastapi.background.BackgroundTasks fastapi.concurrency.run_in_threadpool "
    "fastapi.responses.StreamingResponse fastapi.Depends fastapi.Security fastapi.params.Depends "
    "fastapi.params.Security litestar.background_tasks.BackgroundTask litestar.response.ServerSentEvent "
    "litestar.response.Stream litestar.Provide litestar.di.Provide starlette.background.BackgroundTask "
    "starlette.background.BackgroundTasks starlette.concurrency.run_in_threadpool starlette.config.Config "
    "starlette.responses.StreamingResponse".split()
)


def test_whatever_has_a_meaning_is_an_origin_or_known_to_be_none() -> None:
    """A framework that starts to hand out sessions has to say so."""
    plain, all_of_them = Meanings(), Meanings()
    for meanings in (plain, all_of_them):
        stdlib.register(meanings)
    semantics.register(all_of_them)
    frameworks.register(all_of_them)
    named = {*all_of_them.calls, *all_of_them.instances, *all_of_them.values}
    named -= {*plain.calls, *plain.instances, *plain.values}
    forgotten = {
        name
        for name in named - NOTHING
        if not all_of_them.is_origin(name) and name.partition(".")[0] not in BY_THEMSELVES_NOTHING
    }
    assert not forgotten
    handing_out = {name for name in all_of_them.instances if name.startswith(("aiohttp.web", "aiogram."))}
    assert all(map(all_of_them.is_origin, handing_out))


HELPER = "async def made():\n    return 1\n"
LATER = (
    "from sqlalchemy.ext.asyncio import AsyncSession\nasync def made():\n"
    "    async with AsyncSession() as session:\n        await session.scalar('select 1')\n"
)
ROOT = "import helper\nasync def root():\n    helper.made()\n"


def test_who_led_nowhere_is_asked_again(tmp_path: Path) -> None:
    """The body of a helper decides, which no outline shows."""
    files = {"helper.py": HELPER, "main.py": "import sqlalchemy.ext.asyncio\n" + ROOT}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    config = load_config([str(tmp_path)])
    for text in (HELPER, LATER, HELPER):
        (tmp_path / "helper.py").write_text(text)
        warm = run([str(tmp_path)], config, cache=stored(config))
        cold = run([str(tmp_path)], config, cache=Cache())
        assert warm.findings == cold.findings
        assert warm.statistics.reach() == cold.statistics.reach()


def test_the_engine_counts_them() -> None:
    index = Index([Module("main", "main.py", False, lower(LEADS_NOWHERE["nothing of the project"]))])
    assert analyse(index, ["main"], Config()).counters["roots that lead nowhere"] == 2
