"""What a module keeps on an application, on its state or a request's: others find it there under its name."""

from __future__ import annotations

from collections.abc import Iterator

from asyncsqla_lint import program as p
from asyncsqla_lint.project.walking import walk

STATE = "state"  # where requests and applications keep what their middlewares have made
STATES = frozenset({STATE, "ctx"})
MADE = "State"  # the class of which Litestar's application is given its state
ANY_KEY = "[*]"  # what is kept under a key that only running the program tells
# Frameworks whose applications are mappings (`app["sessions"] = …`), or have one: `bot_data`, `app.config`.
_KEYED = ("aiogram", "aiohttp", "quart", "telegram")
_PLAIN = "quart"  # its applications are objects as any, `app.sessions = …`
_TAKING = ("start_polling", "run_polling")
_UPDATED = ("workflow_data", "bot_data")


class Keeping:
    """What there is to be looked for in a module, by the frameworks that it knows."""

    def __init__(self, program: p.Program) -> None:
        self._program = program
        self.is_keyed = False
        self.is_plain = False
        self._dispatchers: set[str] = set()  # what it calls aiogram's, whose keywords are kept
        self._made = {MADE}  # what it calls the class of a state
        for one in program.statements:
            self.is_plain |= isinstance(one, p.ImportFrom) and one.module.partition(".")[0] == _PLAIN
            if isinstance(one, p.ImportFrom) and one.module.partition(".")[0] in _KEYED:
                self.is_keyed = True
                self._dispatchers |= {
                    name.asname or name.name for name in one.names if name.name == "Dispatcher"
                }
            elif isinstance(one, p.Import):
                self.is_keyed |= any(name.name.partition(".")[0] in _KEYED for name in one.names)
            if isinstance(one, p.ImportFrom):
                self._made |= {name.asname for name in one.names if name.name == MADE and name.asname}

    def by_functions(self) -> Iterator[tuple[p.Function, list[str]]]:
        for number, header in enumerate(self._program.functions):
            is_hook = may_be_given_a_mapping(header)
            if is_hook or self.is_keyed or self.is_plain or self.speaks_of_state(header):
                names = self.names(self._program.bodies[number], is_hook=is_hook)
                if names:
                    yield header, names

    def names(self, body: p.Statements, *, is_hook: bool = False) -> list[str]:
        return [*self.on_state(body), *self.under_keys(body, is_hook=is_hook), *self.on_objects(body)]

    def speaks_of_state(self, header: p.Function) -> bool:
        return not (self._made | STATES).isdisjoint(header.mentions)

    def on_state(self, body: p.Statements) -> list[str]:
        """`db` of `app.state.db = …`, of `state.db = …`, of `state["db"] = …`, and of `State({"db": …})`."""
        assigned = (name for name in map(name_on_state, _targets(body)) if name is not None)
        return sorted([*assigned, *self.made(body)])

    def made(self, body: p.Statements) -> Iterator[str]:
        """`db` of `State({"db": …})`."""
        for one in walk(body):
            if isinstance(one, p.Call) and _name_of(one.function) in self._made:
                for given in one.arguments:
                    if isinstance(given, p.DictDisplay):
                        yield from _keys(given)

    def on_objects(self, body: p.Statements) -> list[str]:
        """`.sessions` of `app.sessions = …`."""
        return sorted(
            f".{target.name}"
            for target in (_targets(body) if self.is_plain else ())
            if isinstance(target, p.Attribute) and isinstance(target.value, p.Name)
        )

    def under_keys(self, body: p.Statements, *, is_hook: bool = False) -> list[str]:
        """`[sessions]` of `app["sessions"] = …`, and of `Dispatcher(sessions=…)`."""
        found: set[str] = set()
        for one in walk(body) if self.is_keyed or is_hook else ():
            if isinstance(one, p.Assign):
                found.update(_key_of(target) for target in one.targets if isinstance(target, p.Subscript))
            elif isinstance(one, p.Call) and self._is_given_by_name(one.function):
                found.update(f"[{word.name}]" for word in one.keywords if word.name is not None)
        return sorted(found)

    def _is_given_by_name(self, called: p.Expression) -> bool:
        """`Dispatcher(…)`, `….start_polling(…)`, `….workflow_data.update(…)`, `….bot_data.update(…)`."""
        if isinstance(called, p.Name):
            return called.id in self._dispatchers
        if not isinstance(called, p.Attribute):
            return False
        if called.name == "update":
            return isinstance(called.value, p.Attribute) and called.value.name in _UPDATED
        return called.name == "Dispatcher" or called.name in _TAKING

    def lent(self) -> list[str]:
        return [
            name
            for number, header in enumerate(self._program.functions)
            if header.is_generator and header.is_async
            for name in names_lent(self._program.bodies[number])
        ]


def may_be_given_a_mapping(header: p.Function) -> bool:
    """`async def startup(ctx: dict[str, Any])`: the worker's, which all of its jobs are given."""
    return header.is_async and len(header.parameters) == 1


def name_on_state(target: p.Expression) -> str | None:
    if isinstance(target, p.Attribute) and _is_state(target.value):
        return target.name
    if isinstance(target, p.Subscript) and _is_state(target.value):
        index = target.index
        return index.value if isinstance(index, p.Constant) and isinstance(index.value, str) else None
    return None


def _targets(body: p.Statements) -> Iterator[p.Expression]:
    for one in walk(body):
        if isinstance(one, p.Assign):
            yield from one.targets


def names_lent(body: p.Statements) -> list[str]:
    """`db` of `yield {"db": …}`: what a lifespan gives to every request's state."""
    return [
        name
        for one in walk(body)
        if isinstance(one, p.Yield) and isinstance(one.value, p.DictDisplay)
        for name in _keys(one.value)
    ]


def _keys(display: p.DictDisplay) -> Iterator[str]:
    for item in display.items:
        if isinstance(item.key, p.Constant) and isinstance(item.key.value, str):
            yield item.key.value


def _name_of(node: p.Expression) -> str:
    return node.name if isinstance(node, p.Attribute) else getattr(node, "id", "")


def _key_of(target: p.Subscript) -> str:
    index = target.index
    return f"[{index.value}]" if isinstance(index, p.Constant) and isinstance(index.value, str) else ANY_KEY


def _is_state(node: p.Expression) -> bool:
    """`state`, or `app.state`."""
    return _name_of(node) in STATES
