"""What a module shows to all others: everything outside the bodies of its functions, wherever it stands.

What is found in one module depends on the outlines of all, and on the whole text of those modules whose
functions were run for it, or whose places it names. So an edit inside of a function concerns only who ran it.
"""

from __future__ import annotations

from hashlib import blake2b

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.project.walking import calls, walk

# What bodies are searched for, through all modules: to name one of these is part of the outline.
DISPOSE = "dispose"
MAPPING_CALLS = frozenset({"map_imperatively", "mapper"})
FACTORIES = frozenset({"async_sessionmaker", "AsyncSession", "AsyncSessionConfig", "sessionmaker"})
REGISTERING = frozenset({"register", "add_api_route"})  # methods to which functions are given
STATE = "state"  # where requests and applications keep what their middlewares have made
_SEARCHED = {DISPOSE, *REGISTERING, STATE, *MAPPING_CALLS, *FACTORIES}
_FACTORY_KEYWORDS = {"expire_on_commit", "class_"}
_PLACES = ("span", "name_span")


class Facts(Struct, frozen=True, array_like=True):
    """What a run asks of every module, whether or not it has to be checked again."""

    outline: str
    lines: int
    silencing: p.Program | None  # its suppressions alone, where it has any


def facts_of(program: p.Program, content: str) -> Facts:
    """`content` is the hash of the text, which stands for what is nested too deep to be walked."""
    silencing = None
    if program.suppressions:
        silencing = p.Program((), (), (), program.suppressions, program.line_starts)
    try:
        shown = outline(program)
    except RecursionError:
        shown = content
    return Facts(shown, len(program.line_starts), silencing)


def outline(program: p.Program) -> str:
    plain = _Outline(program)
    text = repr((plain.of(program.statements), _factory_calls(program), _rebinding(program)))
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


class _Outline:
    """A tree without its places; a function stands there with its header, a lambda with all that it is."""

    def __init__(self, program: p.Program) -> None:
        self._program = program

    def of(self, node: object) -> object:
        if isinstance(node, tuple):
            return [self.of(each) for each in node]
        if isinstance(node, p.FunctionDefinition):
            return self._header(self._program.functions[node.function])
        if isinstance(node, p.Lambda):
            header = self._program.functions[node.function]
            return [self._header(header), self.of(self._program.bodies[node.function])]
        if isinstance(node, p.Node):
            fields = [name for name in node.__struct_fields__ if name not in _PLACES]
            return [type(node).__name__, *(self.of(getattr(node, name)) for name in fields)]
        return node

    def _header(self, header: p.Function) -> object:
        return [
            header.name,
            header.qualname,
            header.is_async,
            header.is_generator,
            self.of(header.decorators),
            self.of(header.parameters),
            self.of(header.returns),
            header.type_parameters,
            sorted(_SEARCHED.intersection(header.mentions)),
        ]


def _rebinding(program: p.Program) -> object:
    """Functions that give the module's globals other values."""
    found = (body for body in program.bodies if any(isinstance(node, p.Global) for node in walk(body)))
    return [_Outline(program).of(body) for body in found]


def _factory_calls(program: p.Program) -> object:
    """Bodies that may make a session factory, and on which lines: what is assumed of sessions names them."""
    bodies = [program.statements]
    for number, header in enumerate(program.functions):
        if FACTORIES.intersection(header.mentions):
            bodies.append(program.bodies[number])
    found: list[object] = []
    for body in bodies:
        lines = [
            program.location(p.start_of(call.span))[0] for call in calls(body) if _may_make_sessions(call)
        ]
        if lines:
            found.append((lines, _Outline(program).of(body)))
    return found


def _may_make_sessions(call: p.Call) -> bool:
    made = call.function
    name = made.id if isinstance(made, p.Name) else made.name if isinstance(made, p.Attribute) else ""
    return name.lower().endswith(("session", "maker", "sessionconfig")) or any(
        word.name in _FACTORY_KEYWORDS for word in call.keywords
    )
