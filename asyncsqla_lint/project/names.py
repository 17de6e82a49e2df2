"""Symbols: what a name in a module can stand for, and which names a module binds.

Nothing here follows an import: a `Binding` says where to look, and `project.index` looks.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Union

from asyncsqla_lint import program as p

if TYPE_CHECKING:
    from asyncsqla_lint.project.classes import ClassInfo
    from asyncsqla_lint.project.functions import FunctionInfo
    from asyncsqla_lint.project.signs import Signs

    Consultable = Union["Module", FunctionInfo]  # all of a file, or one function of it

BUILTINS = frozenset(dir(builtins))


@dataclass(eq=False)
class Module:
    """One file of the project. `root` tells apart modules of one name under several source roots."""

    name: str
    path: str
    is_package: bool
    program: p.Program
    root: str = ""
    consulted: set[Consultable] = field(default_factory=set, repr=False)  # the index's own
    signs: Signs | None = None  # where they are known

    def says(self, *words: str) -> bool:
        """Does one of these (of `signs.WORDS`) stand anywhere in the text? Yes, where nobody knows."""
        return self.signs is None or self.signs.say(words)

    def __repr__(self) -> str:
        return f"Module({self.name!r})"

    def consult(self) -> None:
        """What is being found out depends on more than the module's outline."""
        self.consulted.add(self)

    @property
    def package(self) -> str:
        """What a relative import starts from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @cached_property
    def names(self) -> Names:
        return Names(self.program, self.program.statements)


# --- symbols -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class External:
    """Something that is not part of the project, under its public dotted name."""

    name: str


@dataclass(frozen=True)
class ModuleSymbol:
    module: Module


@dataclass(frozen=True)
class TypeParameter:
    """A type parameter by the syntax of PEP 695; older ones are Variables whose value calls TypeVar."""

    name: str
    owner: ClassInfo | FunctionInfo


@dataclass(eq=False)
class Variable:
    """A global of a module, or a value in a class body when it has an owner."""

    module: Module
    name: str
    value: p.Expression | None
    annotation: p.Expression | None
    span: p.Span
    owner: ClassInfo | None = None
    alternatives: tuple[p.Expression, ...] = ()  # every value that some branch gives it
    is_alias: bool = False  # declared with `type X = …`
    scope: FunctionInfo | None = None  # the function whose local it is

    def __repr__(self) -> str:
        return f"Variable({self.module.name}.{self.name})"


Symbol = Union[External, ModuleSymbol, "ClassInfo", "FunctionInfo", Variable, TypeParameter]
Scope = Union["ClassInfo", "FunctionInfo", None]


@dataclass(frozen=True)
class Scoped:
    """An expression, and the place from which its names are to be looked up."""

    expression: p.Expression
    module: Module
    scope: Scope = None
    given: dict[str, Scoped] | None = field(default=None, compare=False, repr=False)
    """What the parameters stand for, in the body of a helper that is read for one call of it."""

    @property
    def span(self) -> p.Span:
        return self.expression.span


# --- what a module binds ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportBinding:
    """`from module import name`, `import module as …` (name None), `import a.b` (module "a")."""

    module: str
    level: int
    name: str | None
    span: p.Span
    conditional: bool


@dataclass(frozen=True)
class ClassBinding:
    definition: p.ClassDefinition
    conditional: bool


@dataclass(frozen=True)
class FunctionBinding:
    number: int
    conditional: bool


@dataclass(frozen=True)
class ValueBinding:
    """An assignment. The value is None when it cannot be told by an expression (a loop's target)."""

    value: p.Expression | None
    annotation: p.Expression | None
    span: p.Span
    conditional: bool
    is_alias: bool = False


Binding = Union[ImportBinding, ClassBinding, FunctionBinding, ValueBinding]


@dataclass(frozen=True)
class AttributeAssignment:
    """`Target.name = value` outside of functions: how attributes are added to a class after the fact."""

    target: p.Expression
    name: str
    value: p.Expression
    span: p.Span


class Names:
    """The names that a block of statements binds, branches included, nested definitions not."""

    def __init__(self, program: p.Program, statements: p.Statements) -> None:
        self.program = program
        self.bindings: dict[str, list[Binding]] = {}
        self.stars: list[ImportBinding] = []
        self.exports: set[str] | None = None  # __all__, so far as it can be read
        self.attribute_assignments: list[AttributeAssignment] = []
        self.calls: list[p.Call] = []  # calls whose value is dropped: `registry.map_imperatively(…)`
        self._block(statements, False)

    def _bind(self, name: str, binding: Binding) -> None:
        self.bindings.setdefault(name, []).append(binding)

    def _block(self, statements: p.Statements, conditional: bool) -> None:
        for statement in statements:
            handler = _HANDLERS.get(type(statement))
            if handler is not None:
                handler(self, statement, conditional)

    def _import_from(self, node: p.ImportFrom, conditional: bool) -> None:
        for alias in node.names:
            binding = ImportBinding(node.module, node.level, alias.name, alias.span, conditional)
            if alias.name == "*":
                self.stars.append(binding)
            else:
                self._bind(alias.asname or alias.name, binding)

    def _import(self, node: p.Import, conditional: bool) -> None:
        for alias in node.names:
            module = alias.name if alias.asname is not None else alias.name.partition(".")[0]
            self._bind(alias.asname or module, ImportBinding(module, 0, None, alias.span, conditional))

    def _function(self, node: p.FunctionDefinition, conditional: bool) -> None:
        name = self.program.functions[node.function].name
        self._bind(name, FunctionBinding(node.function, conditional))

    def _class(self, node: p.ClassDefinition, conditional: bool) -> None:
        self._bind(node.name, ClassBinding(node, conditional))

    def _type_alias(self, node: p.TypeAlias, conditional: bool) -> None:
        self._bind(node.name, ValueBinding(node.value, None, node.span, conditional, is_alias=True))

    def _assign(self, node: p.Assign, conditional: bool) -> None:
        for target in node.targets:
            self._target(target, node.value, None, node.span, conditional)

    def _annotated_assign(self, node: p.AnnotatedAssign, conditional: bool) -> None:
        self._target(node.target, node.value, node.annotation, node.span, conditional)

    def _augmented_assign(self, node: p.AugmentedAssign, conditional: bool) -> None:
        if not isinstance(node.target, p.Name):
            return
        if node.target.id == "__all__" and node.operator == "+":
            self._export(node.value)
        else:
            value = p.BinaryOperation(node.span, node.target, node.operator, node.value)
            self._bind(node.target.id, ValueBinding(value, None, node.span, True))

    def _target(
        self,
        target: p.Expression,
        value: p.Expression | None,
        annotation: p.Expression | None,
        place: p.Span,
        conditional: bool,
    ) -> None:
        if isinstance(target, p.Name):
            if target.id == "__all__" and value is not None:
                self.exports = self.exports if conditional else None
                self._export(value)
            self._bind(target.id, ValueBinding(value, annotation, place, conditional))
        elif isinstance(target, p.Attribute):
            if value is not None:
                self.attribute_assignments.append(
                    AttributeAssignment(target.value, target.name, value, place)
                )
        elif isinstance(target, (p.TupleDisplay, p.ListDisplay)):
            for position, element in enumerate(target.elements):
                self._target(element, _element(value, position), None, place, conditional)
        elif isinstance(target, p.Starred):
            self._target(target.value, None, None, place, conditional)

    def _export(self, value: p.Expression) -> None:
        names = self.exports if self.exports is not None else set()
        readable = False
        for expression in _flatten_sum(value):
            if isinstance(expression, (p.ListDisplay, p.TupleDisplay, p.SetDisplay)):
                readable = True
                for element in expression.elements:
                    if isinstance(element, p.Constant) and isinstance(element.value, str):
                        names.add(element.value)
        if readable:
            self.exports = names

    def _evaluate(self, node: p.Evaluate, conditional: bool) -> None:
        call = node.value
        if not isinstance(call, p.Call):
            return
        self.calls.append(call)
        if isinstance(call.function, p.Attribute) and isinstance(call.function.value, p.Name):
            if call.function.value.id != "__all__" or not call.arguments:
                return
            if call.function.name == "extend":
                self._export(call.arguments[0])
            elif call.function.name == "append":
                self._export(p.ListDisplay(call.span, call.arguments))

    def _if(self, node: p.If, conditional: bool) -> None:
        self._block(node.body, True)
        self._block(node.otherwise, True)

    def _loop(self, node: p.For | p.While, conditional: bool) -> None:
        if isinstance(node, p.For):
            self._target(node.target, None, None, node.span, True)
        self._block(node.body, True)
        self._block(node.otherwise, True)

    def _with(self, node: p.With, conditional: bool) -> None:
        for item in node.items:
            if item.target is not None:
                self._target(item.target, None, None, item.span, conditional)
        self._block(node.body, conditional)

    def _try(self, node: p.Try, conditional: bool) -> None:
        self._block(node.body, True)
        for handler in node.handlers:
            self._block(handler.body, True)
        self._block(node.otherwise, True)
        self._block(node.final, conditional)

    def _match(self, node: p.Match, conditional: bool) -> None:
        for case in node.cases:
            self._block(case.body, True)


_HANDLERS: dict[type, Any] = {
    p.ImportFrom: Names._import_from,
    p.Import: Names._import,
    p.FunctionDefinition: Names._function,
    p.ClassDefinition: Names._class,
    p.TypeAlias: Names._type_alias,
    p.Assign: Names._assign,
    p.AnnotatedAssign: Names._annotated_assign,
    p.AugmentedAssign: Names._augmented_assign,
    p.Evaluate: Names._evaluate,
    p.If: Names._if,
    p.For: Names._loop,
    p.While: Names._loop,
    p.With: Names._with,
    p.Try: Names._try,
    p.Match: Names._match,
}


def _element(value: p.Expression | None, position: int) -> p.Expression | None:
    """What `a, b = value` gives the target at a position."""
    if value is None:
        return None
    if isinstance(value, (p.TupleDisplay, p.ListDisplay)):
        if any(isinstance(element, p.Starred) for element in value.elements):
            return None
        return value.elements[position] if position < len(value.elements) else None
    return p.Subscript(value.span, value, p.Constant(value.span, position))


def _flatten_sum(value: p.Expression) -> Iterator[p.Expression]:
    while isinstance(value, p.BinaryOperation) and value.operator == "+":
        yield value.right
        value = value.left
    yield value


def dotted(expression: p.Expression) -> str | None:
    """`a.b.c` as text, if that is all the expression is."""
    parts: list[str] = []
    while isinstance(expression, p.Attribute):
        parts.append(expression.name)
        expression = expression.value
    if not isinstance(expression, p.Name):
        return None
    parts.append(expression.id)
    return ".".join(reversed(parts))
