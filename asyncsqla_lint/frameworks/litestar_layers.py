"""Litestar's layers: applications and routers hold handlers, and what they declare holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, ImportBinding, Module, Scope, Scoped, Variable
from asyncsqla_lint.project.walking import statements, walk

_APPLICATIONS = ("litestar.Litestar", "litestar.app.Litestar")
_LAYERS = (*_APPLICATIONS, "litestar.Router", "litestar.router.Router")
_SERIALIZERS = frozenset({"SQLAlchemyPlugin", "SQLAlchemySerializationPlugin"})
_MAKES = ".create_service_dependencies"
_PLUGS = "on_app_init"
_DEEPEST = 4
Entries = dict[str, Scoped]


class Layer(Struct, frozen=True):
    """One call of `Litestar(…)` or `Router(…)`."""

    call: p.Call
    module: Module
    scope: Scope
    held: tuple[object, ...]  # functions, controllers, and the calls that make routers

    def word(self, *names: str) -> Scoped | None:
        for name in names:
            for word in self.call.keywords:
                if word.name == name:
                    return Scoped(word.value, self.module, self.scope)
        return None


class Layers(Struct, frozen=True):
    everything: tuple[Layer, ...] = ()
    plugged: tuple[tuple[str, Scoped], ...] = ()  # what plugins of the project provide
    serializes: bool = False  # a plugin makes DTOs for what handlers return

    def around(self, info: FunctionInfo) -> Iterator[Layer]:
        """The layers that hold a handler, nearest first."""
        wanted: list[object] = [info, *(() if info.owner is None else info.owner.ancestors)]
        if info.owner is not None:
            wanted += info.owner.subclasses
        for _ in range(_DEEPEST):
            found = [
                one for one in self.everything if any(held is item for held in one.held for item in wanted)
            ]
            yield from found
            wanted = [one.call for one in found]

    def provided(self, index: Index) -> Entries:
        """What the applications and routers of the project provide, whomever they hold."""
        found: Entries = dict(self.plugged)
        for one in self.everything:
            where = one.word("dependencies")
            if where is not None:
                found.update(entries(index, where))
        return found

    def hooks(self, index: Index, *names: str) -> Iterator[tuple[FunctionInfo | None, ...]]:
        """The functions that a layer calls around each request, as these keywords name them."""
        for one in self.everything:
            words = [one.word(name) for name in names]
            found = [
                None if word is None else index.resolve(word.module, word.expression, word.scope)
                for word in words
            ]
            yield tuple(hook if isinstance(hook, FunctionInfo) else None for hook in found)


def layers_of(index: Index) -> Layers:
    def find() -> Layers:
        everything: list[Layer] = []
        plugged: list[tuple[str, Scoped]] = []
        serializes = False
        for module in index.modules.values():
            serializes = serializes or _serializes(index, module)
            if module.says("litestar") and _imports_it(module):
                index.foundation.add(module)
                everything += _read(index, module)
                plugged += _plugged(index, module)
        return Layers(tuple(everything), tuple(plugged), serializes)

    return kept(index, "litestar_layers", find)


def _imports_it(module: Module) -> bool:
    bindings = (one for several in module.names.bindings.values() for one in several)
    return any(
        isinstance(one, ImportBinding) and "litestar" in f"{one.module}.{one.name}" for one in bindings
    )


def _serializes(index: Index, module: Module) -> bool:
    return any(
        isinstance(symbol := index.lookup(module, name), External) and "litestar" in symbol.name
        for name in _SERIALIZERS & module.names.bindings.keys()
    )


def _read(index: Index, module: Module) -> Iterator[Layer]:
    bodies: list[tuple[p.Statements, Scope]] = [(module.program.statements, None)]
    bodies += [(info.body, info) for info in index.functions_of(module)]
    for body, scope in bodies:
        for call in _calls(body):
            symbol = index.resolve(module, call.function, scope)
            if isinstance(symbol, External) and symbol.name in _LAYERS:
                position = 0 if symbol.name in _APPLICATIONS else 1
                given = next((word.value for word in call.keywords if word.name == "route_handlers"), None)
                if given is None and len(call.arguments) > position:
                    given = call.arguments[position]
                held = () if given is None else tuple(_held(index, Scoped(given, module, scope), 0))
                yield Layer(call, module, scope, held)


def _plugged(index: Index, module: Module) -> Iterator[tuple[str, Scoped]]:
    """`config.dependencies["session"] = Provide(self.session)`, and `config.dependencies.update({…})`."""
    for info in index.functions_of(module):
        if info.name != _PLUGS or info.owner is None:
            continue
        for one in statements(info.body):
            for target in one.targets if isinstance(one, p.Assign) else ():
                if isinstance(target, p.Subscript) and _is_of_dependencies(target.value):
                    if isinstance(target.index, p.Constant):
                        assert isinstance(one, p.Assign)
                        yield str(target.index.value), Scoped(one.value, module, info)
            call = one.value if isinstance(one, p.Evaluate) else None
            if isinstance(call, p.Call) and isinstance(call.function, p.Attribute) and call.arguments:
                if call.function.name == "update" and _is_of_dependencies(call.function.value):
                    yield from entries(index, Scoped(call.arguments[0], module, info)).items()


def _is_of_dependencies(node: p.Expression) -> bool:
    return isinstance(node, p.Attribute) and node.name == "dependencies"


def _calls(body: p.Statements) -> Iterator[p.Call]:
    """Calls whose result is kept or returned, and those inside of them: `Litestar([Router(…)])`."""
    for statement in body:
        if isinstance(statement, (p.Assign, p.AnnotatedAssign, p.Return)) and isinstance(
            statement.value, p.Call
        ):
            yield from (node for node in walk(statement.value) if isinstance(node, p.Call))


def _held(index: Index, where: Scoped, depth: int) -> Iterator[object]:
    node = where.expression
    if depth > _DEEPEST:
        return
    if isinstance(node, (p.ListDisplay, p.TupleDisplay)):
        for element in node.elements:
            inner = element.value if isinstance(element, p.Starred) else element
            yield from _held(index, Scoped(inner, where.module, where.scope), depth + 1)
    elif isinstance(node, p.Call):
        yield node  # a router, made where it is held
    elif isinstance(node, (p.Name, p.Attribute)):
        symbol = index.resolve(where.module, node, where.scope)
        if isinstance(symbol, (FunctionInfo, ClassInfo)):
            yield symbol
        elif isinstance(symbol, Variable) and symbol.value is not None:
            scope = symbol.owner or symbol.scope
            yield from _held(index, Scoped(symbol.value, symbol.module, scope), depth + 1)


def entries(index: Index, where: Scoped, depth: int = 0) -> Entries:
    """What a `dependencies=` provides: displays, what they unpack, `|`, variables, calls that make some."""
    node = where.expression
    found: Entries = {}

    def add(inner: p.Expression) -> None:
        found.update(entries(index, Scoped(inner, where.module, where.scope), depth + 1))

    if depth > _DEEPEST:
        return found
    if isinstance(node, p.DictDisplay):
        for item in node.items:
            if item.key is None:
                add(item.value)
            elif isinstance(item.key, p.Constant):
                found[str(item.key.value)] = Scoped(item.value, where.module, where.scope)
    elif isinstance(node, p.BinaryOperation):
        add(node.left)
        add(node.right)
    elif isinstance(node, (p.Name, p.Attribute)):
        symbol = index.resolve(where.module, node, where.scope)
        if isinstance(symbol, Variable) and symbol.value is not None:
            there = Scoped(symbol.value, symbol.module, symbol.owner or symbol.scope)
            found.update(entries(index, there, depth + 1))
    elif isinstance(node, p.Call):
        key = next((word.value for word in node.keywords if word.name == "key"), None)
        symbol = index.resolve(where.module, node.function, where.scope)
        if isinstance(key, p.Constant) and isinstance(symbol, External) and symbol.name.endswith(_MAKES):
            found[str(key.value)] = where
    return found
