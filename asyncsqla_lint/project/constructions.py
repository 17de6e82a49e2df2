"""Calls that tell a constructor what its own text does not: a session factory, a class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from asyncsqla_lint import program as p
from asyncsqla_lint.project.factory_calls import FACTORIES, factories_in, makers_in
from asyncsqla_lint.project.walking import calls, last_name, statements

_DEFINITIONS = (p.FunctionDefinition, p.ClassDefinition)
_Imports = dict[str, tuple[str, str]]  # whence, and under which name, by the name that they are given


class Construction(NamedTuple):
    call: p.Call
    function: int | None  # in whose body it stands; None: at the top
    name: str  # of who is called, where that is defined
    source: str  # whence that was imported; "": nowhere, or from a neighbour


def constructions(program: p.Program) -> Iterator[Construction]:
    """Where a factory is made; also what gives a name to a class, or an imported one to a function,
    at the top or in functions outside of classes.
    """
    outer = _imported(program.statements)
    top = tuple(one for one in program.statements if not isinstance(one, _DEFINITIONS))
    makes_at_top = any(True for _ in factories_in(top, makers_in(program.statements)))
    bodies: list[tuple[int | None, p.Statements, bool]] = [(None, top, makes_at_top)]
    for number, header in enumerate(program.functions):
        makes = not FACTORIES.isdisjoint(header.mentions)
        if makes or header.qualname == header.name:
            bodies.append((number, program.bodies[number], makes))
    for where, body, makes in bodies:
        imported = outer
        for call in calls(body):
            name = last_name(call.function)
            given = {one.id for one in call.arguments if isinstance(one, p.Name)}
            if makes or (given if (name or "_")[0].isupper() else given & outer.keys()):
                if where is not None and imported is outer:
                    imported = {**outer, **_imported(tuple(statements(body)))}
                yield Construction(call, where, *_known_as(call.function, name, imported))


def _imported(found: p.Statements) -> _Imports:
    return {
        alias.asname or alias.name: ("" if one.level else one.module, alias.name)
        for one in found
        if isinstance(one, p.ImportFrom)
        for alias in one.names
    }


def _known_as(called: p.Expression, name: str, imported: _Imports) -> tuple[str, str]:
    if not isinstance(called, p.Name) or name not in imported:
        return name, ""
    source, name = imported[name]
    return name, source
