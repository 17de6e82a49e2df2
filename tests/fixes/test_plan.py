"""Fixes are made whole or not at all, in order, and what conflicts waits."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint import codemods
from asyncsqla_lint.findings import Finding, Fix, Location, Repair
from asyncsqla_lint.fixes import apply, registry
from asyncsqla_lint.fixes.plan import Planner


def repair(codemod: str, text: str, piece: str, path: str = "a.py", **arguments: str | list[str]) -> Repair:
    at = text.index(piece)
    return Repair(codemod, path, _location(text, at), _location(text, at + len(piece)), {**arguments})


def _location(text: str, at: int) -> Location:
    before = text[:at]
    return Location(before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1)


def finding(*repairs: Repair, unsafe: bool = False) -> Finding:
    first = repairs[0]
    fix = Fix("Mend it", "unsafe" if unsafe else "safe", repairs)
    return Finding("ASQ401", "missing-await", "…", first.path, first.location, first.end_location, fix=fix)


COMMIT = "async def f(session):\n    session.commit()\n    session.flush()\n"


def test_fixes_of_one_pass() -> None:
    one = finding(repair("add_await", COMMIT, "session.commit()"))
    other = finding(repair("add_await", COMMIT, "session.flush()"))
    result = Planner(lambda path: COMMIT, [one, other]).plan()
    assert result.texts == {
        "a.py": "async def f(session):\n    await session.commit()\n    await session.flush()\n"
    }
    assert result.made == (one, other)


def test_the_same_edit_twice_is_one() -> None:
    one = finding(repair("add_await", COMMIT, "session.commit()"))
    result = Planner(lambda path: COMMIT, [one, one]).plan()
    assert result.texts["a.py"].count("await") == 1
    assert result.made == (one, one)


def test_what_conflicts_waits() -> None:
    text = "make(a, b=1)\n"
    one = finding(repair("set_keyword", text, "make(a, b=1)", name="b", value="2"))
    other = finding(repair("set_keyword", text, "make(a, b=1)", name="b", value="3"))
    result = Planner(lambda path: text, [one, other]).plan()
    assert result.texts == {"a.py": "make(a, b=2)\n"}
    assert (result.made, result.waiting) == ((one,), (other,))


def test_half_a_fix_is_none() -> None:
    plain = "def g(session):\n    session.commit()\n"
    texts = {"a.py": COMMIT, "b.py": plain}
    both = finding(
        repair("add_await", COMMIT, "session.commit()"),
        repair("add_await", plain, "session.commit()", "b.py"),
    )
    result = Planner(texts.__getitem__, [both]).plan()
    assert result.texts == {}
    assert [refusal.reason for refusal in result.refused] == ["the function around it is not async"]


def test_places_that_are_not_there_are_refused() -> None:
    wrong = Repair("add_await", "a.py", Location(99, 1), Location(99, 5))
    unknown = repair("invent", COMMIT, "session.commit()")
    result = Planner(lambda path: COMMIT, [finding(wrong), finding(unknown)]).plan()
    assert result.texts == {}
    assert len(result.refused) == 2


def test_options_of_one_query_become_one_edit() -> None:
    text = "from sqlalchemy import select\n\nquery = select(User)\n"
    paths = (
        "selectinload User.posts > joinedload app:Post.author",
        "selectinload User.posts > selectinload app:Post.tags",
    )
    wanted = [
        finding(repair("add_eager_load", text, "select(User)", entity="User", module="app", paths=[path]))
        for path in (*paths, "joinedload User.team")
    ]
    result = Planner(lambda path: text, wanted).plan()
    assert len(result.made) == 3
    assert "select(User).options(" in result.texts["a.py"].replace("\n", "").replace("    ", "")
    assert (
        "selectinload(User.posts).options(joinedload(Post.author), selectinload(Post.tags))"
        in result.texts["a.py"]
    )
    assert result.texts["a.py"].count("import joinedload, selectinload") == 1


class Seen(Struct, frozen=True):
    findings: tuple[Finding, ...]
    sources: Mapping[str, bytes]


def test_a_fix_that_does_not_help_is_reported_not_looped(tmp_path: object) -> None:
    text = "make(a)\n"

    def check(contents: Mapping[str, bytes]) -> Seen:
        data = next(iter(contents.values()), text.encode())
        call = data.decode().strip()
        # Nothing that is done makes this finding go away.
        one = Repair("remove_keywords", "a.py", Location(1, 1), Location(1, len(call) + 1), {"names": ["b"]})
        if "b=1" not in call:
            one = Repair(
                "set_keyword", "a.py", Location(1, 1), Location(1, len(call) + 1), {"name": "b", "value": "1"}
            )
        return Seen((finding(one),), {"a.py": data})

    outcome = apply.fix(check({}), check, unsafe=True)
    assert len(outcome.made) == 2
    assert outcome.unsettled
    assert not outcome.changes  # it went to and fro


def test_a_file_keeps_its_encoding_and_mark() -> None:
    before = b"\xef\xbb\xbf# -*- coding: utf-8 -*-\r\nasync def f(session):\r\n    session.commit()  # \xc3\xa9\r\n"
    text = before.decode("utf-8-sig")

    def check(contents: Mapping[str, bytes]) -> Seen:
        data = next(iter(contents.values()), before)
        if data != before:
            return Seen((), {"a.py": data})
        at = Location(3, 5)
        return Seen((finding(Repair("add_await", "a.py", at, Location(3, 21))),), {"a.py": data})

    outcome = apply.fix(check({}), check, unsafe=False)
    assert [change.after for change in outcome.changes] == [
        before.replace(b"    session", b"    await session")
    ]
    assert text.startswith("#")


def test_the_next_best_where_the_best_cannot_be() -> None:
    plain = "def g(session):\n    make(session.commit())\n"
    awaited, told = (
        repair("add_await", plain, "session.commit()"),
        repair("set_keyword", plain, "make(session.commit())", name="later", value="True"),
    )
    way = Fix("Say so", "safe", (told,))
    one = replace(finding(awaited), fix=Fix("Await it", "safe", (awaited,), way))
    result = Planner(lambda path: plain, [one]).plan()
    assert result.made == (one,)
    assert result.texts == {"a.py": plain.replace("commit())", "commit(), later=True)")}
    none = replace(finding(awaited), fix=Fix("Await it", "safe", (awaited,), Fix("So", "safe", (awaited,))))
    result = Planner(lambda path: plain, [none]).plan()
    assert [refusal.reason for refusal in result.refused] == ["the function around it is not async"]


def test_one_refresh_serves_the_reads_that_follow() -> None:
    text = (
        "async def f(session):\n    user = await session.get(User, 1)\n    await session.commit()\n"
        "    print(user.name)\n    print(user.age)\n"
    )
    reads = [
        finding(repair("add_refresh", text, piece, name=piece.partition(".")[2], attributes=[]))
        for piece in ("user.name", "user.age")
    ]
    result = Planner(lambda path: text, reads).plan()
    assert (result.made, result.waiting) == ((reads[0],), (reads[1],))
    assert result.texts["a.py"].count("await session.refresh(user)") == 1


def test_two_blocks_around_one_line_come_one_after_the_other() -> None:
    text = (
        "async def f():\n    engine = create_async_engine(URL)\n    connection = await engine.connect()\n"
        "    await connection.close()\n    print(1)\n"
    ).replace("    await connection.close()\n", "    await connection.execute(X)\n")
    both = [
        finding(repair("dispose_finally", text, "create_async_engine(URL)")),
        finding(repair("open_in_block", text, "engine.connect()")),
    ]
    first = Planner(lambda path: text, both).plan()
    assert (first.made, first.waiting) == ((both[0],), (both[1],))
    after = first.texts["a.py"]
    second = Planner(lambda path: after, [finding(repair("open_in_block", after, "engine.connect()"))]).plan()
    assert second.texts["a.py"] == (
        "async def f():\n    engine = create_async_engine(URL)\n    try:\n"
        "        async with engine.connect() as connection:\n"
        "            await connection.execute(X)\n            print(1)\n"
        "    finally:\n        await engine.dispose()\n"
    )


def test_libcst_s_runner_has_them_all() -> None:
    offered = {getattr(codemods, name).codemod for name in codemods.__all__}
    assert offered == {name for name, one in registry.by_name().items() if one.is_for_python}
