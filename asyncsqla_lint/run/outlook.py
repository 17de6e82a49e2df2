"""Under which keys the results of modules stand, and which of them still hold.

A result stands under the view that its module had of all others: a digest of what they show. Where something
has changed since the last run and does not concern a module (`run.ripples`), it keeps the view that it had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from asyncsqla_lint.program import Program
from asyncsqla_lint.project.bodies import picked
from asyncsqla_lint.project.pages import Pages
from asyncsqla_lint.run.cache import Cache, Result, Stood, Viewed, Views
from asyncsqla_lint.run.keys import digest
from asyncsqla_lint.run.ripples import NOTHING, Project, Ripples, ripples

Holds = Callable[[str, Result], bool]


class Shown(Struct, frozen=True):
    """A module as others see it."""

    name: str
    is_package: bool
    root: str
    content: str  # the hash of its text
    outline: str
    bodies: bytes  # what its functions say
    words: Collection[str]  # those of `signs.WORDS` that it says


class Outlook:
    """`modules` are all, by path; `checked` names the configurations of those whose results are wanted;
    `asked` is what the run was asked to check.
    """

    def __init__(
        self,
        modules: Mapping[str, Shown],
        checked: Mapping[str, str],
        asked: Sequence[str],
        cache: Cache,
        project: Callable[[], Project],
        pages: Pages,
    ) -> None:
        shown = sorted(
            (path, one.name, one.is_package, one.root, one.outline) for path, one in modules.items()
        )
        # Whether anybody says one of these words is asked of all (`Module.says`).
        self.words = digest(sorted({word for one in modules.values() for word in one.words}))
        self.whole = digest(self.words, shown)
        self.name = digest(sorted(asked), sorted(set(checked.values())))
        self._modules = modules
        self._pages = pages
        self._known = cache.views(self.name)
        self._ripples = self._since(cache, project)
        self.keys = {path: self._key(self.whole, path, config) for path, config in checked.items()}
        self._earlier = {
            path: self._key(self._view(path), path, config)
            for path, config in checked.items()
            if self._view(path) != self.whole
        }

    def _since(self, cache: Cache, project: Callable[[], Project]) -> Ripples | None:
        """What has happened since the last run; None: too much, or nobody knows."""
        known = self._known
        if known is None or known.words != self.words:
            return None
        before, now = known.modules, self._modules
        edited = {
            path for path, one in now.items() if path not in before or before[path].content != one.content
        }
        if known.whole == self.whole:
            return Ripples(edited)
        if not self._are_called_as_before(before):
            return None
        stood: dict[str, Program | None] = dict.fromkeys(now.keys() - before.keys(), NOTHING)
        for path, one in before.items():
            if path not in now or now[path].outline != one.outline:
                stood[path] = cache.program(one.content)
        return ripples(edited, dict(sorted(stood.items())), project())

    def _are_called_as_before(self, before: Mapping[str, Viewed]) -> bool:
        """Those that were there and are; and nobody else is called like one that has come, or gone."""
        now = self._modules
        if any(
            (now[path].name, now[path].is_package, now[path].root) != before[path].called
            for path in now.keys() & before.keys()
        ):
            return False
        names = Counter(one.name for one in now.values())
        come = (one.name for path, one in now.items() if path not in before)
        gone = (one.called[0] for path, one in before.items() if path not in now)
        return all(names[name] == 1 for name in come) and all(names[name] == 0 for name in gone)

    def _view(self, path: str) -> str:
        if self._known is None or self._ripples is None or path in self._ripples:
            return self.whole
        return self._known.modules[path].view

    def _key(self, view: str, path: str, config: str) -> str:
        return digest(view, path, self._modules[path].content, config)

    def tries(self) -> Iterator[tuple[Mapping[str, str], Holds]]:
        """Keys under which results may stand, by path, and whether one that stands there still holds."""
        if self._earlier:
            yield self._earlier, self._is_untouched
        yield self.keys, self._is_as_consulted

    def _is_untouched(self, path: str, result: Result) -> bool:
        if self._ripples is None or not self._is_as_consulted(path, result):
            return False
        consulted = ((text.path, text.functions) for text in result.consulted)
        return not self._ripples.reaches(path, consulted, result.asked)

    def _is_as_consulted(self, path: str, result: Result) -> bool:
        return all(map(self._still_says, result.consulted)) and self._pages.are(result.pages)

    def _still_says(self, text: Stood) -> bool:
        module = self._modules.get(text.path)
        if module is None or module.content == text.content:
            return module is not None
        return text.functions is not None and picked(text.functions, module.bodies) == text.said

    def views(self, keys: Mapping[str, str]) -> Views:
        """What the next run goes by; `keys` say under which each result was found."""
        modules: dict[str, Viewed] = {}
        for path, one in self._modules.items():
            kept = path in keys and keys[path] == self._earlier.get(path)
            called = (one.name, one.is_package, one.root)
            view = self._view(path) if kept else self.whole
            modules[path] = Viewed(one.content, one.outline, called, view)
        return Views(self.words, self.whole, modules)
