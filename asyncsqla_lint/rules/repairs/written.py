"""Where a text that reaches a call is written: through names, settings and other files, to its literal."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.program import Span, end_of, start_of
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.names import ModuleSymbol, Scope, Scoped, Symbol, Variable
from asyncsqla_lint.project.walking import walk

_DEPTH = 14


def node_at(part: object, place: Span) -> p.Node | None:
    """The node of a Program's statements that stands exactly there, the innermost one."""
    if isinstance(part, tuple):
        for one in part:
            found = node_at(one, place)
            if found is not None:
                return found
        return None
    if not isinstance(part, p.Node) or not start_of(part.span) <= start_of(place) < end_of(part.span):
        return None
    for field in part.__struct_fields__:
        value = getattr(part, field)
        if isinstance(value, (tuple, p.Node)):
            found = node_at(value, place)
            if found is not None:
                return found
    return part if part.span == place else None


def node_of(site: Site) -> p.Node | None:
    program = site.module.program
    return node_at((program.statements, *program.bodies), site.span)


def function_around(site: Site) -> p.Function | None:
    """The innermost."""
    at = start_of(site.span)
    around = (one for one in site.module.program.functions if start_of(one.span) <= at < end_of(one.span))
    return max(around, key=lambda one: start_of(one.span), default=None)


class Texts:
    """The literals that hold one of `wanted`, among all that a value may be made of."""

    def __init__(self, index: Index, *wanted: str) -> None:
        self._index = index
        self._pattern = re.compile("|".join(rf"(?<![\w+]){re.escape(one)}" for one in wanted))
        self._whole = {one.removesuffix("://") for one in wanted}
        self._seen: set[tuple[int, Span]] = set()

    def of(self, site: Site, frame: Frame) -> list[Site]:
        """Those that reach the call at a place, each once."""
        call = node_of(site)
        if not isinstance(call, p.Call):
            return []
        where = Scoped(call, site.module, frame.function)
        parts = (*call.arguments, *(keyword.value for keyword in call.keywords))
        found = [one for part in parts for one in self._from(part, where, frame, 0)]
        return list(dict.fromkeys(found))

    def _from(self, node: p.Node, where: Scoped, frame: Frame | None, depth: int) -> Iterator[Site]:
        key = (id(where.module), node.span)
        if depth > _DEPTH or key in self._seen:
            return
        self._seen.add(key)
        if isinstance(node, p.Constant):
            text = node.value
            if isinstance(text, str) and (text in self._whole or self._pattern.search(text)):
                yield Site(where.module, node.span)
        elif isinstance(node, (p.Name, p.Attribute)):
            for value, scope, caller in self._values(node, where, frame):
                yield from self._from(value, scope, caller, depth + 1)
        elif isinstance(node, p.Lambda):
            for part in walk(where.module.program.bodies[node.function]):
                if isinstance(part, p.Return) and part.value is not None:
                    yield from self._from(part.value, where, frame, depth + 1)
        else:
            parts = _parts(node)
            if isinstance(node, p.Call):
                yield from self._returned(node, where, depth)
                receiver = node.function.value if isinstance(node.function, p.Attribute) else None
                given = (*node.arguments, *(keyword.value for keyword in node.keywords))
                parts = iter(given if receiver is None else (receiver, *given))
            for part in parts:
                yield from self._from(part, where, frame, depth + 1)

    def _returned(self, call: p.Call, where: Scoped, depth: int) -> Iterator[Site]:
        function = self._index.resolve(where.module, call.function, where.scope)
        if isinstance(function, FunctionInfo):
            inside = Scoped(call, function.module, function)
            for value in function.returned:
                if value is not None:
                    yield from self._from(value, inside, None, depth + 1)

    # --- names -----------------------------------------------------------------------------------

    def _values(
        self, node: p.Name | p.Attribute, where: Scoped, frame: Frame | None
    ) -> Iterator[tuple[p.Expression, Scoped, Frame | None]]:
        """What a name or an attribute may have been given."""
        if isinstance(node, p.Name):
            argument = _argument(node.id, frame)
            if argument is not None and frame is not None and frame.caller is not None:
                caller = frame.caller
                yield argument, Scoped(argument, caller.module, caller.function), caller
                return
            yield from self._of_symbol(self._index.resolve(where.module, node, where.scope), frame)
            return
        owner = self._index.resolve(where.module, node.value, where.scope)
        if isinstance(owner, (ModuleSymbol, ClassInfo)):
            yield from self._of_symbol(self._index.attribute(owner, node.name), None)
            return
        cls = self._class_of(node.value, where, 0)
        if cls is not None:
            yield from self._of_member(cls, node.name)

    def _of_symbol(
        self, symbol: Symbol | None, frame: Frame | None
    ) -> Iterator[tuple[p.Expression, Scoped, Frame | None]]:
        if isinstance(symbol, Variable):
            scope: Scope = symbol.owner or symbol.scope
            for value in symbol.alternatives or ((symbol.value,) if symbol.value is not None else ()):
                yield value, Scoped(value, symbol.module, scope), frame if symbol.scope is not None else None

    def _of_member(self, cls: ClassInfo, name: str) -> Iterator[tuple[p.Expression, Scoped, Frame | None]]:
        found = cls.find(name)
        if found is not None:
            owner, member = found
            if member.function is not None:
                for value in member.function.returned:
                    if value is not None:
                        yield value, Scoped(value, owner.module, member.function), None
            if member.value is not None:
                yield member.value, Scoped(member.value, owner.module, owner), None
        for ancestor in cls.ancestors:
            for member in ancestor.members.values():
                if member.function is not None:
                    for value in _assigned(member.function, name):
                        yield value, Scoped(value, ancestor.module, member.function), None

    # --- classes ---------------------------------------------------------------------------------

    def _class_of(self, node: p.Expression, where: Scoped, depth: int) -> ClassInfo | None:
        """The class whose instance an expression is."""
        if depth > _DEPTH:
            return None
        scope = where.scope
        if isinstance(node, p.Await):
            return self._class_of(node.value, where, depth + 1)
        if isinstance(node, p.Call):
            made = self._index.resolve(where.module, node.function, scope)
            if isinstance(made, ClassInfo):
                return made
            if not isinstance(made, FunctionInfo):
                return None
            inside = Scoped(node, made.module, made)
            known = self._annotated(made.header.returns, Scoped(node, made.module, made.definition_scope))
            given = (self._class_of(one, inside, depth + 1) for one in made.returned if one is not None)
            return known or next((one for one in given if one is not None), None)
        if isinstance(node, p.Name):
            if isinstance(scope, FunctionInfo):
                parameters = scope.header.parameters
                if scope.owner is not None and parameters and parameters[0].name == node.id:
                    return scope.owner
                for parameter in parameters:
                    if parameter.name == node.id:
                        outer = Scoped(node, scope.module, scope.definition_scope)
                        return self._annotated(parameter.annotation, outer)
            return self._class_of_symbol(self._index.resolve(where.module, node, scope), depth)
        if isinstance(node, p.Attribute):
            owner = self._index.resolve(where.module, node.value, scope)
            if isinstance(owner, (ModuleSymbol, ClassInfo)):
                return self._class_of_symbol(self._index.attribute(owner, node.name), depth)
            cls = self._class_of(node.value, where, depth + 1)
            return None if cls is None else self._class_of_member(cls, node.name, depth)
        return None

    def _class_of_symbol(self, symbol: Symbol | None, depth: int) -> ClassInfo | None:
        if isinstance(symbol, ClassInfo):
            return symbol
        if not isinstance(symbol, Variable):
            return None
        scope: Scope = symbol.owner or symbol.scope
        known = self._annotated(symbol.annotation, Scoped(p.Name(symbol.span, ""), symbol.module, scope))
        if known is not None or symbol.value is None:
            return known
        return self._class_of(symbol.value, Scoped(symbol.value, symbol.module, scope), depth + 1)

    def _class_of_member(self, cls: ClassInfo, name: str, depth: int) -> ClassInfo | None:
        found = cls.find(name)
        if found is not None and found[1].annotation is not None:
            return self._annotated(found[1].annotation, Scoped(found[1].annotation, cls.module, cls))
        for value, where, _ in self._of_member(cls, name):
            made = self._class_of(value, where, depth + 1)
            if made is not None:
                return made
        return None

    def _annotated(self, annotation: p.Expression | None, where: Scoped) -> ClassInfo | None:
        if annotation is None:
            return None
        symbol = self._index.type(Scoped(annotation, where.module, where.scope)).symbol
        return symbol if isinstance(symbol, ClassInfo) else None


def _parts(node: p.Node) -> Iterator[p.Node]:
    for field in node.__struct_fields__:
        value = getattr(node, field)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, p.Node):
                yield part


def _argument(name: str, frame: Frame | None) -> p.Expression | None:
    """What the caller gave for a parameter, where the call shows it."""
    if frame is None or frame.function is None or frame.caller is None:
        return None
    call = node_of(Site(frame.caller.module, frame.call_span))
    parameters = [one.name for one in frame.function.header.parameters if one.kind in ("positional", "any")]
    if not isinstance(call, p.Call):
        return None
    for keyword in call.keywords:
        if keyword.name == name:
            return keyword.value
    if frame.receiver is not None and frame.function.owner is not None:
        parameters = parameters[1:]
    if name in parameters and parameters.index(name) < len(call.arguments):
        return call.arguments[parameters.index(name)]
    return None


def _assigned(function: FunctionInfo, name: str) -> Iterator[p.Expression]:
    """`self.name = …` in a method."""
    parameters = function.header.parameters
    me = parameters[0].name if parameters else ""
    for node in walk(function.body):
        targets: tuple[p.Expression, ...] = ()
        if isinstance(node, p.Assign):
            targets = node.targets
        elif isinstance(node, p.AnnotatedAssign):
            targets = (node.target,)
        for target in targets:
            if (
                isinstance(target, p.Attribute)
                and target.name == name
                and isinstance(target.value, p.Name)
                and target.value.id == me
                and isinstance(node, (p.Assign, p.AnnotatedAssign))
                and node.value is not None
            ):
                yield node.value
