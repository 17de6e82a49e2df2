"""Resolution: what a name stands for, in whatever module, through imports, aliases, scopes and classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from asyncsqla_lint import program as p
from asyncsqla_lint.project.annotations import parse_annotation
from asyncsqla_lint.project.canonical import canonical, exports
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import (
    BUILTINS,
    Binding,
    ClassBinding,
    External,
    FunctionBinding,
    ImportBinding,
    Module,
    ModuleSymbol,
    Names,
    Scope,
    Symbol,
    TypeParameter,
    ValueBinding,
    Variable,
)

_DEPTH = 40
_MARKERS = ("typing.Generic", "typing.Protocol", "abc.ABC")
Visited = set[tuple[Module, str]]


class Resolution(ABC):
    """Each question is answered by itself: the answer does not depend on what was asked before."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self.modules: dict[str, Module] = {}
        self._by_root: dict[tuple[str, str], Module] = {}
        for module in sorted(modules, key=lambda one: (one.root, one.path)):
            self._by_root.setdefault((module.root, module.name), module)
            key = module.name if module.name not in self.modules else f"{module.root}:{module.name}"
            while key in self.modules:
                key += "'"
            self.modules[key] = module
        self._lookups: dict[tuple[Module, str], Symbol | None] = {}
        self._variables: dict[tuple[int, str], Variable | None] = {}

    @abstractmethod
    def class_at(
        self,
        module: Module,
        definition: p.ClassDefinition,
        owner: ClassInfo | None = None,
        parent: FunctionInfo | None = None,
    ) -> ClassInfo:
        """The class of a class statement; the same one for the same statement, always."""

    @abstractmethod
    def function_at(
        self,
        module: Module,
        number: int,
        owner: ClassInfo | None = None,
        parent: FunctionInfo | None = None,
    ) -> FunctionInfo:
        """The function of a `def` or lambda; the same one for the same number, always."""

    # --- modules ---------------------------------------------------------------------------------

    def module(self, name: str, importer: Module | None = None) -> Module | None:
        """The module of a dotted name, as the importer would find it: its own root first."""
        if importer is not None:
            own = self._by_root.get((importer.root, name))
            if own is not None:
                return own
        return self.modules.get(name)

    def named(self, name: str, importer: Module | None = None) -> ModuleSymbol | External:
        """What an absolute dotted name is, if nothing shadows it."""
        module = None if _is_standard(name) else self.module(name, importer)
        return ModuleSymbol(module) if module is not None else External(canonical(name))

    def absolute(self, module: Module, level: int, name: str) -> str | None:
        """The absolute name of what `from ..name import …` in a module refers to."""
        if level == 0:
            return name
        parts = module.package.split(".") if module.package else []
        if level - 1 > len(parts):
            return None
        parts = parts[: len(parts) - (level - 1)]
        return ".".join([*parts, name] if name else parts)

    def import_module(self, module: Module, name: str) -> Symbol | None:
        """`import a.b.c as x`."""
        return self.named(name, module)

    def import_from(self, module: Module, level: int, source: str, name: str) -> Symbol | None:
        """`from ..source import name` in a module."""
        return self._import_from(module, level, source, name, set())

    def _import_from(
        self, module: Module, level: int, source: str, name: str, visited: Visited
    ) -> Symbol | None:
        absolute = self.absolute(module, level, source)
        if absolute is None:
            return None
        if level == 0 and _is_standard(absolute):
            return External(canonical(f"{absolute}.{name}"))
        found = self.module(absolute, module)
        if found is not None:
            return self._member_of(found, name, visited)
        full = f"{absolute}.{name}" if absolute else name
        submodule = self.module(full, module)  # a namespace package has no file of its own
        if submodule is not None:
            return ModuleSymbol(submodule)
        return External(canonical(full)) if level == 0 else None

    def _member_of(self, module: Module, name: str, visited: Visited) -> Symbol | None:
        symbol = self._lookup(module, name, visited)
        if symbol is None and module.is_package:
            submodule = self.module(f"{module.name}.{name}", module)
            if submodule is not None:
                return ModuleSymbol(submodule)
        return symbol

    # --- globals ---------------------------------------------------------------------------------

    def lookup(self, module: Module, name: str) -> Symbol | None:
        """What a global name of a module stands for, imports and plain aliases followed."""
        key = (module, name)
        if key not in self._lookups:
            self._lookups[key] = self._lookup(module, name, set())
        return self._lookups[key]

    def _lookup(self, module: Module, name: str, visited: Visited) -> Symbol | None:
        # `visited` covers one question: whatever imports run in a circle, each name is tried once, and the
        # answer does not depend on what was asked before.
        if (module, name) in visited or len(visited) > 400:
            return None
        visited.add((module, name))
        bindings = module.names.bindings.get(name)
        if bindings is not None:
            return self._choose(module, name, bindings, module.names, None, visited)
        for star in reversed(module.names.stars):
            symbol = self._through_star(module, star, name, visited)
            if symbol is not None:
                return symbol
        return None

    def _through_star(
        self, module: Module, star: ImportBinding, name: str, visited: Visited
    ) -> Symbol | None:
        absolute = self.absolute(module, star.level, star.module)
        source = None if absolute is None else self.module(absolute, module)
        if source is None:
            full = canonical(f"{absolute}.{name}")
            # Only what is known to be there; a star import must not swallow every unknown name.
            return External(full) if absolute and _is_exported(absolute, name) else None
        exports = source.names.exports
        if (exports is not None and name not in exports) or (exports is None and name.startswith("_")):
            return None
        return self._member_of(source, name, visited)

    def _choose(
        self,
        module: Module,
        name: str,
        bindings: list[Binding],
        names: Names,
        scope: Scope,
        visited: Visited,
    ) -> Symbol | None:
        """Which of several bindings counts: the last unconditional one and the branches after it."""
        group: list[Binding] = []
        for binding in reversed(bindings):
            if isinstance(binding, ValueBinding) and len(bindings) > 1 and _is_rebinding(binding, name):
                continue
            group.append(binding)
            if not binding.conditional:
                break
        group.reverse()
        best: Symbol | None = None
        best_rank = 9
        values: list[p.Expression] = []
        for binding in group:
            symbol = self._bound(module, name, binding, names, scope, visited)
            if isinstance(binding, ValueBinding) and binding.value is not None:
                values.append(binding.value)
            rank = _rank(symbol)
            if rank < best_rank:
                best, best_rank = symbol, rank
        if isinstance(best, Variable) and (best.module is not module or best.name != name):
            # `url = URL`, and then `url = url.replace(…)`: no other name for the same, but a variable.
            given = [one for one in bindings if isinstance(one, ValueBinding)]
            again = [one for one in given if _is_rebinding(one, name)]
            if again or (len(group) > 1 and all(isinstance(one, ValueBinding) for one in group)):
                best = self._variable(module, name, (again or given)[-1], *_owner_and_parent(scope))
        if isinstance(best, Variable) and best.module is module and best.name == name and len(bindings) > 1:
            return self._merged(best, bindings, values)
        return best

    def _merged(self, variable: Variable, bindings: list[Binding], values: list[p.Expression]) -> Variable:
        for binding in bindings:
            if isinstance(binding, ValueBinding) and variable.annotation is None:
                variable.annotation = binding.annotation
        variable.alternatives = tuple(values)
        return variable

    def _bound(
        self, module: Module, name: str, binding: Binding, names: Names, scope: Scope, visited: Visited
    ) -> Symbol | None:
        if isinstance(binding, ImportBinding):
            if binding.name is None:
                return self.named(binding.module, module)
            return self._import_from(module, binding.level, binding.module, binding.name, visited)
        owner, parent = _owner_and_parent(scope)
        if isinstance(binding, ClassBinding):
            return self.class_at(module, binding.definition, owner, parent)
        if isinstance(binding, FunctionBinding):
            return self.function_at(module, binding.number, owner, parent)
        value = binding.value
        if isinstance(value, (p.Name, p.Attribute)) and not binding.is_alias and binding.annotation is None:
            aliased = self._resolve(module, value, scope, visited, len(visited))
            if aliased is not None and not isinstance(aliased, TypeParameter):
                return aliased
        return self._variable(module, name, binding, owner, parent)

    def _variable(
        self,
        module: Module,
        name: str,
        binding: ValueBinding,
        owner: ClassInfo | None,
        parent: FunctionInfo | None,
    ) -> Variable:
        key = (id(binding), name)  # a binding lives as long as its module
        variable = self._variables.get(key)
        if variable is None:
            alternatives = () if binding.value is None else (binding.value,)
            variable = Variable(
                module,
                name,
                binding.value,
                binding.annotation,
                binding.span,
                owner,
                alternatives,
                binding.is_alias,
                parent,
            )
            self._variables[key] = variable
        return variable

    # --- expressions -----------------------------------------------------------------------------

    def resolve(self, module: Module, expression: p.Expression, scope: Scope = None) -> Symbol | None:
        """What a name, dotted name, subscripted name or string annotation stands for."""
        if scope is None and isinstance(expression, p.Name):
            symbol = self.lookup(module, expression.id)
            return symbol if symbol is not None else self._builtin(module, expression.id)
        return self._resolve(module, expression, scope, set(), 0)

    def _resolve(
        self, module: Module, expression: p.Expression, scope: Scope, visited: Visited, depth: int
    ) -> Symbol | None:
        if depth > _DEPTH:
            return None
        if isinstance(expression, p.Name):
            return self._name(module, expression.id, scope, visited)
        if isinstance(expression, p.Attribute):
            value = self._resolve(module, expression.value, scope, visited, depth + 1)
            return None if value is None else self._attribute(module, value, expression.name, visited, depth)
        if isinstance(expression, p.Subscript):
            return self._resolve(module, expression.value, scope, visited, depth + 1)
        if isinstance(expression, p.Constant) and isinstance(expression.value, str):
            parsed = parse_annotation(expression.value)
            return None if parsed is None else self._resolve(module, parsed, scope, visited, depth + 1)
        return None

    def _name(self, module: Module, name: str, scope: Scope, visited: Visited) -> Symbol | None:
        inside = True  # a class body's names are seen from the body itself, not from its methods
        while scope is not None:
            if isinstance(scope, ClassInfo):
                if name in scope.definition.type_parameters:
                    return TypeParameter(name, scope)
                bindings = scope.names.bindings.get(name) if inside else None
                inside = False
                outer: Scope = scope.owner if scope.owner is not None else scope.parent
            else:
                if name in scope.header.type_parameters:
                    return TypeParameter(name, scope)
                if any(parameter.name == name for parameter in scope.header.parameters):
                    return None
                bindings = scope.names.bindings.get(name)
                inside = False
                outer = scope.owner if scope.owner is not None else scope.parent
            if bindings is not None and not _is_own_import(bindings, name, scope):
                mark = (module, f"{id(scope)}.{name}")
                if mark not in visited:
                    visited.add(mark)
                    return self._choose(module, name, bindings, scope.names, scope, visited)
            scope = outer
        symbol = self._lookup(module, name, visited)
        return symbol if symbol is not None else self._builtin(module, name)

    def _builtin(self, module: Module, name: str) -> Symbol | None:
        if name not in BUILTINS or name in module.names.bindings:
            return None
        return External(f"builtins.{name}")

    def attribute(self, symbol: Symbol, name: str) -> Symbol | None:
        """What `symbol.name` stands for, so far as it can be told without values."""
        module = symbol.module if isinstance(symbol, (ModuleSymbol, ClassInfo, Variable)) else None
        return self._attribute(module, symbol, name, set(), 0)

    def _attribute(
        self, module: Module | None, symbol: Symbol, name: str, visited: Visited, depth: int
    ) -> Symbol | None:
        if isinstance(symbol, ModuleSymbol):
            return self._member_of(symbol.module, name, visited)
        if isinstance(symbol, External):
            return self.named(f"{symbol.name}.{name}", module)
        if isinstance(symbol, ClassInfo):
            return self._class_attribute(symbol, name, visited)
        if isinstance(symbol, Variable):
            made = self._instance_of(symbol, visited, depth)
            if isinstance(made, External):
                return External(canonical(f"{made.name}.{name}"))
        return None

    def _class_attribute(self, cls: ClassInfo, name: str, visited: Visited) -> Symbol | None:
        for ancestor in cls.mro:
            if isinstance(ancestor, ClassInfo):
                bindings = ancestor.names.bindings.get(name)
                if bindings is not None:
                    mark = (ancestor.module, f"{id(ancestor)}.{name}")
                    if mark in visited:
                        return None
                    visited.add(mark)
                    return self._choose(ancestor.module, name, bindings, ancestor.names, ancestor, visited)
            elif isinstance(ancestor, External) and ancestor.name not in _MARKERS:
                return External(canonical(f"{ancestor.name}.{name}"))
        return None

    def _instance_of(self, variable: Variable, visited: Visited, depth: int) -> Symbol | None:
        """The class whose instance a variable holds, if its annotation or its value's call says so."""
        scope: Scope = variable.owner or variable.scope
        if isinstance(variable.value, p.Call):
            return self._resolve(variable.module, variable.value.function, scope, visited, depth + 1)
        if variable.annotation is not None:
            return self._resolve(variable.module, variable.annotation, scope, visited, depth + 1)
        return None


def _is_own_import(bindings: list[Binding], name: str, scope: Scope) -> bool:
    """`name = name` in a class body reads the outer name."""
    return isinstance(scope, ClassInfo) and all(
        isinstance(one, ValueBinding) and isinstance(one.value, p.Name) and one.value.id == name
        for one in bindings
    )


def _owner_and_parent(scope: Scope) -> tuple[ClassInfo | None, FunctionInfo | None]:
    owner = scope if isinstance(scope, ClassInfo) else None
    return owner, scope if isinstance(scope, FunctionInfo) else None if owner is None else owner.parent


def _is_rebinding(binding: ValueBinding, name: str) -> bool:
    """`f = decorate(f)`, `names = names + […]`: the earlier binding says more."""
    value = binding.value
    if isinstance(value, p.BinaryOperation):
        return isinstance(value.left, p.Name) and value.left.id == name
    if isinstance(value, p.Call):
        arguments = (*value.arguments, *(keyword.value for keyword in value.keywords))
        return any(isinstance(argument, p.Name) and argument.id == name for argument in arguments)
    return False


def _rank(symbol: Symbol | None) -> int:
    if symbol is None:
        return 5
    if isinstance(symbol, Variable):
        if symbol.value is None:
            return 3
        return 4 if isinstance(symbol.value, p.Constant) and symbol.value.value is None else 1
    return 2 if isinstance(symbol, External) else 0


def _is_exported(module: str, name: str) -> bool:
    return (module.startswith("sqlalchemy") and name in exports(module)) or (
        module == "typing" and name[:1].isupper()
    )


# SQLAlchemy imports them itself: no folder of a project that is called so (`examples/asyncio`) comes first.
_STANDARD = frozenset(
    (
        "asyncio collections concurrent contextlib contextvars dataclasses enum functools inspect itertools "
        "logging os re sys threading typing weakref"
    ).split()
)


def _is_standard(name: str) -> bool:
    return name.partition(".")[0] in _STANDARD
