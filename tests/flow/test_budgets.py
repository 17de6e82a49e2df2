"""A root goes on while it learns something; what others of its module have run, it runs for a while."""

from __future__ import annotations

import pytest

from asyncsqla_lint.flow.budgets import (
    ROOTS_ENOUGH,
    STEPS_AGAIN,
    STEPS_AGAIN_A_STATEMENT,
    STEPS_LEFT_OUT,
    STEPS_OF_TRIFLE,
    WITHOUT_NEWS,
    Budget,
    Known,
)
from asyncsqla_lint.flow.frames import BudgetExceeded

ENOUGH = 10 * (STEPS_AGAIN + STEPS_LEFT_OUT)


def steps_until_the_end(budget: Budget, code: list[object]) -> int:
    """The code is run from its beginning to its end, and again, until the budget is spent."""
    for step in range(ENOUGH):
        statement = code[step % len(code)]
        try:
            budget.spend(1)
        except BudgetExceeded:
            return step
        budget.runs(statement)
        budget.meets()
    return ENOUGH


def test_what_is_new_is_run() -> None:
    assert steps_until_the_end(Budget(ENOUGH + 1), [object() for _ in range(ENOUGH)]) == ENOUGH


def test_a_circle_ends() -> None:
    assert steps_until_the_end(Budget(ENOUGH), [object(), object()]) < WITHOUT_NEWS + 5


def test_what_many_roots_have_run_is_run_for_a_while_by_the_next() -> None:
    known, code = Known(), [object() for _ in range(ENOUGH)]
    spent: list[int] = []
    for _ in range(ROOTS_ENOUGH + 1):
        budget = Budget(ENOUGH + 1, known)
        spent.append(steps_until_the_end(budget, code))
        known.add(budget.run)
    assert spent[:-1] == [ENOUGH] * ROOTS_ENOUGH
    assert spent[-1] == STEPS_AGAIN + STEPS_LEFT_OUT + 1


def test_its_own_code_is_run_though_calls_are_left_out() -> None:
    known, shared = Known(), [object() for _ in range(STEPS_AGAIN + 10)]
    for _ in range(ROOTS_ENOUGH):
        known.add({id(one) for one in shared})
    first, trifle = shared[:2]
    earlier = Budget(ENOUGH, known)
    earlier.ends(first, ENOUGH + STEPS_OF_TRIFLE + 1)
    earlier.ends(trifle, ENOUGH + STEPS_OF_TRIFLE)
    budget = Budget(ENOUGH + 1, known)
    assert steps_until_the_end(budget, [*shared, *(object() for _ in range(ENOUGH))]) == ENOUGH
    assert budget.leaves_out(first)
    assert not budget.leaves_out(trifle)
    assert not budget.leaves_out(object())


def test_a_long_root_runs_more_of_what_others_have_run() -> None:
    known, shared = Known(), [object() for _ in range(ENOUGH)]
    for _ in range(ROOTS_ENOUGH):
        known.add({id(one) for one in shared})
    spent: list[int] = []
    for own in (0, STEPS_AGAIN // STEPS_AGAIN_A_STATEMENT, STEPS_AGAIN):
        budget = Budget(ENOUGH + 1, known)
        budget.is_of(own)
        spent.append(steps_until_the_end(budget, shared))
    assert spent[0] == spent[1] == spent[2] - STEPS_AGAIN * (STEPS_AGAIN_A_STATEMENT - 1)


def test_a_limit_is_less_than_what_there_was() -> None:
    budget = Budget(100)
    budget.limit(1_000)
    assert budget.left == 100
    budget.limit(10)
    with pytest.raises(BudgetExceeded):
        budget.spend(11)
