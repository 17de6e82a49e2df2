"""What is true of the project does not depend on who asks first, though questions come back to each other."""

from __future__ import annotations

from contextlib import suppress
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from asyncsqla_lint.flow.budgets import STEPS_OF_MODULE, STEPS_SHARED
from asyncsqla_lint.flow.frames import BudgetExceeded
from asyncsqla_lint.flow.interpreter import Flow
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.worlds import Unshared, World
from asyncsqla_lint.project.index import Index

Graph = dict[str, tuple[str, ...]]
NAMES = "abcd"


def ask(world: World, graph: Graph, name: str, depth: int = 0) -> str:
    """What it says is what the questions say that it asks in turn."""

    def make(flow: Flow) -> str:
        return f"{name}({' '.join(ask(world, graph, other, depth + 1) for other in graph[name])})"

    assert depth < 200, "it goes round"
    return world.use(world.answer(name, make, "?"))


def new_world() -> World:
    index = Index([])
    world = World(index)
    world.flow = Flow(index, Meanings(), world, is_world=True)
    return world


def answers(graph: Graph, order: tuple[str, ...]) -> dict[str, str]:
    world = new_world()
    found: dict[str, str] = {}
    for name in order:
        try:
            found[name] = ask(world, graph, name)
        except Unshared:
            found[name] = "unshared"
    return found


def test_a_question_that_asks_itself_is_answered() -> None:
    assert answers({"a": ("a",)}, ("a",)) == {"a": "a(?)"}


def test_what_is_said_on_the_way_is_asked_again_from_outside() -> None:
    graph: Graph = {"a": ("b",), "b": ("a",)}
    assert answers(graph, ("a", "b")) == {"a": "a(b(?))", "b": "b(a(?))"}


@settings(deadline=None)
@given(
    st.fixed_dictionaries({name: st.lists(st.sampled_from(NAMES), max_size=3).map(tuple) for name in NAMES})
)
def test_the_order_in_which_is_asked_makes_no_difference(graph: Graph) -> None:
    found = {tuple(sorted(answers(graph, order).items())) for order in permutations(NAMES)}
    assert len(found) == 1
    assert "unshared" not in dict(next(iter(found))).values()


def steps_shared(flow: Flow, times: int) -> int:
    """How many steps there are in all for what is worked out outside of all roots, so many times."""
    steps = 0
    for _ in range(times):
        with flow.shared(), suppress(BudgetExceeded):
            while True:
                flow.budget.spend(1)
                steps += 1
    return steps


def test_what_a_module_works_out_for_itself_has_its_share() -> None:
    world, times = new_world(), 2 * STEPS_OF_MODULE // STEPS_SHARED
    flow = Flow(world.index, world.flow.meanings, world)
    assert steps_shared(flow, times) == STEPS_OF_MODULE
    assert flow.statistics["globals left out"] == times // 2
    assert steps_shared(world.flow, times) == times * STEPS_SHARED
