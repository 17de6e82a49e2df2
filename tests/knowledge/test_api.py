from __future__ import annotations

import subprocess
import sys

import pytest

from asyncsqla_lint.knowledge.api import Method, api
from asyncsqla_lint.knowledge.releases import RELEASES, Release

both = pytest.mark.parametrize("release", RELEASES)


def kind(release: Release, class_name: str, name: str) -> tuple[str, str]:
    method = api(release).method(class_name, name)
    assert method is not None
    return method.kind, method.returns


@both
@pytest.mark.parametrize(
    ("class_name", "name", "expected"),
    [
        ("AsyncSession", "execute", ("coroutine", "Result")),
        ("AsyncSession", "scalars", ("coroutine", "ScalarResult")),
        ("AsyncSession", "stream", ("coroutine", "AsyncResult")),
        ("AsyncSession", "get", ("coroutine", "Any?")),
        ("AsyncSession", "delete", ("coroutine", "None")),
        ("AsyncSession", "add", ("plain", "None")),
        ("AsyncSession", "expunge", ("plain", "None")),
        ("AsyncSession", "begin", ("startable", "AsyncSessionTransaction")),
        ("AsyncSession", "sync_session", ("property", "Session")),
        ("AsyncConnection", "execute", ("coroutine", "CursorResult")),
        ("AsyncConnection", "stream", ("startable", "AsyncResult")),
        ("AsyncConnection", "begin", ("startable", "AsyncTransaction")),
        ("AsyncEngine", "begin", ("async_context", "AsyncConnection")),
        ("AsyncEngine", "connect", ("startable", "AsyncConnection")),
        ("AsyncEngine", "dispose", ("coroutine", "None")),
        ("AsyncResult", "all", ("coroutine", "Sequence")),
        ("AsyncResult", "scalars", ("plain", "AsyncScalarResult")),
        ("AsyncResult", "partitions", ("async_iterator", "Sequence")),
        ("AsyncResult", "unique", ("plain", "AsyncResult")),
        ("async_sessionmaker", "begin", ("async_context", "AsyncSession")),
        ("sessionmaker", "begin", ("context", "Session")),
        ("Engine", "begin", ("context", "Connection")),
        ("AsyncAttrs", "awaitable_attrs", ("property", "Any")),
        ("sqlmodel.ext.asyncio.session.AsyncSession", "commit", ("coroutine", "None")),
    ],
)
def test_methods(release: Release, class_name: str, name: str, expected: tuple[str, str]) -> None:
    assert kind(release, class_name, name) == expected


@both
def test_what_the_async_class_lacks(release: Release) -> None:
    known = api(release)
    assert known.is_missing("AsyncSession", "query")
    assert known.is_missing("AsyncSession", "bulk_save_objects")
    assert not known.is_missing("AsyncSession", "execute")
    assert not known.is_missing("AsyncSession", "no_such_thing")
    assert not known.is_missing("Session", "query")


@both
def test_dotted_names_find_the_same_class(release: Release) -> None:
    known = api(release)
    assert known.class_("sqlalchemy.ext.asyncio.AsyncSession") is known.class_("AsyncSession")
    assert known.class_("myapp.db.AsyncSession") is None
    sqlmodel = known.class_("sqlmodel.ext.asyncio.session.AsyncSession")
    assert sqlmodel is not None
    assert sqlmodel.methods["exec"].kind == "coroutine"
    assert sqlmodel.sync == "Session"


@both
def test_protocols(release: Release) -> None:
    def protocols(name: str) -> frozenset[str]:
        found = api(release).class_(name)
        assert found is not None
        return frozenset(found.protocols)

    assert "async_context" in protocols("AsyncSession")
    assert "context" not in protocols("AsyncSession")
    assert protocols("AsyncConnection") == {"async_context", "awaitable"}
    assert "async_iterable" in protocols("AsyncResult")
    assert "iterable" not in protocols("AsyncResult")
    assert "iterable" in protocols("Result")
    assert "callable" in protocols("async_sessionmaker")
    assert "callable" not in protocols("AsyncSession")


@both
def test_reads(release: Release) -> None:
    """As `joinedload_no_unique`, `joinedload_scalars_first_needs_no_unique` and `scalars_twice` show."""
    known = api(release)
    everything = known.read("ScalarResult", "all")
    assert everything is not None
    assert (everything.shape, everything.item, everything.needs_unique) == ("list", "scalar", True)
    assert everything.after == "exhausted"
    first = known.read("Result", "first")
    assert first is not None
    assert (first.item, first.empty, first.many, first.needs_unique) == ("row", "none", "first", False)
    one = known.read("AsyncResult", "scalar_one")
    assert one is not None
    assert (one.empty, one.many, one.needs_unique) == ("NoResultFound", "MultipleResultsFound", True)
    assert known.read("CursorResult", "all") == known.read("Result", "all")
    assert known.read("AsyncTupleResult", "all") == known.read("AsyncResult", "all")
    assert known.read("Result", "no_such_read") is None
    assert known.read("Session", "all") is None


@both
def test_session_keywords(release: Release) -> None:
    known = api(release)
    assert known.session_default("async_sessionmaker", "expire_on_commit") is True
    assert known.session_default("AsyncSession", "expire_on_commit") is True
    assert known.session_default("sqlalchemy.orm.sessionmaker", "class_") == "Session"
    assert known.takes("async_sessionmaker", "sync_session_class")
    assert known.takes("async_sessionmaker", "twophase")
    assert not known.takes("async_sessionmaker", "pool_size")
    assert known.sessions["async_scoped_session"]["scopefunc"] == "required"


@both
def test_event_targets_and_ddl(release: Release) -> None:
    known = api(release)
    assert known.events["AsyncEngine"].instance == "NotImplementedError"
    assert known.events["AsyncSession"].class_ == "InvalidRequestError"
    assert known.events["async_sessionmaker"].instance == "InvalidRequestError"
    assert known.events["Session"].instance == "ok"
    assert "create_all" in known.ddl["MetaData"]


def test_a_signature_as_data() -> None:
    method = Method("plain", "Connection|Engine?", "statement params= *args bind= **kw")
    assert method.alternatives == ("Connection", "Engine")
    statement, params, args, bind, kw = method.parameters
    assert not statement.has_default and params.has_default
    assert args.is_star and kw.is_double
    assert bind.keyword_only and not params.keyword_only


def test_readers_do_not_import_sqlalchemy() -> None:
    program = (
        "import sys\n"
        "from asyncsqla_lint.knowledge import api, dialects, drivers, names\n"
        "api.api(); dialects.dialects(); drivers.drivers(); names.aliases()\n"
        "assert 'sqlalchemy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
