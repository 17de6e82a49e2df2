from __future__ import annotations

from asyncsqla_lint.findings import Fix, Related
from asyncsqla_lint.frameworks.serializing import Load, Serialized, Step
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.rules.loading.wording import Wording, by_name, loader_option
from asyncsqla_lint.rules.repairs.base import first_of
from asyncsqla_lint.rules.repairs.loading import eager_loads, kept, refresh_handed
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import AttributeLoad

MOST_NAMED = 4


class LazyLoadInSerialization(Rule):
    """
    ## What it does
    Reports an instance that is handed to a schema (`model_validate`, `from_orm`, a type adapter, FastAPI's
    `response_model` or return annotation, a GraphQL type) or to a template which reads what was not loaded,
    nested schemas included, or what has expired since.

    ## Why is this bad?
    The schema reads each field by plain attribute access. What is not there would have to be loaded, which an
    `AsyncSession` cannot do then: `MissingGreenlet` inside a validation error, and a 500 for the client.

    ## Example
    ```python
    @app.get("/pets/{pet_id}")
    async def read_pet(pet_id: int, session: Session) -> PetWithOwner:
        return await session.get_one(Pet, pet_id)
    ```

    ## Use instead
    ```python
    @app.get("/pets/{pet_id}")
    async def read_pet(pet_id: int, session: Session) -> PetWithOwner:
        return await session.get_one(Pet, pet_id, options=[joinedload(Pet.owner)])
    ```
    """

    code = "ASQ308"
    name = "lazy-load-in-serialization"
    fix = "unsafe"
    outcome = Raises("MissingGreenlet", "DetachedInstanceError", "InvalidRequestError")

    @on(Serialized)
    def serialized(self, event: Serialized, report: Reporter) -> None:
        first = event.loads[0]
        words = Wording(first.event)
        names = list(dict.fromkeys(Wording(load.event).key for load in event.loads))
        missing = _state(first, words, len(names))
        message = f"`{first.where or event.reader}` reads {_listed(names)}, {missing}: {_mend(event, words)}"
        if first.event.assumption:
            message += f" ({first.event.assumption})"
        related: list[Related] = []
        for load in event.loads:
            related += [one for one in Wording(load.event).places() if one not in related]
        subject = f"{event.reader} reads {first.event.model.name}"
        report(self, event, message, related=related[:8], subject=subject, fix=_fix(event))


def _fix(event: Serialized) -> Fix | None:
    """Everything that the reader reads, as options of the queries; when one part cannot be told, nothing."""
    loads = [load.event for load in event.loads]
    deep = any(load.below or len(load.path) > 1 for load in event.loads)
    late = None if deep or event.frame.has_ended else refresh_handed(event.site, loads)
    if all(load.cause == "expired" for load in loads):
        return first_of(late, *(kept(load) for load in loads[:1]))
    wanted: list[tuple[AttributeLoad, tuple[Relationship, ...]]] = []
    for load in event.loads:
        if load.event.cause == "expired" or not load.event.path:
            return late
        wanted += [(load.event, (*load.event.path, *rest)) for rest in _paths(load.below)]
    return first_of(eager_loads(wanted), late)


def _paths(steps: list[Step]) -> list[tuple[Relationship, ...]]:
    if not steps:
        return [()]
    return [(step.relationship, *rest) for step in steps for rest in _paths(step.below)]


def _listed(names: list[str]) -> str:
    shown = [f"`{name}`" for name in names[:MOST_NAMED]]
    if len(names) > MOST_NAMED:
        shown.append(f"{len(names) - MOST_NAMED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _state(load: Load, words: Wording, count: int) -> str:
    event = load.event
    if event.cause == "expired":
        return f"which {'was' if count == 1 else 'were'} expired by {words.cause} (`{event.error}`)"
    verb = "is" if count == 1 else "are"
    return f"which {verb} not loaded by {words.query} (`{event.error}`)"


def _mend(event: Serialized, words: Wording) -> str:
    first = event.loads[0].event
    if first.cause == "expired":
        return words.keep
    loads = [load for load in event.loads if load.path]
    if not loads:
        return f"load `{words.key}` with the instance"
    if first.instance.is_new:
        names = dict.fromkeys(load.path[0].name for load in loads)
        return f"{by_name(list(names))} loads it"
    options = list(dict.fromkeys(option for load in loads for option in _options(load)))
    return f"add `.options({', '.join(options)})` to the query"


def _options(load: Load) -> list[str]:
    """The loader options that would load what one field reads, one for each branch of its tree."""
    return [loader_option((*load.path, *rest), load.event.above_by) for rest in _paths(load.below)]
