from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.repairs.base import one_repair
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import ResultFetched

# `first()` and `scalar()` look at one row only.
NEEDS_UNIQUE = frozenset(
    "all fetchall one one_or_none scalar_one scalar_one_or_none fetchmany partitions "
    "__iter__ __aiter__".split()
)


class JoinedCollectionWithoutUnique(Rule):
    """
    ## What it does
    Reports a result with joined eager loads of a collection that is fetched without `unique()`.

    ## Why is this bad?
    The join repeats each parent once per child. SQLAlchemy 2 refuses to guess and raises
    `InvalidRequestError: The unique() method must be invoked on this Result`.

    ## Example
    ```python
    films = (await session.scalars(select(Film).options(joinedload(Film.shows)))).all()
    ```

    ## Use instead
    ```python
    films = (await session.scalars(select(Film).options(joinedload(Film.shows)))).unique().all()
    ```
    or `selectinload`, which needs none.
    """

    code = "ASQ307"
    name = "joined-collection-without-unique"
    fix = "safe"
    outcome = Raises("InvalidRequestError")

    @on(ResultFetched)
    def fetched(self, event: ResultFetched, report: Reporter) -> None:
        if not event.collections or event.method not in NEEDS_UNIQUE:
            return
        names = " and ".join(f"`{name}`" for name in event.collections[:2])
        if event.result.statement.yield_per:
            mend = "`yield_per` cannot be used with it; load the collection with `selectinload`"
        else:
            mend = (
                f"call `.unique()` before `.{event.method}()`"
                if "__" not in event.method
                else "call `.unique()` first"
            )
        report(
            self,
            event,
            f"rows repeat because {names} {'is' if len(event.collections) == 1 else 'are'} loaded by a join: "
            f"`InvalidRequestError` here; {mend}",
            related=[place(event.result.statement.site, "queried here")],
            fix=None
            if event.result.statement.yield_per
            else one_repair("add_unique", event.site, "Add `.unique()`"),
        )
