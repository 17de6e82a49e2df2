"""An outline taken apart: what each global name of a module shows to others, and which words it says.

Whoever looks at a name has said it, or looks at something that says it. So when a name changes, only those
have to be asked again who say it, and who say what says it: `run.ripples` follows that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from asyncsqla_lint import program as p
from asyncsqla_lint.project.bodies import INSIDE, named, texts
from asyncsqla_lint.project.constructions import constructions
from asyncsqla_lint.project.factory_calls import factory_calls
from asyncsqla_lint.project.handed import catches, handed
from asyncsqla_lint.project.names import ImportBinding, Names
from asyncsqla_lint.project.outline import (
    DISPOSE,
    JOBS,
    MAPPING_CALLS,
    REGISTERING,
    Outline,
    is_searched_for,
    kept_on_applications,
    may_surround,
)
from asyncsqla_lint.project.uses import used_from
from asyncsqla_lint.project.walking import calls, last_name, walk

_WORD = re.compile(r"[^\W\d]\w*")


def words_of(text: str) -> str:
    """All words of a text, comments and strings included, each between blanks: ` a b c `."""
    found = " ".join(sorted(set(_WORD.findall(text))))
    # Python takes identifiers in their normal form; what is written otherwise stands there as both.
    normal = "" if found.isascii() else " " + unicodedata.normalize("NFKC", found)
    return f" {found}{normal} "


@dataclass
class Piece:
    """What all statements together say that bind a name, or that do something to what it stands for."""

    name: str
    said: list[object] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    bases: set[str] = field(default_factory=set)  # the words in the bases of its classes
    others: set[str] = field(default_factory=set)  # by which it is known besides: tables, fixtures
    is_import: bool = True  # nothing but what imports bind: where they stand does not matter
    is_class: bool = False
    is_everywhere: bool = False  # found without being imported
    tells: set[str] = field(default_factory=set)  # something to whom it names: the modules that define them
    # whence it takes what it may add to (`project.registrations`), and whether it is below another class
    uses: set[str] = field(default_factory=set)
    derives: bool = False
    is_fixture: bool = False  # likewise; whoever uses it has looked into its body


class Pieces:
    """A module's, by name, in the order of the text. RecursionError: what is nested too deep."""

    def __init__(self, program: p.Program) -> None:
        self._program = program
        self._outline = Outline(program)
        self._names = Names(program, program.statements)
        self.by_name: dict[str, Piece] = {}
        for statement in program.statements:
            self._add(statement)
        for number, body in enumerate(program.bodies):
            rebound = {name for node in walk(body) if isinstance(node, p.Global) for name in node.names}
            for name in rebound:
                piece = self._say(
                    name, self._outline.of(body), self._words((program.functions[number], body))
                )
                piece.is_import = False
        for one in constructions(program):  # who is made there learns what it is given
            piece = self._say(one.name, [self._outline.of(one.call), one.source], self._words(one.call))
            piece.tells.add(one.source)

    @property
    def made(self) -> set[str]:
        """The names that stand for something which the module itself makes."""
        return {name for name, piece in self.by_name.items() if not piece.is_import}

    def _add(self, statement: p.Statement) -> None:
        if isinstance(statement, (p.Import, p.ImportFrom)):
            source = (statement.level, statement.module) if isinstance(statement, p.ImportFrom) else None
            for alias in statement.names:
                name = alias.asname or (alias.name if source else alias.name.partition(".")[0])
                words = self._words((alias.name, source[1] if source else None))
                self._say(name, [source, alias.name, alias.asname], words)
            return
        said = self._outline.of(statement)
        words = self._words(statement)
        names = Names(self._program, (statement,))
        targets = {root for one in names.attribute_assignments if (root := _root(one.target))}
        bound = {*names.bindings, *targets}
        if not _only_binds(statement):
            # It does something to what it names: `app.include_router(…)`, `if …: settings.url = …`.
            bound |= {node.id for node in walk(statement) if isinstance(node, p.Name)}
        classes = [node for node in walk(statement) if isinstance(node, p.ClassDefinition)]
        used = used_from(self._program, (statement,))
        for name in bound:
            piece = self._say(name, said, words)
            piece.is_import = False
            piece.uses |= used
            piece.derives |= any(cls.bases for cls in classes)
            piece.is_class |= bool(classes)
            piece.is_everywhere |= bool(classes)
            if name in targets:
                piece.tells |= set(self._sources(name))
            piece.bases |= {word for cls in classes for word in self._words(cls.bases)}
            piece.others |= set(self._tables(statement))
        if isinstance(statement, p.FunctionDefinition):
            header = self._program.functions[statement.function]
            if any("fixture" in word for word in self._words(header.decorators)):
                piece = self.by_name[header.name]
                piece.is_fixture = True
                strings = (
                    node for one in header.decorators for node in walk(one) if isinstance(node, p.Constant)
                )
                piece.others |= {node.value for node in strings if isinstance(node.value, str)}

    def _say(self, name: str, said: object, words: set[str]) -> Piece:
        piece = self.by_name.setdefault(name, Piece(name))
        piece.said.append(said)
        piece.words |= words
        return piece

    def _words(self, node: object) -> set[str]:
        found: set[str] = set()
        waiting: list[object] = [node]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                found.update(_WORD.findall(one))
            elif isinstance(one, (tuple, list)):
                waiting.extend(one)
            elif isinstance(one, p.FunctionDefinition):
                waiting.append(self._program.functions[one.function])
            elif isinstance(one, p.Lambda):
                waiting += [self._program.functions[one.function], self._program.bodies[one.function]]
            elif isinstance(one, p.Function):
                waiting += [one.name, one.decorators, one.parameters, one.returns]
            elif isinstance(one, p.Node):
                waiting.extend(getattr(one, name) for name in one.__struct_fields__)
        return found

    def _sources(self, name: str) -> Iterator[str]:
        """The modules that define what a global name stands for; "" for one's own, and for what is near."""
        bindings = self._names.bindings.get(name, ())
        for one in bindings:
            yield one.module if isinstance(one, ImportBinding) and not one.level else ""
        if not bindings:
            yield ""

    def _tables(self, statement: p.Statement) -> Iterator[str]:
        """Names of tables, by which foreign keys and `secondary=` find them."""
        for node in walk(statement):
            if isinstance(node, (p.Assign, p.AnnotatedAssign)):
                targets = node.targets if isinstance(node, p.Assign) else (node.target,)
                if any(isinstance(one, p.Name) and one.id == "__tablename__" for one in targets):
                    yield from self._words(node.value)
            elif isinstance(node, p.Call) and node.arguments:
                yield from self._words(node.arguments[0]) if last_name(node.function) == "Table" else ()

    def words_of_functions(self, text: str) -> dict[bytes, frozenset[str]]:
        """What each function says, its header and the class that it is of included (see `bodies`)."""
        found: dict[str, set[str]] = {}
        for header in self._program.functions:
            outer = header.qualname.partition(INSIDE)[0]
            found.setdefault(outer, self._words(outer)).update(self._words(header))
        for name, one in texts(self._program, text).items():
            found[name].update(words_of(one).split())
        return {named(name): frozenset(words) for name, words in found.items()}

    # --- what concerns everybody -----------------------------------------------------------------

    @cached_property
    def common(self) -> object:
        """What is searched for through all modules, whatever it is called."""
        program = self._program
        return (
            [self._outline.of(one) for one in self._mapped],
            sorted(name for name, one in self.by_name.items() if "litestar" in one.words),
            [self._outline.header(one) for one in program.functions if is_searched_for(one)],
            [self._outline.of(one.bases) for one in self._surrounding],
            [self._outline.of(one) for one in program.statements if lists_jobs(one)],
            kept_on_applications(program),
            self._outline.of(self._factories),
            [self._outline.of(one) for one in calls(program.statements) if catches(one)],
            [self._outline.of(one) for one in handed(program)],
            any(isinstance(node, p.Attribute) and node.name == DISPOSE for node in walk(program.statements)),
        )

    @cached_property
    def exports(self) -> object:
        """What `__all__` says."""
        return None if self._names.exports is None else sorted(self._names.exports)

    @cached_property
    def stars(self) -> list[object]:
        """Whose names are all taken."""
        return [(one.level, one.module, one.conditional) for one in self._names.stars]

    @property
    def has_coroutines(self) -> bool:
        return any(header.is_async for header in self._program.functions)

    @property
    def imports_extension(self) -> bool:
        return any("sqlalchemy.ext.asyncio" in one for one in _imported(self._program.statements))

    @cached_property
    def _surrounding(self) -> list[p.ClassDefinition]:
        """Classes of middlewares."""
        found: list[p.ClassDefinition] = []
        for node in walk(self._program.statements):
            if isinstance(node, p.ClassDefinition):
                methods = (one for one in node.body if isinstance(one, p.FunctionDefinition))
                if any(may_surround(self._program.functions[one.function]) for one in methods):
                    found.append(node)
        return found

    @cached_property
    def _mapped(self) -> list[p.Call]:
        """Calls that map a class, or tell a framework of a function."""
        bodies: list[p.Statements] = [self._program.statements]
        for number, header in enumerate(self._program.functions):
            if MAPPING_CALLS.intersection(header.mentions):
                bodies.append(self._program.bodies[number])
        found = [call for body in bodies for call in calls(body) if last_name(call.function) in MAPPING_CALLS]
        registering = [
            call for call in calls(self._program.statements) if last_name(call.function) in REGISTERING
        ]
        return [*found, *registering]

    @cached_property
    def common_words(self) -> frozenset[str]:
        """What these answers depend on elsewhere: who maps classes, and who makes session factories."""
        made = [(call.function, call.keywords) for call in self._factories]
        return frozenset(self._words((tuple(self._mapped), made)))

    @cached_property
    def _factories(self) -> tuple[p.Call, ...]:
        return tuple(factory_calls(self._program))


def lists_jobs(statement: p.Statement) -> bool:
    """`class WorkerSettings: functions = [send]`"""
    return isinstance(statement, p.ClassDefinition) and any(
        isinstance(target, p.Name) and target.id in JOBS
        for one in statement.body
        if isinstance(one, (p.Assign, p.AnnotatedAssign))
        and isinstance(one.value, (p.ListDisplay, p.TupleDisplay))
        for target in (one.targets if isinstance(one, p.Assign) else (one.target,))
    )


def _only_binds(statement: p.Statement) -> bool:
    if isinstance(statement, p.Assign):
        return not any(isinstance(node, p.Subscript) for node in walk(statement.targets))
    return isinstance(statement, (p.FunctionDefinition, p.ClassDefinition, p.TypeAlias, p.AnnotatedAssign))


def _root(expression: p.Expression) -> str:
    while isinstance(expression, (p.Attribute, p.Subscript)):
        expression = expression.value
    return expression.id if isinstance(expression, p.Name) else ""


def _imported(statements: p.Statements) -> Iterator[str]:
    for node in walk(statements):
        if isinstance(node, p.ImportFrom):
            yield node.module
        elif isinstance(node, p.Import):
            yield from (alias.name for alias in node.names)
