"""Functions: their header, body, and what their decorators are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project.names import External, Module, Names, Scope, Symbol
from asyncsqla_lint.project.walking import statements, walk

if TYPE_CHECKING:
    from asyncsqla_lint.project.classes import ClassInfo
    from asyncsqla_lint.project.index import Index


_NEVER = frozenset({"NoReturn", "Never"})


@dataclass(eq=False)
class FunctionInfo:
    """A function, method or lambda. Made by the index only, so that identity is equality."""

    index: Index
    module: Module
    number: int
    owner: ClassInfo | None = None
    parent: FunctionInfo | None = None

    def __repr__(self) -> str:
        return f"FunctionInfo({self.module.name}.{self.qualname})"

    @property
    def header(self) -> p.Function:
        return self.module.program.functions[self.number]

    @property
    def body(self) -> p.Statements:
        self.consult()
        return self.module.program.bodies[self.number]

    def consult(self) -> None:
        """What is being found out depends on what the body says, wherever it stands in its file."""
        self.module.consulted.add(self)

    @property
    def name(self) -> str:
        return self.header.name

    @property
    def qualname(self) -> str:
        return self.header.qualname

    @property
    def span(self) -> p.Span:
        return self.header.span

    @property
    def is_async(self) -> bool:
        return self.header.is_async

    @property
    def definition_scope(self) -> Scope:
        """Where the header's own names (decorators, annotations, defaults) are looked up."""
        return self.owner or self.parent

    @cached_property
    def decorators(self) -> tuple[Symbol | None, ...]:
        """What each decorator resolves to; of `@decorator(…)` what is called."""
        return tuple(
            self.index.resolve(self.module, callee(expression), self.definition_scope)
            for expression in self.header.decorators
        )

    def decorated_by(self, *names: str) -> bool:
        return any(isinstance(one, External) and one.name in names for one in self.decorators)

    @property
    def names(self) -> Names:
        """What the body binds: local imports, classes, functions and assignments."""
        self.consult()
        return self._names

    @cached_property
    def _names(self) -> Names:
        return Names(self.module.program, self.body)

    @cached_property
    def returned(self) -> tuple[p.Expression | None, ...]:
        """The expression of every `return`, nested functions left out."""
        self.index.foundation.add(self)
        return tuple(one.value for one in statements(self.body) if isinstance(one, p.Return))

    @property
    def gives(self) -> frozenset[str]:
        """The names that stand in what it returns or yields."""
        self.consult()
        return self._gives

    @cached_property
    def _gives(self) -> frozenset[str]:
        given = [one for one in walk(self.body) if isinstance(one, (p.Return, p.Yield, p.YieldFrom))]
        return frozenset(one.id for one in walk(tuple(given)) if isinstance(one, p.Name))

    @cached_property
    def never_returns(self) -> bool:
        """`-> NoReturn`"""
        node = self.header.returns
        if not isinstance(node, (p.Name, p.Attribute)):
            return False
        found = self.index.resolve(self.module, node, self)
        return isinstance(found, External) and found.name.rpartition(".")[2] in _NEVER

    @property
    def is_declaration(self) -> bool:
        """Of a protocol or an abstract class: its body says nothing of what those do that implement it."""
        self.consult()
        return self._is_declaration

    @cached_property
    def _is_declaration(self) -> bool:
        if self.owner is None or not all(map(_says_nothing, self.body)):
            return False
        member = self.owner.members.get(self.name)
        if any(isinstance(one, p.Raise) for one in self.body):
            return True
        return self.owner.kind == "protocol" or (member is not None and member.is_abstract)

    @property
    def stands_for_generators(self) -> bool:
        """An `async def` that declares what subclasses write with a `yield`: its callers go over it."""
        if self.owner is None or self.header.is_generator or not self.is_declaration:
            return False
        overrides = (one.members.get(self.name) for one in self.owner.subclasses)
        return any(one and one.function and one.function.header.is_generator for one in overrides)


def _says_nothing(statement: p.Statement) -> bool:
    """A docstring, `...`, `raise NotImplementedError`."""
    if isinstance(statement, p.Raise):
        raised = callee(statement.exception) if statement.exception is not None else None
        return isinstance(raised, p.Name) and raised.id == "NotImplementedError"
    said = statement.value if isinstance(statement, p.Evaluate) else None
    return isinstance(said, p.Constant) or (isinstance(said, p.Opaque) and not said.parts)


def callee(expression: p.Expression) -> p.Expression:
    while isinstance(expression, p.Call):
        expression = expression.function
    return expression
