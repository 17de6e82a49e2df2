"""The heap of one path: records by object, on pages that paths share until one of them writes.

A path is copied at every statement and joined wherever paths meet; mostly little has changed in between.
So a copy is as cheap as its table of pages, a write copies one page, a join looks at pages that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from asyncsqla_lint.flow.values import Reference

if TYPE_CHECKING:
    from asyncsqla_lint.flow.records import Record

SHIFT = 5
PAGE = 1 << SHIFT  # neighbouring ids on a page: objects made together change together
R = TypeVar("R", bound="Record")
Kinds = dict[type["Record"], list[tuple[Reference, "Record"]]]


class Page(dict[int, "Record"]):
    """Records by id, and, once somebody asks, by kind: what a session holds is looked for often."""

    __slots__ = ("kinds",)

    kinds: Kinds  # those that were asked for since the last write

    def of_kind(self, kind: type[Record]) -> list[tuple[Reference, Record]]:
        found = [(Reference(oid), record) for oid, record in self.items() if type(record) is kind]
        self.kinds[kind] = found
        return found


def _page(records: Mapping[int, Record]) -> Page:
    page = Page(records)
    page.kinds = {}
    return page


NOTHING = _page({})


class Heap:
    __slots__ = ("_is_own", "_own_pages", "_pages")

    def __init__(self) -> None:
        self._pages: dict[int, Page] = {}
        self._is_own = True  # nobody else has this table
        self._own_pages: set[int] = set()  # nor these pages

    def copy(self) -> Heap:
        twin = Heap.__new__(Heap)
        twin._pages = self._pages
        twin._is_own = self._is_own = False
        twin._own_pages = set()
        if self._own_pages:
            self._own_pages = set()
        return twin

    def is_same(self, other: Heap) -> bool:
        """Nothing has been written to either since one was copied from the other."""
        return self._pages is other._pages

    # -- reading

    def get(self, oid: int) -> Record | None:
        page = self._pages.get(oid >> SHIFT)
        return None if page is None else page.get(oid)

    def __contains__(self, oid: int) -> bool:
        return self.get(oid) is not None

    def __iter__(self) -> Iterator[int]:
        for page in self._pages.values():
            yield from page

    def items(self) -> Iterator[tuple[int, Record]]:
        for page in self._pages.values():
            yield from page.items()

    def of_kind(self, kind: type[R]) -> list[tuple[Reference, R]]:
        found: list[tuple[Reference, Record]] = []
        for page in self._pages.values():
            known = page.kinds.get(kind)
            if known is None:
                known = page.of_kind(kind)
            if known:
                found += known
        return found  # type: ignore[return-value]  # they stand under their kind

    @property
    def size(self) -> int:
        """How many pages: what copies, joins and searches cost grows with it."""
        return len(self._pages)

    # -- writing

    def put(self, oid: int, record: Record) -> None:
        if not self._is_own:
            self._pages = self._pages.copy()
            self._is_own = True
        number = oid >> SHIFT
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = _page({})
            self._own_pages.add(number)
        elif number not in self._own_pages:
            page = self._pages[number] = _page(page)
            self._own_pages.add(number)
        elif page.kinds:
            page.kinds = {}
        page[oid] = record

    def joined(
        self,
        other: Heap,
        base: Mapping[int, Record],
        join: Callable[[int, Record, Record], Record],
        since: Heap | None = None,
    ) -> Heap:
        """What both paths know; what only one has touched is with the other as it was in `base`.

        What stood in `since` has been joined already.
        """
        result = self.copy()
        if self._pages is other._pages:
            return result
        done: Mapping[int, Page] = {} if since is None else since._pages
        alone = 0
        for number, theirs in other._pages.items():
            mine = self._pages.get(number)
            old = done.get(number, NOTHING)
            if mine is theirs or old is theirs:
                continue
            page: Mapping[int, Record] = {} if mine is None else mine
            for oid, record in theirs.items():
                ours = page.get(oid)
                if ours is record or old.get(oid) is record:
                    continue
                if ours is None:
                    ours = base.get(oid)
                if ours is None:
                    alone = alone or oid
                    result.put(oid, record.on_one_path(alone))
                elif ours is not record:
                    joined = join(oid, ours, record)
                    if joined is not ours or oid not in page:
                        result.put(oid, joined)
        alone = 0
        for number, page in self._pages.items():
            theirs = other._pages.get(number, NOTHING)
            if (
                page is not theirs
                and done.get(number) is not theirs
                and len(theirs) < len(result._pages[number])
            ):
                for oid in page.keys() - theirs.keys() - base.keys():
                    alone = alone or oid
                    record = page[oid].on_one_path(alone)
                    if record is not page[oid]:
                        result.put(oid, record)
        return result
