"""The Index: every module of the project merged, and the questions that are asked of it.

Everything is computed on demand and kept; nothing is ever executed, and no question raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project.annotations import Type, read_type
from asyncsqla_lint.project.bodies import Consulted, chosen
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.lineages import Lineages
from asyncsqla_lint.project.mapping import Mapping
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.project.names import (
    ClassBinding,
    FunctionBinding,
    Module,
    Scoped,
)
from asyncsqla_lint.project.pages import ASKED, Page, Pages, question
from asyncsqla_lint.project.registrations import Registrations
from asyncsqla_lint.project.resolution import Resolution
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.project.names import Consultable

EVERY_CLASS = "*"  # what classes there are at all
EVERY_MODULE = "/"  # what modules there are
REGISTRATIONS = "+"  # what top levels add to other modules

__all__ = ["Index", "Module"]


class Index(Resolution):
    def __init__(self, modules: Iterable[Module], pages: Pages | None = None) -> None:
        super().__init__(modules)
        self._pages = pages or Pages()
        # The texts that were looked into (see `outline`): for what is being checked now, and for what
        # the index keeps and whoever comes next is told.
        self.consulted: set[Consultable] = set()
        self.foundation: set[Consultable] = set()
        # The classes whose subclasses were asked for, and what else was: EVERY_CLASS, EVERY_MODULE,
        # REGISTRATIONS, pages.
        self.asked: set[ClassInfo | str] = set()
        for module in self.modules.values():
            module.consulted = self.consulted
        self._classes: dict[tuple[Module, p.Span], ClassInfo] = {}
        self._functions: dict[tuple[Module, int], FunctionInfo] = {}
        self._inner: dict[Module, dict[int, int]] = {}
        self._classes_of: dict[Module, tuple[ClassInfo, ...]] = {}
        self._subclasses: dict[ClassInfo, tuple[ClassInfo, ...]] = {}

    @cached_property
    def by_path(self) -> dict[str, Module]:
        return {module.path: module for module in self.modules.values()}

    @contextmanager
    def resting_on_outlines(self) -> Iterator[None]:
        """For what is worked out once, for all, from what every module's outline shows."""
        consulted, asked = set(self.consulted), set(self.asked)
        try:
            yield
        finally:
            self.consulted.intersection_update(consulted)
            self.asked.intersection_update(asked)

    def each_text(self) -> Iterator[Module]:
        """All modules, for who looks for something that may stand anywhere in them."""
        self.asked.add(EVERY_MODULE)
        for module in self.modules.values():
            module.consult()
            yield module

    # --- definitions -----------------------------------------------------------------------------

    def class_at(
        self,
        module: Module,
        definition: p.ClassDefinition,
        owner: ClassInfo | None = None,
        parent: FunctionInfo | None = None,
    ) -> ClassInfo:
        """The class of a class statement; the same one for the same statement, always."""
        key = (module, definition.name_span)
        if key not in self._classes:
            self._classes[key] = ClassInfo(self, module, definition, owner, parent)
        return self._classes[key]

    def function_at(
        self,
        module: Module,
        number: int,
        owner: ClassInfo | None = None,
        parent: FunctionInfo | None = None,
    ) -> FunctionInfo:
        key = (module, number)
        if key not in self._functions:
            self._functions[key] = FunctionInfo(self, module, number, owner, parent)
        return self._functions[key]

    def function_numbered(self, module: Module, number: int) -> FunctionInfo:
        """One of the text, wherever it stands: a method is its class's, whoever asks for it first."""
        key = (module, number)
        if key not in self._functions:
            for _ in self.functions_of(module):
                pass
        found = self._functions.get(key)
        if found is None:
            outer = self._enclosing(module).get(number)
            parent = None if outer is None else self.function_numbered(module, outer)
            found = FunctionInfo(self, module, number, None, parent)
            if found.qualname.rpartition(".")[0].endswith("<locals>"):
                self._functions[key] = found  # else it is of a class in there
        return found

    def _enclosing(self, module: Module) -> dict[int, int]:
        """The functions inside of others, and in which they are."""
        found = self._inner.get(module)
        if found is None:
            found = self._inner[module] = {
                node.function: number
                for number, body in enumerate(module.program.bodies)
                for node in walk(body)
                if isinstance(node, (p.FunctionDefinition, p.Lambda))
            }
        return found

    @cached_property
    def classes(self) -> tuple[ClassInfo, ...]:
        """Every class outside of functions, nested ones included, in the order of the modules."""
        return tuple(cls for module in self.modules.values() for cls in self.classes_of(module))

    def classes_of(self, module: Module) -> tuple[ClassInfo, ...]:
        if module not in self._classes_of:
            found: list[ClassInfo] = []
            for bindings in module.names.bindings.values():
                for binding in bindings:
                    if isinstance(binding, ClassBinding):
                        self._collect(self.class_at(module, binding.definition), found)
            self._classes_of[module] = tuple(found)
        return self._classes_of[module]

    def _collect(self, cls: ClassInfo, found: list[ClassInfo]) -> None:
        found.append(cls)
        for bindings in cls.names.bindings.values():
            for binding in bindings:
                if isinstance(binding, ClassBinding):
                    self._collect(self.class_at(cls.module, binding.definition, cls), found)

    @cached_property
    def lineages(self) -> Lineages:
        return Lineages(self.modules.values())

    def classes_named(self, name: str) -> tuple[ClassInfo, ...]:
        """Those of `classes` that are called so."""
        modules = self.lineages.defining(name)
        return tuple(cls for module in modules for cls in self.classes_of(module) if cls.name == name)

    def classes_below(self, *names: str) -> Iterator[ClassInfo]:
        """Among them are those of `classes` that derive from one of these names, of libraries too."""
        for module in self.lineages.below(*names):
            yield from self.classes_of(module)

    def classes_binding(self, names: Set[str]) -> Iterator[ClassInfo]:
        """Among them are those of `classes` whose bodies bind all of these."""
        for module in self.lineages.binding(names):
            yield from self.classes_of(module)

    def subclasses(self, cls: ClassInfo) -> tuple[ClassInfo, ...]:
        self.asked.add(cls)
        return self._below(cls)

    def _below(self, cls: ClassInfo) -> tuple[ClassInfo, ...]:
        found = self._subclasses.get(cls)
        if found is None:
            below = self.classes_below(cls.name)
            found = self._subclasses[cls] = tuple(one for one in below if cls in one.ancestors[1:])
        return found

    def derived_from(self, *names: str) -> tuple[ClassInfo, ...]:
        """Classes that derive from one outside of the project, which has one of these names."""
        lasts = sorted({name.rpartition(".")[2] for name in names})
        self.asked.update(lasts)
        below = self.classes_below(*lasts)
        return tuple(cls for cls in below if not set(names).isdisjoint(cls.external_bases))

    def texts(self) -> tuple[Consulted, ...]:
        """What was consulted, by file."""
        found: dict[Module, set[str] | None] = {}
        for one in self.consulted | self.foundation:
            if isinstance(one, Module):
                found[one] = None
            elif (names := found.setdefault(one.module, set())) is not None:
                names.add(one.qualname)
        return tuple(
            Consulted(module.path, None if names is None else chosen(names))
            for module, names in sorted(found.items(), key=lambda item: item[0].path)
        )

    def families(self) -> tuple[str, ...]:
        """The names of the classes whose subclasses were asked for, and of these: what derives from one of
        them would be one more.
        """
        asked = [one for one in self.asked if isinstance(one, ClassInfo)]
        families = {one.name for cls in asked for one in (cls, *self._below(cls))}
        families.update(one for one in self.asked if isinstance(one, str) and not one.startswith(ASKED))
        return tuple(sorted(families))

    # --- pages -----------------------------------------------------------------------------------

    def page(self, name: str, module: Module) -> Page | None:
        """The template that a renderer of the module knows by this name."""
        asked = question(name, module.path)
        self.asked.add(ASKED + asked)
        return self._pages.find(asked)

    def pages_asked_for(self) -> dict[str, str]:
        """The questions for pages, and what each led to."""
        asked = sorted(one[len(ASKED) :] for one in self.asked if isinstance(one, str) and one[:1] == ASKED)
        return {one: self._pages.state(one) for one in asked}

    def functions_of(self, module: Module) -> Iterator[FunctionInfo]:
        """The functions of a module and the methods of its classes, nested functions left out."""
        for bindings in module.names.bindings.values():
            for binding in bindings:
                if isinstance(binding, FunctionBinding):
                    yield self.function_at(module, binding.number)
                elif isinstance(binding, ClassBinding):
                    classes: list[ClassInfo] = []
                    self._collect(self.class_at(module, binding.definition), classes)
                    for cls in classes:
                        for members in cls.names.bindings.values():
                            for member in members:
                                if isinstance(member, FunctionBinding):
                                    yield self.function_at(module, member.number, cls)

    # --- mapped classes --------------------------------------------------------------------------

    @property
    def registrations(self) -> Registrations:
        self.asked.add(REGISTRATIONS)
        return self._registrations

    @cached_property
    def _registrations(self) -> Registrations:
        return Registrations(self)

    @cached_property
    def mapping(self) -> Mapping:
        return Mapping(self)

    def model(self, cls: ClassInfo) -> Model | None:
        """The mapped class that a class is, if it is one."""
        return self.mapping.model(cls)

    @property
    def models(self) -> tuple[Model, ...]:
        return self.mapping.models

    # --- annotations -----------------------------------------------------------------------------

    def type(self, where: Scoped) -> Type:
        """What an annotation says: class, arguments, optional, union, Annotated's metadata."""
        return read_type(self, where)
