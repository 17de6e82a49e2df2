"""Loader options: what a query is to load besides, written where the query is built."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst
from msgspec import Struct

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, flag_of, list_of, text_of
from asyncsqla_lint.fixes.codemods.keyword import with_argument
from asyncsqla_lint.fixes.edits import Changes, Edit, Import, insertion, trimmed
from asyncsqla_lint.fixes.layout import link_added, one_more
from asyncsqla_lint.fixes.queries import (
    alias_maker,
    attribute_of,
    chain,
    joins_hurt,
    keyword_of,
    last_name,
    links_of,
    loaded_on_demand,
)
from asyncsqla_lint.fixes.tree import Refused

RELATIONSHIPS = frozenset(
    "selectinload joinedload subqueryload immediateload contains_eager defaultload "
    "lazyload raiseload noload".split()
)
POLYMORPHIC = "selectin_polymorphic"
NOT_EAGER = frozenset({"defaultload", "lazyload", "raiseload", "noload"})


class Step(Struct):
    """One loader option: `strategy(Model.attribute)`, and what is loaded below."""

    strategy: str
    module: str
    model: str
    attribute: str
    is_recursive: bool = False  # the same relationship again and again
    below: list[Step] = []


class AddEagerLoad(Codemod):
    """Make a query load `paths`, each "strategy module:Model.attribute > strategy module:Model.attribute …".

    The place is that of `select(…)` or `session.get(…)`; `entity` is the class that the paths start from.
    "Model.attribute*" is a tree's relationship, to be loaded at any depth.
    Strategies that are not for relationships may end a path: `undefer`, and `selectin_polymorphic` with a
    "subclass module:Model.Model" below it.
    """

    name = "add_eager_load"
    merges = True

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        wanted = _wanted(repair)
        writer = _Writer(file, text_of(repair, "module"), call)
        writer.is_told = flag_of(repair, "told")
        kind = last_name(call.func)
        if kind in ("get", "get_one"):
            return writer.into_get(call, text_of(repair, "entity"), wanted)
        if kind == "select":
            return writer.into_select(call, text_of(repair, "entity"), wanted)
        raise Refused("the query is not built by `select()` or `get()` there")


class PassOptions(Codemod):
    """Hand `paths` (see AddEagerLoad) to a function that gives its `parameter` to the query's `.options()`.

    The place is that of the call; `before` of its arguments go to other parameters, where the parameter is
    `*options`. `joins`: the query stands them.
    """

    name = "pass_options"
    merges = True

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        wanted = _wanted(repair)
        if not flag_of(repair, "joins"):
            _without_joins(wanted)
        writer = _Writer(file, text_of(repair, "module"), call)
        parameter, before = text_of(repair, "parameter"), text_of(repair, "before")
        if before:
            return writer.into_star(call, int(before), wanted)
        return writer.into_keyword(call, parameter, wanted)


def _wanted(repair: Repair) -> list[Step]:
    steps: list[Step] = []
    for path in list_of(repair, "paths"):
        _grow(steps, [_step(part) for part in path.split(" > ")])
    return steps


def _step(text: str) -> Step:
    strategy, _, target = text.partition(" ")
    module, _, name = target.rpartition(":")
    model, _, attribute = name.rpartition(".")
    return Step(strategy, module, model, attribute.removesuffix("*"), attribute.endswith("*"))


def _grow(tree: list[Step], path: Sequence[Step]) -> None:
    """Paths that begin alike share their beginning."""
    level = tree
    for step in path:
        same = next(
            (one for one in level if one.attribute == step.attribute and one.strategy == step.strategy), None
        )
        if same is None:
            same = step
            level.append(same)
        same.is_recursive = same.is_recursive or step.is_recursive
        level = same.below


class _Writer:
    def __init__(self, file: File, module: str, at: cst.CSTNode) -> None:
        self.file = file
        self.module = module
        self.at = at
        self.imports: list[Import] = []
        self.entity = ""  # how the query names its entity
        self.roots: list[Step] = []
        self.is_told = False  # of subclasses, by an option that may stand elsewhere
        self.is_polymorphic = False  # the entity is what `with_polymorphic()` gave

    # --- where the options go --------------------------------------------------------------------

    def into_get(self, call: cst.Call, entity: str, wanted: list[Step]) -> Changes:
        if not call.args or call.args[0].star or call.args[0].keyword is not None:
            raise Refused("`get()` does not name its entity there")
        if last_name(call.args[0].value) != entity:
            raise Refused(f"`{entity}` is not named in the query")
        self.entity = self.file.code(call.args[0].value)
        if any(keyword_of(argument) == "with_for_update" for argument in call.args):
            _without_joins(wanted)
        return self.into_keyword(call, "options", wanted)

    def into_star(self, call: cst.Call, before: int, wanted: list[Step]) -> Changes:
        """`users.get(1, selectinload(User.posts))`, where the function takes `*options`."""
        given = [one for one in call.args if one.keyword is None]
        if len(given) < before or any(one.star for one in call.args):
            raise Refused("it is not clear which arguments are options there")
        named = next((one for one in call.args if one.keyword is not None), None)
        text = ", ".join(self.option(step) for step in wanted)
        if named is not None:
            return Changes.of([insertion(self.file.start(named), f"{text}, ")], self.imports)
        if len(given) > before:
            existing = [one.value for one in given[before:]]
            return Changes.of(self.merged(existing, wanted, self.file.end(call) - 1, call), self.imports)
        return Changes.of(with_argument(self.file, call, text), self.imports)

    def into_keyword(self, call: cst.Call, name: str, wanted: list[Step]) -> Changes:
        options = next((one for one in call.args if keyword_of(one) == name), None)
        if options is None:
            text = f"{name}=[{', '.join(self.option(step) for step in wanted)}]"
            return Changes.of(with_argument(self.file, call, text), self.imports)
        value = options.value
        if isinstance(value, (cst.List, cst.Tuple)):
            elements = [one.value for one in value.elements if isinstance(one, cst.Element)]
            return Changes.of(self.merged(elements, wanted, self.file.end(value) - 1), self.imports)
        start, end = self.file.extent(value)
        new = ", ".join(self.option(step) for step in wanted)
        return Changes.of([insertion(start, "[*"), insertion(end, f", {new}]")], self.imports)

    def into_select(self, call: cst.Call, entity: str, wanted: list[Step]) -> Changes:
        self.entity = self._entity_text(call, entity)
        if self.is_polymorphic:
            wanted = [step for step in wanted if step.strategy != POLYMORPHIC]
            self.roots = wanted
        links = chain(self.file, call)
        for step in wanted:
            if loaded_on_demand(self.file, call, links, f"{entity}.{step.attribute}"):
                raise Refused(f"`{step.attribute}` is loaded there where somebody asks for it")
        if joins_hurt(self.file, call, links):
            _without_joins(wanted)
        for name, link in links:
            if name == "options" and not any(one.star == "**" for one in link.args):
                values = [one.value for one in link.args if not one.star]
                close = self.file.end(link) - 1
                if not link.args:
                    text = ", ".join(self.option(step) for step in wanted)
                    return Changes.of([insertion(close, text)], self.imports)
                return Changes.of(self.merged(values, wanted, close, link), self.imports)
        if self.is_told and any(step.strategy == POLYMORPHIC for step in wanted):
            raise Refused("the query is told of its subclasses elsewhere")
        text = f".options({', '.join(self.option(step) for step in wanted)})"
        return Changes.of(link_added(self.file, call, [link for _, link in links], text), self.imports)

    def _entity_text(self, call: cst.Call, entity: str) -> str:
        values = [
            one.value
            for one in call.args
            if not one.star and isinstance(one.value, (cst.Name, cst.Attribute))
        ]
        for value in values:
            if last_name(value) == entity:
                return self.file.code(value)
        if len(call.args) == 1 and values:
            made = alias_maker(self.file, values[0])
            self.is_polymorphic = made == "with_polymorphic"
            if made:
                return self.file.code(values[0])
        raise Refused(f"`{entity}` is not named in the query")

    # --- merging ---------------------------------------------------------------------------------

    def merged(
        self,
        existing: Sequence[cst.BaseExpression],
        wanted: list[Step],
        close: int,
        call: cst.Call | None = None,
    ) -> list[Edit]:
        """Into the options that are there; what begins no path of theirs comes after them."""
        edits: list[Edit] = []
        fresh: list[str] = []
        given = existing if call is None else [one.value for one in call.args]
        for step in wanted:
            found = next((one for one in existing if _begins_with(one, step)), None)
            if found is None:
                if step.strategy == POLYMORPHIC and self.is_told:
                    raise Refused("the query is told of its subclasses elsewhere")
                if step.is_recursive and not all(isinstance(one, cst.Call) for one in given):
                    raise Refused(f"how far the query loads `{step.attribute}` is not written there")
                fresh.append(self.option(step))
            elif step.strategy == "undefer":
                edits.append(Edit(*self.file.extent(found), self.option(step)))
            else:
                edits += self._into_option(found, step)
        if fresh:
            more = self._appended(existing, fresh, close, call)
            # What ends at the same place (`.selectinload(…)` of the last option) comes first.
            before = "".join(edit.text for edit in edits if edit.start == edit.end == more.start)
            edits = [edit for edit in edits if not edit.start == edit.end == more.start]
            edits.append(insertion(more.start, before + more.text))
        return edits

    def _appended(
        self, existing: Sequence[cst.BaseExpression], fresh: list[str], close: int, call: cst.Call | None
    ) -> Edit:
        file = self.file
        last = call.args[-1].value if call is not None else existing[-1] if existing else None
        if last is None:
            return insertion(close, ", ".join(fresh))
        start = file.outer(last)[0]
        if call is not None and call.args[-1].star:
            start = file.start(call.args[-1])
        return one_more(file, start, file.outer(last)[1], fresh)

    def _into_option(self, option: cst.BaseExpression, step: Step) -> list[Edit]:
        """The option loads the step's own attribute; see to it that it does, and to what is below."""
        if step.strategy == POLYMORPHIC:
            return self._more_classes(option, step)
        links = links_of(option)
        edits = self._made_eager(links[0], step)
        if step.is_recursive:
            if any(attribute_of(link) == step.attribute for link in links[1:]):
                raise Refused(f"`{step.attribute}` is loaded step by step there")
            edits.append(insertion(self.file.outer(links[0].args[-1].value)[1], _depth(step)))
        return [*edits, *self._below(links, 0, step)]

    def _more_classes(self, option: cst.BaseExpression, step: Step) -> list[Edit]:
        assert isinstance(option, cst.Call)
        classes = option.args[-1].value
        if not isinstance(classes, (cst.List, cst.Tuple)) or not classes.elements:
            raise Refused("the subclasses are not written there")
        there = [last_name(one.value) for one in classes.elements]
        new = [self._model(one) for one in step.below if one.model not in there]
        if not new:
            raise Refused("the query is told of the subclass already")
        end = self.file.outer(classes.elements[-1].value)[1]
        return [insertion(end, "".join(f", {name}" for name in new))]

    def _below(self, links: list[cst.Call], at: int, step: Step) -> list[Edit]:
        if not step.below:
            return []
        # Column options (`load_only`) stay at the same level: what follows them still hangs on `at`.
        following = at + 1
        while following < len(links) and last_name(links[following].func) not in RELATIONSHIPS | {"options"}:
            following += 1
        if following == len(links):
            return [insertion(self.file.end(links[-1]), self._tail(step.below))]
        link = links[following]
        if last_name(link.func) == "options":
            values = [one.value for one in link.args if not one.star]
            return self.merged(values, step.below, self.file.end(link) - 1, link if link.args else None)
        same = next((one for one in step.below if attribute_of(link) == one.attribute), None)
        if same is not None and len(step.below) == 1:
            return [*self._made_eager(link, same), *self._below(links, following, same)]
        return self._wrapped(links, following, step, same)

    def _wrapped(self, links: list[cst.Call], at: int, step: Step, same: Step | None) -> list[Edit]:
        """`.selectinload(B.c)…` becomes `.options(selectinload(B.c)…, new)`."""
        link = links[at]
        assert isinstance(link.func, cst.Attribute)
        start = self.file.start(link.func.attr)
        others = [self.option(one) for one in step.below if one is not same]
        name = self._function(last_name(link.func))
        edits = [Edit(start, self.file.end(link.func.attr), f"options({name}")]
        if same is not None:
            edits += self._below(links, at, same)
        end = self.file.end(links[-1])
        closing = f", {', '.join(others)})"
        at_end = "".join(edit.text for edit in edits if edit.start == end)
        return [*(edit for edit in edits if edit.start != end), insertion(end, at_end + closing)]

    def _made_eager(self, link: cst.Call, step: Step) -> list[Edit]:
        """`lazyload(User.posts)` → `selectinload(User.posts)`."""
        if last_name(link.func) not in NOT_EAGER or (last_name(link.func) == "defaultload" and step.below):
            return []
        name = link.func.attr if isinstance(link.func, cst.Attribute) else link.func
        if isinstance(link.func, cst.Attribute) and isinstance(link.func.value, cst.Call):
            return list(trimmed(self.file.code(name), step.strategy, self.file.start(name)))
        return list(
            trimmed(self.file.code(link.func), self._function(step.strategy), self.file.start(link.func))
        )

    # --- writing ---------------------------------------------------------------------------------

    def option(self, step: Step) -> str:
        owner = self._model(step) if step.module else self.entity
        if step.strategy == POLYMORPHIC:
            return f"{self._function(POLYMORPHIC)}({owner}, [{self._classes(step)}])"
        if step.module and self.is_polymorphic and step in self.roots:
            owner = f"{self.entity}.{step.model}"
        return (
            f"{self._function(step.strategy)}({owner}.{step.attribute}{_depth(step)}){self._tail(step.below)}"
        )

    def _classes(self, step: Step) -> str:
        return ", ".join(self._model(one) for one in step.below)

    def _tail(self, below: list[Step]) -> str:
        if not below:
            return ""
        if len(below) == 1:
            (step,) = below
            if step.strategy == POLYMORPHIC:
                return f".{POLYMORPHIC}([{self._classes(step)}])"
            own = f"{self._model(step)}.{step.attribute}{_depth(step)}"
            return f".{step.strategy}({own}){self._tail(step.below)}"
        return f".options({', '.join(self.option(step) for step in below)})"

    def _function(self, name: str) -> str:
        text, imports = self.file.imports.reference("sqlalchemy.orm", name, self.at)
        self.imports += imports
        return text

    def _model(self, step: Step) -> str:
        if step.module == self.module:
            return step.model
        text, imports = self.file.imports.model(step.module, step.model, self.at)
        self.imports += imports
        return text


def _without_joins(steps: list[Step]) -> None:
    for step in steps:
        if step.strategy == "joinedload":
            step.strategy = "selectinload"


def _depth(step: Step) -> str:
    return ", recursion_depth=-1" if step.is_recursive else ""


def _begins_with(option: cst.BaseExpression, step: Step) -> bool:
    links = links_of(option)
    if step.strategy == "undefer":
        return (
            len(links) == 1
            and last_name(links[0].func) == "defer"
            and attribute_of(links[0]) == step.attribute
        )
    if step.strategy == POLYMORPHIC:
        named = [
            one.args[0].value for one in links if len(one.args) == 2 and last_name(one.func) == POLYMORPHIC
        ]
        return len(links) == 1 and any(last_name(one) == step.model for one in named)
    if not links or last_name(links[0].func) not in RELATIONSHIPS or step.strategy not in RELATIONSHIPS:
        return False
    return len(links[0].args) == 1 and attribute_of(links[0]) == step.attribute
