"""What can be named where a statement is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

from generated.loading.schemas import Entity


@dataclass
class Variable:
    name: str
    entity: Entity
    session: str
    many: bool = False
    is_new: bool = False  # made by the program: what it refers to may be None
    is_derived: bool = False  # a relationship led to it


@dataclass
class Scope:
    session: str  # "" outside of every session
    variables: list[Variable] = field(default_factory=list)
    depth: int = 0
    is_async: bool = True

    def inner(self, session: str | None = None) -> Scope:
        given = self.session if session is None else session
        return Scope(given, list(self.variables), self.depth + 1, self.is_async)

    @property
    def ones(self) -> list[Variable]:
        return [one for one in self.variables if not one.many]

    @property
    def mine(self) -> list[Variable]:
        return [one for one in self.variables if not one.many and one.session == self.session]
