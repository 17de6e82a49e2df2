"""A heap is a dict that is cheap to copy, and a join of two is what holds on both."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.heap import Heap
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.values import Constant

Writes = list[tuple[int, int]]
writes = st.lists(st.tuples(st.integers(-40, 120), st.integers(0, 3)), max_size=12)


def record(number: int) -> Record:
    return ListRecord((Constant(number),))


def write(heap: Heap, model: dict[int, Record], made: Writes) -> None:
    for oid, number in made:
        model[oid] = record(number)
        heap.put(oid, model[oid])


def first(oid: int, ours: Record, theirs: Record) -> Record:
    return min(ours, theirs, key=repr)


@given(writes, writes, writes)
def test_copies_do_not_see_each_other(before: Writes, here: Writes, there: Writes) -> None:
    heap, model = Heap(), dict[int, Record]()
    write(heap, model, before)
    twin, twin_model = heap.copy(), dict(model)
    assert heap.is_same(twin)
    write(heap, model, here)
    write(twin, twin_model, there)
    assert dict(heap.items()) == model
    assert dict(twin.items()) == twin_model
    assert all(heap.get(oid) == model.get(oid) for oid in range(-50, 130))


@given(writes, writes, writes)
def test_a_join_knows_what_both_know(before: Writes, here: Writes, there: Writes) -> None:
    heap, model = Heap(), dict[int, Record]()
    write(heap, model, before)
    twin, twin_model = heap.copy(), dict(model)
    write(heap, model, here)
    write(twin, twin_model, there)
    base = {7: record(9)}
    joined = heap.joined(twin, base, first)
    expected = dict(model)
    for oid, theirs in twin_model.items():
        ours = model.get(oid, base.get(oid))
        expected[oid] = theirs if ours is None or ours is theirs else first(oid, ours, theirs)
    assert dict(joined.items()) == expected
    assert dict(heap.items()) == model
