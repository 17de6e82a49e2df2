"""Which roots can come to anything that the floors above know of; the others need not be run.

Nothing that a rule hears of comes from nowhere. A session, an engine, a mapped instance is made or promised
under some name that leads out of the project, to an *origin*. So from a root all is followed that its code
can come to: what its names stand for, the code of that in turn, and, of each class and module come to,
the attributes whose names are said anywhere on the way. Where no origin is among it, running the root tells
nobody anything. Too much is followed rather than too little: a name that is said is used, an attribute is
that of whatever has one of its name.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Union

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.assigned import self_assignments
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.implementations import implementation
from asyncsqla_lint.project import uses
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import REGISTRATIONS
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Module, ModuleSymbol, Symbol, Variable
from asyncsqla_lint.project.uses import Uses

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index

Folder = dict[str, dict[Symbol, None]]
Owner = Union[Module, ClassInfo, External, "Outside", Folder]  # of attributes

# Decorators of methods that are called by name all the same.
_BY_NAME = frozenset(
    "builtins.property builtins.staticmethod builtins.classmethod abc.abstractmethod "
    "functools.cached_property functools.wraps typing.override typing.overload".split()
)
_ALL_AT_ONCE = ("namedtuple", "typeddict")  # whose fields are read by place, or by strings
_WITH_FIELDS = ("pydantic", "dataclass", "attrs")
_CONTAINERS = ("builtins.", "collections.", "weakref.")
_DISPLAYS = (p.DictDisplay, p.ListDisplay, p.SetDisplay, p.Comprehension)


def leads_somewhere(flow: Flow, root: FunctionInfo | Module) -> bool:
    """Can running the function, or the module's top level, come to what the floors above know?"""
    if isinstance(root, Module):
        if any(map(flow.meanings.is_origin, uses.imports_of(root))):
            return True
    elif any(hook(flow, root) for hook in flow.meanings.is_run_apart):
        return True
    # What others of the module have come to without finding anything need not be gone through again: where
    # this one adds nothing, it finds nothing by itself.
    before = flow.memory.get(_Search)
    if isinstance(before, _Search):
        search = before.copy()
        if not search.finds_origin(root):
            flow.memory[_Search] = search
            return False
    search = _Search(flow)
    if search.finds_origin(root):
        if isinstance(root, FunctionInfo):
            search.known.setdefault(root, frozenset(search.modules))
        return True
    flow.memory[_Search] = search
    return False


class _Origin(Exception):
    """Found."""


class Outside:
    """What top levels assign to attributes of whatever they name."""

    def __init__(self, index: Index) -> None:
        self.given: dict[str, list[Uses]] = {}
        for module in index.modules.values():
            if module.signs is None or module.signs.assigns:
                for name, given in uses.of_assignments(index, module).items():
                    self.given.setdefault(name, []).append(given)


def _folders(index: Index) -> dict[str, Folder]:
    """Packages, which need have no module of their own: what is in them, by their dotted names."""
    found: dict[str, Folder] = {}
    for module in index.modules.values():
        symbol: Symbol = ModuleSymbol(module)
        name = module.name
        while "." in name:
            name, _, last = name.rpartition(".")
            inside = found.setdefault(name, {}).setdefault(last, {})
            inside[symbol] = None
            symbol = External(name)
    return found


class _Led(Struct, frozen=True):
    """What an attribute leads to."""

    symbols: tuple[Symbol, ...]
    words: frozenset[str]
    looked_into: frozenset[Module] | None = None  # to tell what top levels may put into it


class _Search:
    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.index = flow.index
        # What leads to an origin, and the modules into whose functions was looked to tell.
        self.known: dict[FunctionInfo, frozenset[Module]] = kept(flow.index, "lead to origins", dict)
        self.modules: set[Module] = set()  # likewise, for this root
        self.words: set[str] = set()
        self.fresh: set[str] = set()  # of these no owner has been asked
        outside = kept(self.index, "given outside", lambda: Outside(self.index))
        self.owners: list[tuple[Owner, Collection[str] | None]] = [(outside, outside.given.keys())]
        self.seen: set[object] = set()
        self.queue: deque[object] = deque()
        self.functions: list[FunctionInfo] = []
        self.reflects = False

    def copy(self) -> _Search:
        other = _Search(self.flow)
        other.modules, other.words, other.seen = self.modules.copy(), self.words.copy(), self.seen.copy()
        other.owners, other.functions, other.reflects = self.owners[:], self.functions[:], self.reflects
        return other

    def finds_origin(self, root: FunctionInfo | Module) -> bool:
        try:
            if isinstance(root, FunctionInfo):
                self.put((root, root.owner))
            else:
                self.top(root)
            self.follow()
        except _Origin:
            return True
        finally:
            self.index.consulted |= self.modules
        return False

    def top(self, module: Module) -> None:
        """A module's top level, and the functions that declare globals of it."""
        self.say(uses.of_module(self.index, module))
        tops = uses.tops_of(self.index, module)
        for name in tops.declared:
            self.put(tops.declaring(name))

    def follow(self) -> None:
        while True:
            while self.queue:
                self.visit(self.queue.popleft())
            if not self.fresh:
                return
            fresh, self.fresh = self.fresh, set()
            self.words |= fresh
            for owner, names in self.owners:
                self.ask(owner, names, fresh)

    def put(self, found: Iterable[object]) -> None:
        for one in found:
            if one is not None and one not in self.seen:
                self.seen.add(one)
                self.queue.append(one)

    def say(self, said: Uses) -> None:
        self.put(said.symbols)
        self.fresh |= said.words - self.words

    def own(self, owner: Owner, names: Collection[str] | None) -> None:
        """`names` are those of its attributes; None: it is asked for each word."""
        self.owners.append((owner, names))
        self.ask(owner, names, self.words)

    def ask(self, owner: Owner, names: Collection[str] | None, words: set[str]) -> None:
        for name in sorted(words if names is None else words.intersection(names)):
            self.read(owner, name)

    # --- what is come to -------------------------------------------------------------------------

    def visit(self, one: object) -> None:
        if isinstance(one, FunctionInfo):
            self.function(one)
        elif isinstance(one, ClassInfo):
            self.cls(one)
        elif isinstance(one, Variable):
            self.variable(one)
        elif isinstance(one, External):
            self.external(one)
        elif isinstance(one, ModuleSymbol):
            module = one.module
            # Its submodules and star imports cannot be listed.
            self.own(module, None if module.is_package or module.names.stars else module.names.bindings)

    def function(self, info: FunctionInfo) -> None:
        known = self.known.get(info)
        if known is not None:
            self.modules |= known
            raise _Origin
        self.modules.add(info.module)
        said = uses.of_function(info)
        self.say(said)
        self.functions.append(info)
        for hook in self.flow.meanings.also_run:
            self.put(hook(self.flow, info))
        if self.reflects:
            self.fresh |= uses.strings_in(info) - self.words
        elif said.reflects:
            self.reflects = True
            for one in self.functions:
                self.fresh |= uses.strings_in(one) - self.words

    def cls(self, cls: ClassInfo) -> None:
        if self.index.model(cls) is not None:
            raise _Origin
        self.put((implementation(self.flow, ClassValue(cls)).info,))
        for ancestor in cls.mro:
            if isinstance(ancestor, External):
                self.put((ancestor,))
            elif isinstance(ancestor, ClassInfo) and ("owner", ancestor) not in self.seen:
                self.seen.add(("owner", ancestor))
                self.modules.add(ancestor.module)
                self.say(uses.of_header(ancestor))
                names, unsaid = kept(ancestor, "what is read", partial(_read, self.flow, ancestor))
                for name in unsaid:
                    self.read(ancestor, name)
                self.own(ancestor, names)

    def variable(self, variable: Variable) -> None:
        led = kept(variable, "led", partial(self.of_variable, variable))
        self.led(led)

    def of_variable(self, variable: Variable) -> _Led:
        module, name = variable.module, variable.name
        tops = uses.tops_of(self.index, module)
        said = tops.of(name)
        found = [*said.symbols, *tops.declaring(name)]
        if self.is_table(module, variable.value):
            return self.filled(module, name, found, said.words)
        return _Led(tuple(found), said.words)

    def led(self, led: _Led) -> None:
        if led.looked_into is not None:
            self.index.asked.add(REGISTRATIONS)
            self.modules |= led.looked_into
        self.put(led.symbols)
        self.fresh |= led.words - self.words

    def external(self, external: External) -> None:
        meanings = self.flow.meanings
        if meanings.is_origin(external.name):
            raise _Origin
        inside = meanings.towards_origins.get(external.name)
        if inside:
            self.own(external, inside)
        folders = kept(self.index, "folders", lambda: _folders(self.index))
        within = folders.get(external.name)
        if within is not None:
            self.own(within, within.keys())

    def filled(
        self, owner: Module | ClassInfo, name: str, found: list[Symbol], words: frozenset[str]
    ) -> _Led:
        """With what top levels may put into it."""
        functions, statements, looked_into = self.index.registrations.filling(owner, name)
        said = [uses.of_statement(self.index, module, statement) for module, statement in statements]
        symbols = (*found, *functions, *(symbol for one in said for symbol in one.symbols))
        return _Led(tuple(dict.fromkeys(symbols)), words.union(*(one.words for one in said)), looked_into)

    def is_table(self, module: Module, value: p.Expression | None) -> bool:
        """Is it something of which other modules' top levels may add to what it holds?"""
        if not isinstance(value, p.Call):
            return isinstance(value, _DISPLAYS)
        made = value.function
        while isinstance(made, (p.Attribute, p.Subscript, p.Call)):
            made = made.function if isinstance(made, p.Call) else made.value
        symbol = self.index.resolve(module, made)
        return not isinstance(symbol, External) or symbol.name.startswith(_CONTAINERS)

    # --- attributes ------------------------------------------------------------------------------

    def read(self, owner: Owner, name: str) -> None:
        if isinstance(owner, ClassInfo):
            self.member(owner, name)
        elif isinstance(owner, Module):
            symbol = self.index.lookup(owner, name)
            if symbol is None and owner.is_package:
                submodule = self.index.module(f"{owner.name}.{name}", owner)
                symbol = None if submodule is None else ModuleSymbol(submodule)
            self.put((symbol,))
        elif isinstance(owner, External):
            self.put((External(f"{owner.name}.{name}"),))
        elif isinstance(owner, dict):
            self.put(owner[name])
        else:
            for given in owner.given[name]:
                self.say(given)

    def member(self, cls: ClassInfo, name: str) -> None:
        if ("member", cls, name) not in self.seen:
            self.seen.add(("member", cls, name))
            known: dict[str, _Led] = kept(cls, "led", dict)
            if name not in known:
                known[name] = self.of_member(cls, name)
            self.led(known[name])

    def of_member(self, cls: ClassInfo, name: str) -> _Led:
        found: list[Symbol] = []
        for number, *_ in self_assignments(self.flow, cls).get(name, ()):
            found.append(self.index.function_at(cls.module, number, cls))
        member = cls.members.get(name)
        if member is None:
            return _Led(tuple(found), frozenset())
        found += [one for one in (member.function, member.setter, member.cls) if one is not None]
        if member.kind != "value":
            return _Led(tuple(found), frozenset())
        said = uses.of_member(self.index, member)
        found += said.symbols
        is_field = member.annotation is not None and cls.kind in _WITH_FIELDS
        if not is_field and self.is_table(cls.module, member.value):
            return self.filled(cls, name, found, said.words)
        return _Led(tuple(found), said.words)


def _read(flow: Flow, cls: ClassInfo) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names of the attributes that a class gives, and of those that are read without being said."""
    names = cls.names.bindings.keys() | self_assignments(flow, cls).keys()
    return frozenset(names), tuple(_unsaid(cls))


def _unsaid(cls: ClassInfo) -> Iterator[str]:
    """The attributes that are read without their names being said."""
    for name, member in cls.members.items():
        if (
            (name.startswith("__") and name.endswith("__"))
            or cls.kind in _ALL_AT_ONCE
            or (member.kind == "value" and isinstance(member.value, p.Call))
            or (member.function is not None and _is_called_otherwise(member))
        ):
            yield name


def _is_called_otherwise(member: Member) -> bool:
    """A decorator may have somebody call it: a validator, a listener."""
    function = member.function
    return function is not None and any(
        not (isinstance(symbol, External) and symbol.name in _BY_NAME)
        and not (isinstance(node, p.Attribute) and node.name in ("setter", "deleter"))
        for node, symbol in zip(function.header.decorators, function.decorators, strict=True)
    )
