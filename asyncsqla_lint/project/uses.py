"""What definitions name: by which all that they can come to is found without running them.

A name stands for what it resolves to. The name of an attribute says nothing of whose it is, so it is a word:
whoever follows the uses asks all that was come to whether it has an attribute of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import Module, ModuleSymbol, Symbol
from asyncsqla_lint.project.walking import blocks, statements, walk

_WORD = re.compile(r"[^\W\d]\w*")
_LONGEST = 200  # characters of a string in which something may be named: an annotation, an attribute
# What asks for attributes by names that it is given as strings.
_REFLECTING = frozenset({"getattr", "setattr", "hasattr", "attrgetter", "methodcaller"})


class Uses(Struct, frozen=True):
    symbols: tuple[Symbol, ...]
    words: frozenset[str]  # names of attributes, and all that may be one
    reflects: bool = False


def of_function(info: FunctionInfo) -> Uses:
    """All that a function says, and the functions inside of it."""
    info.module.consult()
    return kept(info, "uses", lambda: _of_function(info))


def _of_function(info: FunctionInfo) -> Uses:
    program = info.module.program
    names = set(info.header.mentions)
    imported: list[tuple[str, Symbol]] = []
    nodes: list[object] = []
    for number in _with_inner(program, info.number):
        header, body = program.functions[number], program.bodies[number]
        annotations: list[object] = [header.returns]
        annotations += [one.annotation for one in header.parameters]
        for statement in _all_statements(body):
            if isinstance(statement, (p.Import, p.ImportFrom)):
                imported += _imported(info.index, info.module, statement)
                names.update(word for alias in statement.names for word in alias.name.split("."))
            elif isinstance(statement, p.AnnotatedAssign):
                annotations.append(statement.annotation)  # what strings say is no name that is mentioned
        said = (*annotations, *header.decorators, *(one.default for one in header.parameters))
        _collect(program, said, names)
        nodes += (said, body)
    named = [*imported, *_named(info.index, info.module, names)]
    symbols = _without_modules(info.index, program, named, tuple(nodes))
    return Uses(symbols, frozenset(names), not names.isdisjoint(_REFLECTING))


def strings_in(info: FunctionInfo) -> frozenset[str]:
    """The strings of a function that may name an attribute."""
    program = info.module.program

    def find() -> frozenset[str]:
        bodies = tuple(program.bodies[number] for number in _with_inner(program, info.number))
        strings = (node.value for node in walk(bodies) if isinstance(node, p.Constant))
        return frozenset(word for one in strings if isinstance(one, str) for word in one.split("."))

    return kept(info, "strings", find)


def of_member(index: Index, member: Member) -> Uses:
    """What a class body gives to a name that is no function's."""
    return _of_nodes(index, member.owner.module, (member.annotation, member.value, *member.alternatives))


def of_header(cls: ClassInfo) -> Uses:
    """Bases with their arguments, keywords and decorators."""

    def find() -> Uses:
        definition = cls.definition
        keywords = (one.value for one in definition.keywords)
        nodes = (*definition.bases, *keywords, *definition.decorators)
        return _of_nodes(cls.index, cls.module, nodes)

    return kept(cls, "uses", find)


def of_statement(index: Index, module: Module, statement: p.Statement) -> Uses:
    """A statement outside of functions; what is decorated belongs to it."""
    if isinstance(statement, p.FunctionDefinition):
        header = module.program.functions[statement.function]
        return _of_nodes(index, module, header.decorators, header.name)
    if isinstance(statement, p.ClassDefinition):
        return _of_nodes(index, module, (*statement.decorators, *statement.bases), statement.name)
    return _of_nodes(index, module, (statement,))


def _of_nodes(index: Index, module: Module, nodes: tuple[object, ...], *names: str) -> Uses:
    said = set(names)
    _collect(module.program, nodes, said)
    symbols = _without_modules(index, module.program, list(_named(index, module, said)), nodes)
    return Uses(symbols, frozenset(said))


def of_module(index: Index, module: Module) -> Uses:
    """All that runs when a module is imported, and the headers of what it defines."""
    program = module.program
    nodes: list[object] = [program.statements]
    for statement in _all_statements(program.statements):
        if isinstance(statement, p.FunctionDefinition):
            header = program.functions[statement.function]
            nodes += (*header.decorators, *(one.default for one in header.parameters))
    return _of_nodes(index, module, tuple(nodes))


def imports_of(module: Module) -> Iterator[str]:
    """What a module imports under absolute names, wherever outside of functions."""
    for node in walk(module.program.statements):
        if isinstance(node, p.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, p.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


class Tops:
    """What stands outside of functions and classes in a module, by the names that it says."""

    def __init__(self, index: Index, module: Module) -> None:
        self._index = index
        self._module = module
        self._naming: dict[str, list[p.Statement]] = {}
        self._declaring: dict[str, list[int]] = {}  # the functions that declare a name `global`
        program = module.program
        for statement in _all_statements(program.statements):
            if isinstance(statement, (p.Import, p.ImportFrom, p.FunctionDefinition, p.ClassDefinition)):
                continue
            names: set[str] = set()
            _collect(program, (statement,), names)
            for name in names:
                self._naming.setdefault(name, []).append(statement)
        for number, body in enumerate(program.bodies):
            for statement in statements(body):
                if isinstance(statement, p.Global):
                    for name in statement.names:
                        self._declaring.setdefault(name, []).append(number)
        self._known: dict[str, Uses] = {}

    def of(self, name: str) -> Uses:
        """What the statements say that name it: they give it what it has."""
        found = self._known.get(name)
        if found is None:
            nodes = tuple(self._naming.get(name, ()))
            found = self._known[name] = _of_nodes(self._index, self._module, nodes)
        return found

    @property
    def declared(self) -> Iterable[str]:
        return self._declaring

    def declaring(self, name: str) -> list[FunctionInfo]:
        """The functions that give it values, or those around them."""
        numbers = self._declaring.get(name)
        if not numbers:
            return []
        functions = self._module.program.functions
        return [
            info
            for info in self._index.functions_of(self._module)
            if any(
                info.number <= one and p.start_of(functions[one].span) < p.end_of(info.span)
                for one in numbers
            )
        ]


def tops_of(index: Index, module: Module) -> Tops:
    return kept(module, "tops", lambda: Tops(index, module))


def of_assignments(index: Index, module: Module) -> dict[str, Uses]:
    """`Target.name = value` outside of functions, by the name."""

    def find() -> dict[str, Uses]:
        given: dict[str, tuple[p.Expression, ...]] = {}
        for one in module.names.attribute_assignments:
            given[one.name] = (*given.get(one.name, ()), one.value)
        return {name: _of_nodes(index, module, nodes) for name, nodes in given.items()}

    return kept(module, "assignments", find)


def _collect(program: p.Program, nodes: tuple[object, ...], names: set[str]) -> None:
    for node in walk(nodes):
        if isinstance(node, p.Name):
            names.add(node.id)
        elif isinstance(node, p.Attribute):
            names.add(node.name)
        elif isinstance(node, p.Lambda):
            names.update(program.functions[node.function].mentions)
        elif isinstance(node, p.Constant):
            names.update(_words(node))


def _named(index: Index, module: Module, names: Iterable[str]) -> Iterator[tuple[str, Symbol]]:
    bound, stars = module.names.bindings, module.names.stars
    for name in sorted(names):
        if name in bound or stars:
            symbol = index.lookup(module, name)
            if symbol is not None:
                yield name, symbol


def _without_modules(
    index: Index, program: p.Program, named: list[tuple[str, Symbol]], nodes: tuple[object, ...]
) -> tuple[Symbol, ...]:
    """Of a module, what is taken from it; the module itself where it stands alone."""
    modules = {name: symbol for name, symbol in named if isinstance(symbol, ModuleSymbol)}
    found: dict[Symbol, None] = {}
    found.update((symbol, None) for _, symbol in named if not isinstance(symbol, ModuleSymbol))
    if not modules:
        return tuple(found)
    lambdas = (one.function for one in walk(nodes) if isinstance(one, p.Lambda))
    nodes = (*nodes, *(program.bodies[number] for number in lambdas))
    unseen = dict(modules)
    inside: set[int] = set()
    for node in walk(nodes):
        names: list[str] = []
        root = node
        while isinstance(root, p.Attribute) and id(root) not in inside:
            inside.add(id(root))
            names.append(root.name)
            root = root.value
        if isinstance(root, p.Constant):
            for name in _words(root):
                if name in modules:
                    found[modules[name]] = None
        if not isinstance(root, p.Name) or id(root) in inside or root.id not in modules:
            continue
        inside.add(id(root))
        unseen.pop(root.id, None)
        symbol: Symbol | None = modules[root.id]
        while isinstance(symbol, ModuleSymbol) and names:
            symbol = index.attribute(symbol, names.pop())
        if symbol is not None:
            found[symbol] = None
    return (*found, *unseen.values())


def _words(node: p.Constant) -> list[str]:
    """Those of a string in which something may be named."""
    text = node.value
    return _WORD.findall(text) if isinstance(text, str) and len(text) <= _LONGEST else []


def _imported(
    index: Index, module: Module, statement: p.Import | p.ImportFrom
) -> Iterator[tuple[str, Symbol]]:
    for alias in statement.names:
        symbol: Symbol | None
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        if isinstance(statement, p.ImportFrom):
            symbol = index.import_from(module, statement.level, statement.module, alias.name)
        else:
            symbol = index.named(name, module)
        if symbol is not None:
            yield alias.asname or name, symbol


def _with_inner(program: p.Program, number: int) -> Iterator[int]:
    """A function, and those inside of it: they come after it."""
    yield number
    end = p.end_of(program.functions[number].span)
    for inner in range(number + 1, len(program.functions)):
        if p.start_of(program.functions[inner].span) >= end:
            return
        yield inner


def _all_statements(body: p.Statements) -> Iterator[p.Statement]:
    """With those in the bodies of classes; of compound ones, what stands inside of them only."""
    for statement in body:
        yield statement
        inside = (statement.body,) if isinstance(statement, p.ClassDefinition) else blocks(statement)
        for block in inside:
            yield from _all_statements(block)
