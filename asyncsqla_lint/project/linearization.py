"""C3, for hierarchies that may be incomplete, inconsistent or circular."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from asyncsqla_lint import program as p
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, ModuleSymbol, Scoped, TypeParameter, Variable

if TYPE_CHECKING:
    from asyncsqla_lint.project.classes import ClassInfo

Ancestor = Union["ClassInfo", External, Variable]

# Hierarchies outside of the project that matter to somebody above.
_EXTERNAL_BASES = {
    "sqlmodel.ext.asyncio.session.AsyncSession": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlmodel.Session": "sqlalchemy.orm.Session",
    "sqlmodel.SQLModel": "pydantic.BaseModel",
    "pydantic_settings.BaseSettings": "pydantic.BaseModel",
    "pydantic.RootModel": "pydantic.BaseModel",
    "enum.IntEnum": "enum.Enum",
    "enum.StrEnum": "enum.Enum",
    "enum.Flag": "enum.Enum",
    "enum.IntFlag": "enum.Flag",
}
_DEEPEST = 200


def linearize(cls: ClassInfo) -> tuple[Ancestor, ...]:
    return tuple(_linearize(cls, (), [True]))


def _linearize(cls: ClassInfo, active: tuple[ClassInfo, ...], clean: list[bool]) -> list[Ancestor]:
    known = cls.__dict__.get("mro")
    if known is not None:
        return list(known)
    sequences: list[list[Ancestor]] = []
    direct: list[Ancestor] = []
    unbroken = [True]
    for base in cls.bases:
        symbol = base.symbol
        if symbol is None or isinstance(symbol, (ModuleSymbol, FunctionInfo, TypeParameter)):
            continue
        if isinstance(symbol, External):
            line = _external_line(symbol)
        elif isinstance(symbol, Variable):
            line = _called_line(symbol, (*active, cls), unbroken)
        elif symbol is cls or symbol in active or len(active) > _DEEPEST:
            unbroken[0] = False
            continue
        else:
            line = _linearize(symbol, (*active, cls), unbroken)
        if symbol not in direct:
            direct.append(symbol)
            sequences.append(line)
    # In a circle, an ancestor's order may name the class itself.
    result: list[Ancestor] = [cls, *(one for one in _merge([*sequences, direct]) if one is not cls)]
    if unbroken[0]:
        cls.__dict__["mro"] = tuple(result)
    else:
        clean[0] = False
    return result


def _external_line(symbol: External) -> list[Ancestor]:
    line: list[Ancestor] = [symbol]
    name: str | None = symbol.name
    while name is not None:
        name = _EXTERNAL_BASES.get(name)
        if name is not None:
            line.append(External(name))
    return line


def _called_line(variable: Variable, active: tuple[ClassInfo, ...], clean: list[bool]) -> list[Ancestor]:
    """`Base = declarative_base(cls=Mixin)` inherits from what it is given."""
    line: list[Ancestor] = [variable]
    call = variable.value
    if not isinstance(call, p.Call):
        return line
    for keyword in call.keywords:
        if keyword.name not in ("cls", "model_class"):
            continue
        value = keyword.value
        elements = value.elements if isinstance(value, p.TupleDisplay) else (value,)
        sequences: list[list[Ancestor]] = []
        for element in elements:
            where = Scoped(element, variable.module, variable.owner or variable.scope)
            symbol = active[0].index.resolve(where.module, element, where.scope)
            if isinstance(symbol, External):
                sequences.append(_external_line(symbol))
            elif symbol is None or isinstance(symbol, (ModuleSymbol, FunctionInfo, TypeParameter, Variable)):
                continue
            elif symbol in active:
                clean[0] = False
            else:
                sequences.append(_linearize(symbol, active, clean))
        line += _merge(sequences)
    return line


def _merge(sequences: list[list[Ancestor]]) -> list[Ancestor]:
    result: list[Ancestor] = []
    pending = [list(sequence) for sequence in sequences if sequence]
    while pending:
        for sequence in pending:
            head = sequence[0]
            if not any(head in other[1:] for other in pending):
                break
        else:
            # Python would refuse the class; keep every ancestor, nearest first.
            for sequence in pending:
                result += [one for one in sequence if one not in result]
            return result
        result.append(head)
        pending = [[one for one in sequence if one != head] for sequence in pending]
        pending = [sequence for sequence in pending if sequence]
    return result
