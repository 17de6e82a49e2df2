"""Functions that take loader options for the query that they build: the call says what this reader needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncsqla_lint import program as p
from asyncsqla_lint.findings import Repair
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import calls
from asyncsqla_lint.rules.repairs.base import repair
from asyncsqla_lint.semantics.events import AttributeLoad

_HURT_BY_JOINS = frozenset({"with_for_update", "yield_per", "limit", "distinct", "stream", "stream_scalars"})


def handed_to_builder(event: AttributeLoad, paths: Sequence[Sequence[str]]) -> Repair | None:
    """`users.get(1, options=[selectinload(User.posts)])`, where `get` takes what its query is to load."""
    made, plan = event.loaded_at, event.instance.plan
    if made is None or plan is None or not plan.trail or not paths:
        return None
    builder = _around(made, event)
    if builder is None or any(frame.function is builder for frame in _frames(event.frame)):
        return None
    parameter = _options_of(builder)
    if parameter is None:
        return None
    entity = plan.trail[0]
    # At the call the entity has to be named in full.
    rooted = [[_rooted(steps[0], entity.module.name), *steps[1:]] for steps in paths]
    arguments: dict[str, str | list[str] | bool] = {
        "paths": [" > ".join(steps) for steps in rooted],
        "parameter": parameter.name,
        "joins": _HURT_BY_JOINS.isdisjoint(builder.header.mentions),
    }
    if parameter.kind == "star":
        given = [one for one in builder.header.parameters if one.kind in ("positional", "any")]
        arguments["before"] = str(len(given) - (builder.owner is not None))
    for frame in _frames(event.frame):
        if frame.function is None:
            continue
        found = [call for call in calls(frame.function.body) if _called(call) == builder.name]
        if len(found) == 1:
            return repair("pass_options", Site(frame.module, found[0].span), **arguments)
        if found:
            return None
    return None


def _rooted(step: str, module: str) -> str:
    strategy, _, target = step.partition(" ")
    return step if ":" in target else f"{strategy} {module}:{target}"


def _frames(frame: Frame | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame
        frame = frame.caller


def _around(made: Site, event: AttributeLoad) -> FunctionInfo | None:
    """The function in which the query is built."""
    start, end = p.start_of(made.span), p.end_of(made.span)
    for info in event.model.cls.index.functions_of(made.module):
        if p.start_of(info.span) <= start and end <= p.end_of(info.span):
            return info
    return None


def _options_of(builder: FunctionInfo) -> p.Parameter | None:
    """The parameter that goes into the query's options as it is, if there is one such."""
    used: set[str] = set()
    for call in calls(builder.body):
        if _called(call) == "options":
            stars = (one.value for one in call.arguments if isinstance(one, p.Starred))
            used |= {one.id for one in stars if isinstance(one, p.Name)}
        elif _called(call) in ("get", "get_one"):
            values = (word.value for word in call.keywords if word.name == "options")
            used |= {one.id for one in values if isinstance(one, p.Name)}
    found = [one for one in builder.header.parameters if one.name in used]
    return found[0] if len(found) == 1 and found[0].kind != "double" else None


def _called(call: p.Call) -> str:
    made = call.function
    return made.name if isinstance(made, p.Attribute) else made.id if isinstance(made, p.Name) else ""
