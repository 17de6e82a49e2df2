"""How far an edit reaches: which modules have to be asked again, after what others show has changed.

A name that changed concerns the modules that say it and can have it from there (`run.holders`); what these
show under names of their own changes with it. Who has only run a function of such a module is concerned if
that function says the name. Too much rather than too little: a word is a word, in comments too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

from asyncsqla_lint.program import Program
from asyncsqla_lint.project.bodies import each
from asyncsqla_lint.project.index import EVERY_CLASS, EVERY_MODULE, REGISTRATIONS
from asyncsqla_lint.project.pieces import Piece, Pieces
from asyncsqla_lint.project.signs import HOOK
from asyncsqla_lint.run.holders import Holders, stem
from asyncsqla_lint.workspace.decoding import decode

NOTHING = Program((), (), (), (), (0,))
_ENOUGH = 0.5  # of all modules: then it is quicker to ask all of them


@dataclass
class Project:
    """What stands in the files now, by path."""

    words: Callable[[], Mapping[str, str]]
    program: Callable[[str], Program]
    data: Callable[[str], bytes]
    classes: Callable[[], Collection[str]]  # the names of all
    hooks: Callable[[], bool]  # whether a class does something with those below it
    imported: Mapping[str, Iterable[str]]


Spoken = Callable[[str, Collection[str]], Set[bytes]]  # the functions of a module that say one of these


def _nothing(_path: str, _names: Collection[str]) -> Set[bytes]:
    return frozenset()


@dataclass
class Ripples:
    """What an edit has come to."""

    edited: set[str]  # the paths of those whose text is another
    spoken: Spoken = _nothing
    # … and of those who say what has changed, with what that is
    touched: dict[str, set[str]] = field(default_factory=dict)
    bases: set[str] = field(default_factory=set)  # the words in the bases of classes that have changed
    has_classes: bool = False
    registers: bool = False  # something that may add to what another module holds
    has_modules: bool = False  # one has come, or gone

    def __contains__(self, path: str) -> bool:
        return path in self.touched or path in self.edited

    def reaches(
        self, path: str, consulted: Iterable[tuple[str, bytes | None]], asked: Collection[str]
    ) -> bool:
        """Does it concern what was found in a module, by what was looked at for it? Whether that still says
        the same is another question.
        """
        if path in self or any(self._changes(other, functions) for other, functions in consulted):
            return True
        changed = {
            EVERY_CLASS: self.has_classes,
            EVERY_MODULE: self.has_modules,
            REGISTRATIONS: self.registers,
        }
        if any(changed[one] and one in asked for one in changed):
            return True
        return not self.bases.isdisjoint(asked)

    def _changes(self, path: str, functions: bytes | None) -> bool:
        """May these, which say what they have said, do something else now?"""
        names = self.touched.get(path)
        if names is None:
            return False
        return functions is None or not self.spoken(path, names).isdisjoint(each(functions))


def ripples(
    edited: Iterable[str], reshaped: Mapping[str, Program | None], project: Project
) -> Ripples | None:
    """`edited` are those whose text is another; `reshaped` those that show something else than before, with
    what stood there: NOTHING where one has come. None: everything has to be asked again.
    """
    if _is_most(len(reshaped), len(project.imported)):
        return None
    gone = reshaped.keys() - project.imported.keys()
    found = _Spreading(
        edited, project, gone, {path for path, before in reshaped.items() if before is NOTHING}
    )
    try:
        for path, before in reshaped.items():
            if before is None or not found.compared(path, Pieces(before)):
                return None
            if path in found.placed and not found.named(path):
                return None
        return found.ripples if found.spread() else None
    except RecursionError:
        return None


def _is_most(count: int, modules: int) -> bool:
    return count > modules * _ENOUGH and modules > 50


class _Spreading:
    def __init__(self, edited: Iterable[str], project: Project, gone: Set[str], come: Set[str]) -> None:
        self.project = project
        self.ripples = Ripples(set(edited), self.spoken)
        self.pieces: dict[str, Pieces] = {path: Pieces(NOTHING) for path in gone}
        self.speaking: dict[str, dict[bytes, frozenset[str]]] = {}
        self.queue: list[tuple[str, str]] = []  # a name, and the path whence it can be imported; "": all
        self.seen: set[tuple[str, str]] = set()
        self.imported = {path: set(targets) for path, targets in project.imported.items()}
        for path in gone:  # whoever says what it was called may have imported it
            for other in _saying(stem(path), project.words()):
                self.imported[other].add(path)
        self.holders = Holders(self.imported, project.program, project.data)
        self.gone = gone
        self.placed = gone | come

    def of(self, path: str) -> Pieces:
        if path not in self.pieces:
            self.pieces[path] = Pieces(self.project.program(path))
        return self.pieces[path]

    def spoken(self, path: str, names: Collection[str]) -> Set[bytes]:
        if path not in self.speaking:
            self.speaking[path] = self.of(path).words_of_functions(decode(self.project.data(path)))
        return {one for one, words in self.speaking[path].items() if not words.isdisjoint(names)}

    def compared(self, path: str, before: Pieces) -> bool:
        """Queue what has changed; whether that can be told by names."""
        after = self.of(path)
        if before.common != after.common or not self.is_one_of_many(path, before, after):
            return False
        if before.stars != after.stars or (before.exports != after.exports and self.is_exported(path)):
            return False
        made = before.made & after.made
        if [one for one in before.by_name if one in made] != [one for one in after.by_name if one in made]:
            return False
        if path not in self.gone:
            self.ripples.touched.setdefault(path, set())
        for name in before.by_name.keys() | after.by_name.keys():
            old, new = before.by_name.get(name), after.by_name.get(name)
            if old is not None and new is not None and old.said == new.said:
                continue
            for piece, pieces in ((old, before), (new, after)):
                if piece is not None:
                    self.changed(path, piece, pieces)
                    if piece.is_fixture:
                        for one in (name, *piece.others):
                            self.put(one, "")
                    if (old is None or new is None) and not self.derived(piece):
                        return False
        return True

    def named(self, path: str) -> bool:
        """The module has come, or gone: who speaks of it says the last part of its name, be it that its
        package has that by this name.
        """
        self.ripples.has_modules = True
        name, directory = stem(path), PurePath(path).parent
        package = directory.parent if PurePath(path).stem == "__init__" else directory
        holder = (package / "__init__.py").as_posix()
        self.put(name, holder if holder in self.project.imported else "")
        dotted = re.compile(rf"\b{re.escape(package.name)}\s*\.\s*{re.escape(name)}\b".encode())
        return all(
            self.touch(other, {name})
            for other in _saying(name, self.project.words())
            if path in self.imported[other] or dotted.search(self.project.data(other))
        )

    def is_exported(self, path: str) -> bool:
        """Does anybody take all names of the module, so that it matters what `__all__` says?"""
        return any(True for _ in self.holders.by_star(path))

    def is_one_of_many(self, path: str, before: Pieces, after: Pieces) -> bool:
        """Is what is asked of all modules together answered by others, whatever this one says? Whether there
        are coroutines, and who is the first to import the asyncio extension.
        """
        if before.imports_extension != after.imports_extension and not any(
            self.of(one).imports_extension for one in self.unchanged("asyncio") if one < path
        ):
            return False
        return before.has_coroutines == after.has_coroutines or any(
            self.of(one).has_coroutines for one in self.unchanged("async")
        )

    def unchanged(self, word: str) -> Iterator[str]:
        """The modules that say what they have said, and this word."""
        return (path for path in _saying(word, self.project.words()) if path not in self.ripples.edited)

    def changed(self, path: str, piece: Piece, pieces: Pieces) -> None:
        self.put(piece.name, "" if piece.is_everywhere or any(map(self.is_ours, piece.tells)) else path)
        for name in piece.others:
            self.put(name, path if piece.is_fixture else "")
        # (a hook that is gone, and was the last, is told by its own class)
        is_below_hooks = piece.derives and self.project.hooks()
        self.ripples.registers |= is_below_hooks or HOOK in piece.words or any(map(self.is_ours, piece.uses))
        if piece.is_class:
            self.ripples.has_classes = True
            self.ripples.bases |= {piece.name, *_aliased(piece.bases, pieces)}
        if "backref" in piece.words:
            for name in piece.words & set(self.project.classes()):
                self.put(name, "")

    def is_ours(self, module: str) -> bool:
        """May it be one of the project, by its first name?"""
        return not module or module.partition(".")[0] in self.names

    @cached_property
    def names(self) -> set[str]:
        """Of all packages and modules, wherever they stand."""
        paths = (*self.project.imported, *self.gone)
        return {name for path in paths for name in PurePath(path).with_suffix("").parts}

    def derived(self, piece: Piece) -> bool:
        """A table may be called after its class: `order_line`, `orderlines`."""
        if not piece.is_class or not piece.bases or piece.others:
            return True
        joined = piece.name.lower()
        return all(
            self.touch(path, {piece.name})
            for path, words in self.project.words().items()
            if joined in words.lower().replace("_", "")
        )

    def put(self, name: str, path: str) -> None:
        if (name, path) not in self.seen:
            self.seen.add((name, path))
            self.queue.append((name, path))

    def spread(self) -> bool:
        words = self.project.words()
        while self.queue:
            said: dict[str, set[str]] = {}
            queue, self.queue = self.queue, []
            for name, source in queue:
                for path in self.holders.of(name, source, words) if source else _saying(name, words):
                    said.setdefault(path, set()).add(name)
                for path in self.holders.by_star(source):
                    self.put(name, path)
            for path, names in said.items():
                if not self.touch(path, names):
                    return False
            if _is_most(len(self.ripples.touched), len(words)):
                return False
        return True

    def touch(self, path: str, names: set[str]) -> bool:
        self.ripples.touched.setdefault(path, set()).update(names)
        pieces = self.of(path)
        if not names.isdisjoint(pieces.common_words):
            return False
        for piece in pieces.by_name.values():
            if not names.isdisjoint(piece.words):
                self.changed(path, piece, pieces)
        return True


def _saying(name: str, words: Mapping[str, str]) -> Iterator[str]:
    word = f" {name} "
    return (path for path, said in words.items() if word in said)


def _aliased(words: Iterable[str], pieces: Pieces) -> set[str]:
    """With what the module's own names stand for: `from … import Base as B`."""
    found: set[str] = set()
    waiting: Sequence[str] = list(words)
    while waiting:
        name, *waiting = waiting
        if name not in found:
            found.add(name)
            piece = pieces.by_name.get(name)
            if piece is not None and not piece.is_class:
                waiting = [*waiting, *piece.words]
    return found
