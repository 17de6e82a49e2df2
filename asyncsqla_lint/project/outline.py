"""What a module shows to all others: everything outside the bodies of its functions, wherever it stands.

What is found in one module depends on the outlines of all, on what those functions say that were run for it
(see `bodies`), and on the whole text of the modules whose places it names. So an edit inside of a function
concerns only who ran it.
"""

from __future__ import annotations

from hashlib import blake2b

from asyncsqla_lint import program as p
from asyncsqla_lint.project.applications import STATES, Keeping
from asyncsqla_lint.project.constructions import constructions
from asyncsqla_lint.project.factory_calls import FACTORIES, factory_calls
from asyncsqla_lint.project.handed import handed
from asyncsqla_lint.project.walking import statements

# What bodies are searched for, through all modules: to name one of these is part of the outline.
DISPOSE = "dispose"
MAPPING_CALLS = frozenset({"map_imperatively", "mapper"})
REGISTERING = frozenset({"register", "add_api_route"})  # methods to which functions are given
SYNC_HALF = "sync_session"  # whom it is handed to
_SEARCHED = {DISPOSE, SYNC_HALF, *REGISTERING, *STATES, *MAPPING_CALLS, *FACTORIES}
_REGISTERS = frozenset({"middleware", "outer_middleware"})
HOOKS = frozenset(  # decorators of functions that are called before and after each request
    {
        *("on_request", "on_response", "middleware", "register_middleware"),
        *("before_request", "before_app_request", "after_request", "after_app_request"),
        "exception_handler",
        *("teardown_request", "teardown_app_request", "teardown_appcontext"),
    }
)
JOBS = frozenset({"functions", "cron_jobs"})  # lists of what a worker runs, in a class of settings
_INSIDE = ".<locals>."
_PLACES = ("span", "name_span")
_shown: dict[type, tuple[str, ...]] = {}  # the other fields of nodes that are shown as they are


def outline(program: p.Program) -> str:
    plain = Outline(program)
    shown = (
        plain.of(program.statements),
        plain.of(tuple(factory_calls(program))),
        _rebinding(program),
        kept_on_applications(program),
        [(plain.of(one.call), one.name, one.source) for one in constructions(program)],
        [plain.of(one) for one in handed(program)],
    )
    text = repr(shown)
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


class Outline:
    """A tree without its places; a function stands there with its header, a lambda with all that it is."""

    def __init__(self, program: p.Program) -> None:
        self._program = program

    def of(self, node: object) -> object:
        kind = type(node)
        names = _shown.get(kind)
        if names is not None:
            return [kind.__name__, *[self.of(getattr(node, name)) for name in names]]
        if isinstance(node, tuple):
            return [self.of(each) for each in node]
        if not isinstance(node, p.Node):
            return node
        if isinstance(node, p.FunctionDefinition):
            return self.header(self._program.functions[node.function])
        if isinstance(node, p.Lambda):
            header = self._program.functions[node.function]
            return [self.header(header), self.of(self._program.bodies[node.function])]
        _shown[kind] = tuple(name for name in node.__struct_fields__ if name not in _PLACES)
        return self.of(node)

    def header(self, header: p.Function) -> object:
        return [
            header.name,
            header.qualname,
            header.is_async,
            header.is_generator,
            self.of(header.decorators),
            self.of(header.parameters),
            self.of(header.returns),
            header.type_parameters,
            searched(header),
        ]


def kept_on_applications(program: p.Program) -> object:
    """Whatever keeps something where others find it, under which names."""
    kept = Keeping(program)
    top = [Outline(program).of(one) for one in program.statements if kept.names((one,))]
    hooks = [
        (one.qualname, Outline(program).of(one.decorators))
        for one in program.functions
        if _INSIDE in one.qualname and is_hook(one)
    ]
    return [*top, *((header.qualname, names) for header, names in kept.by_functions()), kept.lent(), *hooks]


def _rebinding(program: p.Program) -> object:
    """Functions that give the module's globals other values."""
    found = (body for body in program.bodies if any(isinstance(one, p.Global) for one in statements(body)))
    return [Outline(program).of(body) for body in found]


def searched(header: p.Function) -> list[str]:
    """The words of the function's body that are searched for through all modules."""
    return sorted(_SEARCHED.intersection(header.mentions))


def is_searched_for(header: p.Function) -> bool:
    """Is the function found by who never names it? Of those that say STATES, middlewares only."""
    return may_surround(header) or any(word not in STATES for word in searched(header))


def may_surround(header: p.Function) -> bool:
    """Middlewares are looked for in all modules, too."""
    if header.name in ("dispatch", "__call__"):
        return True
    return _is_under(header, _REGISTERS | HOOKS)


def is_hook(header: p.Function) -> bool:
    return _is_under(header, HOOKS)


def _is_under(header: p.Function, names: frozenset[str]) -> bool:
    called = (one.function if isinstance(one, p.Call) else one for one in header.decorators)
    return any(isinstance(one, p.Attribute) and one.name in names for one in called)
