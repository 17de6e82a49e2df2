"""What an expression evaluates to, when that can be told without running anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Union

from asyncsqla_lint import program as p
from asyncsqla_lint.project.annotations import parse_annotation
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scoped, Symbol, Variable, dotted
from asyncsqla_lint.project.walking import blocks

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

_DEPTH = 16


class Unknown:
    """The value of what cannot be told; a class of its own, since None is a value."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
Value = Union[str, int, float, bool, None, Unknown]
_METHODS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "title": str.title,
    "capitalize": str.capitalize,
}


def constant(index: Index, where: Scoped | None, subject: ClassInfo | None = None, depth: int = 0) -> Value:
    """The value of an expression; `subject` is what a declared_attr's `cls` stands for."""
    if where is None or depth > _DEPTH:
        return UNKNOWN
    where = followed(where)
    node = where.expression
    if isinstance(node, p.Constant):
        return node.value
    if isinstance(node, (p.Name, p.Attribute)):
        return _named(index, where, node, subject, depth)
    if isinstance(node, p.FormatString):
        pieces = [constant(index, at(part, where), subject, depth + 1) for part in node.parts]
        return UNKNOWN if any(piece is UNKNOWN for piece in pieces) else "".join(map(str, pieces))
    if isinstance(node, p.BinaryOperation) and node.operator == "+":
        left = constant(index, at(node.left, where), subject, depth + 1)
        right = constant(index, at(node.right, where), subject, depth + 1)
        return left + right if isinstance(left, str) and isinstance(right, str) else UNKNOWN
    if isinstance(node, p.Call) and isinstance(node.function, p.Attribute) and not node.arguments:
        method = _METHODS.get(node.function.name)
        text = (
            UNKNOWN if method is None else constant(index, at(node.function.value, where), subject, depth + 1)
        )
        return method(text) if method is not None and isinstance(text, str) else UNKNOWN
    return UNKNOWN


def _named(
    index: Index, where: Scoped, node: p.Name | p.Attribute, subject: ClassInfo | None, depth: int
) -> Value:
    if isinstance(node, p.Attribute) and subject is not None and is_subject(node.value, where):
        if node.name == "__name__":
            return subject.name
        found = subject.find(node.name)
        return UNKNOWN if found is None else constant(index, found[1].where, subject, depth + 1)
    if isinstance(node, p.Attribute) and node.name == "value":  # of an enum's member
        inner = constant(index, at(node.value, where), subject, depth + 1)
        if inner is not UNKNOWN:
            return inner
    symbol = index.resolve(where.module, node, where.scope)
    if isinstance(symbol, Variable) and len(symbol.alternatives) <= 1:
        return constant(index, value_of(symbol), subject, depth + 1)
    return UNKNOWN


def is_subject(node: p.Expression, where: Scoped) -> bool:
    """Whether a name is the first parameter of the declared_attr that it stands in."""
    if not isinstance(node, p.Name) or not isinstance(where.scope, FunctionInfo):
        return False
    parameters = where.scope.header.parameters
    return bool(parameters) and parameters[0].name == node.id


def at(expression: p.Expression, where: Scoped) -> Scoped:
    """Another expression that is seen from the same place."""
    return Scoped(expression, where.module, where.scope, where.given)


def followed(where: Scoped) -> Scoped:
    """What a helper's parameter was given."""
    for _ in range(_DEPTH):
        node = where.expression
        if where.given is None or not isinstance(node, p.Name) or node.id not in where.given:
            break
        where = where.given[node.id]
    return where


def value_of(variable: Variable) -> Scoped | None:
    if variable.value is None:
        return None
    return Scoped(variable.value, variable.module, variable.owner or variable.scope)


def parsed(where: Scoped) -> Scoped:
    """A string's content as an expression in the same place; anything else as it is."""
    if isinstance(where.expression, p.Constant) and isinstance(where.expression.value, str):
        expression = parse_annotation(where.expression.value)
        if expression is not None:
            return at(expression, where)
    return where


def elements(where: Scoped) -> tuple[Scoped, ...]:
    """The elements of a display, also in a lambda or a string; else the expression itself."""
    where = unwrapped(parsed(where))
    node = where.expression
    if isinstance(node, (p.ListDisplay, p.TupleDisplay, p.SetDisplay)):
        return tuple(at(element, where) for element in node.elements)
    return (where,)


def unwrapped(where: Scoped) -> Scoped:
    """What a lambda returns."""
    where = followed(where)
    node = where.expression
    if isinstance(node, p.Lambda) and node.function < len(where.module.program.bodies):
        for statement in where.module.program.bodies[node.function]:
            if isinstance(statement, p.Return) and statement.value is not None:
                return at(statement.value, where)
    return where


# --- constructs -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Construct:
    """A call of something external, its arguments gathered: `mapped_column(String, index=True)`."""

    name: str
    where: Scoped
    arguments: tuple[Scoped, ...] = ()
    keywords: dict[str, Scoped] = field(default_factory=dict)
    complete: bool = True  # False: further keywords came in by a `**` that could not be read

    def argument(self, position: int, keyword: str) -> Scoped | None:
        if keyword in self.keywords:
            return self.keywords[keyword]
        return self.arguments[position] if position < len(self.arguments) else None


def read_construct(index: Index, where: Scoped | None, depth: int = 0) -> Construct | None:
    """The external call that an expression comes down to, through variables, helpers and partials."""
    if where is None or depth > _DEPTH:
        return None
    where = followed(where)
    node = where.expression
    if isinstance(node, (p.Name, p.Attribute)):
        symbol = index.resolve(where.module, node, where.scope)
        return read_construct(index, value_of(symbol), depth + 1) if isinstance(symbol, Variable) else None
    if not isinstance(node, p.Call):
        return None
    arguments = tuple(at(one, where) for one in node.arguments if not isinstance(one, p.Starred))
    keywords, complete = _keywords(index, where, node, depth)
    symbol = index.resolve(where.module, node.function, where.scope)
    return _called(index, symbol, Construct("", where, arguments, keywords, complete), depth)


def _called(index: Index, symbol: Symbol | None, call: Construct, depth: int) -> Construct | None:
    if isinstance(symbol, External):
        return Construct(symbol.name, call.where, call.arguments, call.keywords, call.complete)
    if isinstance(symbol, ClassInfo):
        for base in symbol.external_bases:
            if base in ("sqlalchemy.Column", "sqlalchemy.orm.MappedColumn"):
                return Construct(base, call.where, call.arguments, call.keywords, call.complete)
        return None
    if isinstance(symbol, Variable):
        made = read_construct(index, value_of(symbol), depth + 1)
        if made is None or made.name != "functools.partial" or not made.arguments:
            return None
        function = index.resolve(
            made.arguments[0].module, made.arguments[0].expression, made.arguments[0].scope
        )
        merged = Construct(
            "",
            call.where,
            made.arguments[1:] + call.arguments,
            {**made.keywords, **call.keywords},
            made.complete and call.complete,
        )
        return _called(index, function, merged, depth + 1)
    if isinstance(symbol, FunctionInfo):
        return _helper(index, symbol, call, depth)
    return None


def _helper(index: Index, function: FunctionInfo, call: Construct, depth: int) -> Construct | None:
    """A function of the project that makes columns or relationships: its parameters become arguments."""
    returned = [one for one in function.returned if one is not None]
    if len(returned) != 1:
        return None
    given: dict[str, Scoped] = {}
    parameters = function.header.parameters
    positional = [one.name for one in parameters if one.kind in ("positional", "any")]
    for parameter in parameters:
        if parameter.default is not None:
            given[parameter.name] = Scoped(parameter.default, function.module, function.definition_scope)
    given.update(zip(positional, call.arguments, strict=False))
    names = {one.name for one in parameters}
    given.update({name: value for name, value in call.keywords.items() if name in names})
    inner = read_construct(index, Scoped(returned[0], function.module, function, given), depth + 1)
    if inner is None:
        return None
    keywords, arguments, complete = inner.keywords, inner.arguments, inner.complete
    kinds = {one.kind for one in parameters}
    if "double" in kinds:  # handed on, in all likelihood
        further = {name: value for name, value in call.keywords.items() if name not in names}
        keywords, complete = {**keywords, **further}, call.complete
    if "star" in kinds:
        arguments += call.arguments[len(positional) :]
    return Construct(inner.name, call.where, arguments, keywords, complete)


def _keywords(index: Index, where: Scoped, call: p.Call, depth: int) -> tuple[dict[str, Scoped], bool]:
    found: dict[str, Scoped] = {}
    complete = True
    for keyword in call.keywords:
        if keyword.name is not None:
            found[keyword.name] = at(keyword.value, where)
            continue
        spread = read_dict(index, at(keyword.value, where), depth + 1)
        if spread is None:
            complete = False
        else:
            found.update(spread)
    return found, complete


def read_dict(index: Index, where: Scoped | None, depth: int = 0) -> dict[str, Scoped] | None:
    """A dict display with constant string keys (or `dict(a=…)`), through variables."""
    if where is None or depth > _DEPTH:
        return None
    where = followed(where)
    node = where.expression
    if isinstance(node, (p.Name, p.Attribute)):
        symbol = index.resolve(where.module, node, where.scope)
        if not isinstance(symbol, Variable):
            return None
        first = read_dict(index, value_of(symbol), depth + 1)
        return first if first is None or symbol.owner is not None else _with_items(index, symbol, first)
    if isinstance(node, p.Call):
        if index.resolve(where.module, node.function, where.scope) != External("builtins.dict"):
            return None
        found, complete = _keywords(index, where, node, depth)
        return found if complete and not node.arguments else None
    if isinstance(node, p.BinaryOperation) and node.operator == "|":
        left = read_dict(index, at(node.left, where), depth + 1)
        right = read_dict(index, at(node.right, where), depth + 1)
        return None if left is None or right is None else {**left, **right}
    if not isinstance(node, p.DictDisplay):
        return None
    result: dict[str, Scoped] = {}
    for item in node.items:
        if item.key is None:
            result.update(read_dict(index, at(item.value, where), depth + 1) or {})
            continue
        key = constant(index, at(item.key, where))
        if isinstance(key, str):
            result[key] = at(item.value, where)
    return result


def _with_items(index: Index, variable: Variable, first: dict[str, Scoped]) -> dict[str, Scoped] | None:
    """With what is put in later: `options["lazy"] = …`; None: on some paths alone (`good_filled_perhaps`).

    `if lazy: options["lazy"] = lazy` leaves out what would say nothing (`ASQ301/bad_filled_later`).
    """
    found, inside = first, variable.scope
    if inside is not None:
        index.foundation.add(inside)
    body = variable.module.program.statements if inside is None else inside.body
    for block, test in _blocks(body, None):
        for statement in block:
            if not isinstance(statement, p.Assign):
                continue
            for target in statement.targets:
                if not isinstance(target, p.Subscript) or dotted(target.value) != variable.name:
                    continue
                where = Scoped(statement.value, variable.module, inside)
                key = constant(index, at(target.index, where))
                is_sure = block is body or (test is not None and dotted(test) == dotted(statement.value))
                if not isinstance(key, str) or not is_sure:
                    return None
                found = {**found, key: where}
    return found


def _blocks(
    body: p.Statements, test: p.Expression | None
) -> Iterator[tuple[p.Statements, p.Expression | None]]:
    """A block and those inside of it, each with the test on which it hangs."""
    yield body, test
    for statement in body:
        inner = statement.test if isinstance(statement, p.If) else None
        for block in blocks(statement):
            yield from _blocks(block, inner)
