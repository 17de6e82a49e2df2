"""Ways back: SELECTs that lead away and back again meet the instances from which they have set out."""

from __future__ import annotations

from msgspec.structs import replace

from asyncsqla_lint.project.models import Model, Relationship
from asyncsqla_lint.semantics.loader_options import EAGER, FILLING, Entry
from asyncsqla_lint.semantics.plans import Plan


def come_round(plan: Plan, model: Model, *, is_there: bool) -> Plan:
    """What the instances lack and the last SELECT loads is there then (`ASQ301/good_way_there_and_back`).

    One that `is_there` makes immediate loads with the options that it came with.
    """
    entries, again = plan.entries, list[Plan]()
    for away, back in _ways_back(model, plan.entries):
        first, below = plan.strategy(away), plan.below(away)
        second = below.strategy(back)
        if first not in EAGER or second not in EAGER or (is_there and plan.loads_singly(away)):
            continue
        is_single = below.loads_singly(back)
        if is_single and back.direction == "many-to-one":
            continue  # (it takes what is held as it is)
        met = replace(below.below(back), joins_only=is_single)
        again.append(met)
        for one in model.relationships.values():
            further = tuple(entry for entry in met.entries if entry.path and entry.path[0].name == one.name)
            if not further or met.strategy(one) not in EAGER:
                continue
            if plan.strategy(one) in FILLING:  # both lead there: what either loads below is there
                entries = (*(entry for entry in further if entry.strategy in EAGER), *entries)
            else:
                entries = (*entries, *further)
    return replace(plan, entries=entries, again=tuple(again)) if again else plan


def _ways_back(model: Model, entries: tuple[Entry, ...]) -> list[tuple[Relationship, Relationship]]:
    """Relationships that options lead through, with their other sides that they lead through next."""
    found: dict[str, tuple[Relationship, Relationship]] = {}
    for entry in entries:
        if len(entry.path) < 2 or entry.path[0].of_type or entry.path[1].of_type:
            continue
        away = model.relationships.get(entry.path[0].name)
        if away is not None and away.inverse is not None and away.inverse.name == entry.path[1].name:
            found[away.name] = (away, away.inverse)
    return list(found.values())


def made_last(plan: Plan, model: Model) -> tuple[Plan, Relationship | None]:
    """Under `populate_existing`: SELECTs further down that lead back to a row make it once more.

    Down and up again, or up and down: with the options that stand there, which a refresh then replays.
    What the second `selectinload` makes once more has lost what the first has just loaded.
    """
    for one in model.relationships.values():
        back, first = one.inverse, plan.strategy(one)
        if back is None or one.target is None or first not in EAGER:
            continue
        below = plan.below(one)
        second = below.strategy(back)
        if "many-to-one" not in (one.direction, back.direction) or second not in EAGER:
            continue
        is_remade = first != "immediateload" or second == "subqueryload"
        if second != "immediateload" and is_remade and (first, second) != ("joinedload", "joinedload"):
            last = below.below(back)
            is_undone = second == "selectinload" and first != "subqueryload"
            return last, one if is_undone and last.strategy(one) not in FILLING else None
    return plan, None
