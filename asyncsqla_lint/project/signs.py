"""What a module is about, so that who searches all modules need not load those in which nothing is found."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.project.applications import STATES, Keeping
from asyncsqla_lint.project.constructions import constructions
from asyncsqla_lint.project.factory_calls import FACTORIES, factory_calls
from asyncsqla_lint.project.handed import CATCHING, DISPATCHING
from asyncsqla_lint.project.names import Names
from asyncsqla_lint.project.outline import (
    DISPOSE,
    MAPPING_CALLS,
    REGISTERING,
    SYNC_HALF,
    may_surround,
)
from asyncsqla_lint.project.uses import used_from
from asyncsqla_lint.project.walking import walk

HOOK = "__init_subclass__"
WORDS = frozenset(
    {
        *(DISPOSE, *STATES, SYNC_HALF, *FACTORIES, *MAPPING_CALLS, *REGISTERING),
        *(DISPATCHING, *CATCHING),
        *("listen", "listens_for"),
        *("automap_base", "declarative_base", "generate_base", "pytest_asyncio"),
        *(
            "ContextVar",
            "aiohttp",
            "async",
            "asyncio",
            "backref",
            "before_send",
            "dishka_container",
            "before_send_handler",
            "after_request",
            "after_response",
            "global",
            "litestar",
            "quart",
            "sanic",
            "starlette",
            "fixture",
            "pytest",
            "pytest_asyncio",
        ),
        *("__call__", "context_getter", "context_value", "middleware", "outer_middleware"),
    }
)


class Signs(Struct, frozen=True, array_like=True):
    words: frozenset[str]  # those of WORDS that stand anywhere in the text
    classes: tuple[
        tuple[str, tuple[str, ...]], ...
    ]  # those outside of functions; what decorates and makes them
    aliases: tuple[tuple[str, tuple[str, ...]], ...]  # other names, and of what: `B = a.Base`, `Base as B`
    assigns: bool  # `User.posts = …` outside of functions
    makes_sessions: bool  # something that may be a session factory is made, anywhere
    constructs: bool  # an object may be made that is given a session factory
    surrounds: bool  # a function may be a middleware, or called before or after each request
    kept: tuple[str, ...]  # names under which an application, its state or a request's keeps something
    decorated: tuple[str, ...]  # functions outside of classes, and what their decorators call them
    members: str  # what bodies of classes bind, each between blanks
    hooked: tuple[str, ...]  # classes that define HOOK
    uses: frozenset[str]  # whence the top level takes what it uses (see `uses`)

    def say(self, words: Collection[str]) -> bool:
        """Does the text say one of these?"""
        assert WORDS.issuperset(words), words
        return not self.words.isdisjoint(words)


def signs_of(program: p.Program, words: str) -> Signs:
    """`words` are those of the text, each between blanks."""
    definitions = [
        one for one in _outside(program.statements, into_classes=True) if isinstance(one, p.ClassDefinition)
    ]
    bound = [(one.name, Names(program, one.body).bindings) for one in definitions]
    aliases: list[tuple[str, tuple[str, ...]]] = []
    assigns = False
    for one in _outside(program.statements, into_classes=False):
        if isinstance(one, (p.Import, p.ImportFrom)):
            aliases += [(alias.asname, (alias.name,)) for alias in one.names if alias.asname is not None]
        elif isinstance(one, (p.Assign, p.AnnotatedAssign)) and one.value is not None:
            targets = one.targets if isinstance(one, p.Assign) else (one.target,)
            assigns = assigns or any(isinstance(node, p.Attribute) for node in walk(targets))
            of = _names(one.value)
            aliases += [(node.id, of) for node in walk(targets) if isinstance(node, p.Name) and of]
    said = frozenset(word for word in WORDS if f" {word} " in words)
    return Signs(
        said,
        tuple((one.name, _names((one.decorators, one.bases, one.keywords))) for one in definitions),
        tuple(aliases),
        assigns,
        bool(factory_calls(program)),
        next(constructions(program), None) is not None,
        any(map(may_surround, program.functions)),
        tuple(sorted(_kept(program, is_on_state=not STATES.isdisjoint(said)))),
        tuple(dict.fromkeys(_decorated(program))),
        " ".join(("", *sorted({name for _, names in bound for name in names}), "")),
        tuple(name for name, names in bound if HOOK in names),
        used_from(program),
    )


def _kept(program: p.Program, *, is_on_state: bool) -> set[str]:
    kept = Keeping(program)
    found = {*kept.lent(), *(name for _, names in kept.by_functions() for name in names)}
    if kept.is_keyed or kept.is_plain or is_on_state:
        found.update(kept.names(program.statements))
    return found


def _decorated(program: p.Program) -> Iterator[str]:
    for one in _outside(program.statements, into_classes=False):
        if isinstance(one, p.FunctionDefinition):
            header = program.functions[one.function]
            for decorator in header.decorators:
                yield header.name
                for word in decorator.keywords if isinstance(decorator, p.Call) else ():
                    if word.name == "name" and isinstance(word.value, p.Constant):
                        yield str(word.value.value)


def _outside(statements: p.Statements, *, into_classes: bool) -> Iterator[p.Statement]:
    """All statements outside of functions."""
    for one in statements:
        yield one
        if into_classes or not isinstance(one, p.ClassDefinition):
            for field in ("body", "otherwise", "final"):
                yield from _outside(getattr(one, field, ()), into_classes=into_classes)
            for part in (*getattr(one, "handlers", ()), *getattr(one, "cases", ())):
                yield from _outside(part.body, into_classes=into_classes)


def _names(node: p.Node | tuple[object, ...]) -> tuple[str, ...]:
    found = (
        one.id if isinstance(one, p.Name) else one.name
        for one in walk(node)
        if isinstance(one, (p.Name, p.Attribute))
    )
    return tuple(dict.fromkeys(found))
