"""dependency-injector: containers of providers, each of which makes what it provides out of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.calls import generator_of, run_function
from asyncsqla_lint.flow.coroutines import CoroutineRecord, Ready
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Reference, Value, union
from asyncsqla_lint.frameworks.injection import Injection, Need
from asyncsqla_lint.frameworks.validation import evaluated
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Scoped
from asyncsqla_lint.semantics.ownership import kept_by_all

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_PROVIDERS = "dependency_injector.providers."
_INJECT = "dependency_injector.wiring.inject"
_MAKES_ANEW = ("Factory", "Callable", "Coroutine", "AbstractFactory")
_MAKES_ONE = ("Singleton", "ThreadSafeSingleton", "ThreadLocalSingleton", "ContextLocalSingleton", "Resource")
_MARKERS = ("Provide", "Closing", "Provider")


def register(meanings: Meanings) -> None:
    for name in (*_MAKES_ANEW, *_MAKES_ONE):
        meanings.calls[_PROVIDERS + name] = _Making(name in _MAKES_ONE)
    meanings.calls[_PROVIDERS + "Object"] = _object
    meanings.calls[_PROVIDERS + "Container"] = lambda flow, state, arguments, at: arguments.first
    for name in _MARKERS:
        meanings.values[f"dependency_injector.wiring.{name}"] = Markers(name)
    meanings.when_run.append(_run)


class _Making:
    def __init__(self, is_one: bool) -> None:
        self.is_one = is_one

    def __call__(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        if not arguments.positional:
            return UNKNOWN
        rest = replace(arguments, positional=arguments.positional[1:])
        return Provider(arguments.first, rest, flow.site(at), self.is_one)


def _object(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Provider(Itself(arguments.first), Arguments(), flow.site(at))


class Itself(Value, frozen=True):
    value: Value

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return self.value


class Provider(Value, frozen=True):
    """`providers.Factory(function, *arguments)`."""

    function: Value
    arguments: Arguments
    site: Site  # what it makes was made there, whoever has asked for it
    is_one: bool = False

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "provider":
            return self
        return Provided(self) if name == "provided" else UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        if not self.is_one:
            return self._made(flow, state, arguments)
        key = f"provided by {self.site.module.name} {self.site.span}"
        known = flow.notes.get(key)
        if isinstance(known, Value) and all(oid in state.heap for oid in _objects(state, known)):
            return known
        made = flow.notes[key] = self._made(flow, state, arguments)
        kept_by_all(flow, state, made)
        if flow.watched:
            flow.meanings.kept_elsewhere(flow, state, made)
            state.let_out((made,))
        return made

    def _made(self, flow: Flow, state: State, arguments: Arguments) -> Value:
        with flow.entered(Frame(flow.new_id(), self.site.module, None, caller=flow.frame)):
            return self._made_there(flow, state, arguments, self.site.span)

    def _made_there(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        positional = (*self.arguments.positional, *arguments.positional)
        keywords = {**self.arguments.keywords, **arguments.keywords}
        given = _all_provided(
            flow, state, replace(self.arguments, positional=positional, keywords=keywords), at
        )
        made = self.function.call(flow, state, given, at)
        generator = generator_of(state, made)
        if generator is not None:
            yielded: list[Value] = []
            function, inner, _ = generator
            run_function(flow, state, function, inner, at, yielded=yielded, until_yield=True)
            made = union(tuple(yielded)) if yielded else UNKNOWN
            return Ready(made) if function.info.is_async else made
        if self.is_one and isinstance(made, Reference):
            if isinstance(state.record(made.oid), CoroutineRecord):
                return Ready(made.awaited(flow, state, at))
        return made

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.function, *self.arguments.all())


class Provided(Value, frozen=True):
    """`database.provided.session`: a part of what a provider makes, looked up when it is asked for."""

    source: Value
    name: str | None = None  # an attribute of it
    key: Value | None = None  # or an item
    arguments: Arguments | None = None  # or what calling it gives

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Calling(self) if name == "call" else Provided(self, name=name)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        return Provided(self, key=key)

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        source = _provided(flow, state, self.source, at)
        if self.name is not None:
            return source.attribute(flow, state, self.name, at)
        if self.key is not None:
            return source.item(flow, state, self.key, at)
        if self.arguments is not None:
            return source.call(flow, state, _all_provided(flow, state, self.arguments, at), at)
        return source

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.source,)


class Calling(Value, frozen=True):
    """`.provided.session.call`"""

    source: Provided

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return Provided(self.source, arguments=arguments)


def _all_provided(flow: Flow, state: State, arguments: Arguments, at: Span) -> Arguments:
    return replace(
        arguments,
        positional=tuple(_provided(flow, state, one, at) for one in arguments.positional),
        keywords={name: _provided(flow, state, one, at) for name, one in arguments.keywords.items()},
    )


def _objects(state: State, value: Value) -> list[int]:
    return [one.oid for one in (value, *value.refers_to(state)) if isinstance(one, Reference)]


def _provided(flow: Flow, state: State, value: Value, at: Span) -> Value:
    """What a provider is given: of another one what it makes, which is awaited where it has to be."""
    if not isinstance(value, (Provider, Provided)):
        return value
    made = value.call(flow, state, Arguments(), at)
    return made.value if isinstance(made, Ready) else made


# --- wiring --------------------------------------------------------------------------------------


class Markers(Value, frozen=True):
    """`Provide`, of which `Provide[Container.users]` is one."""

    name: str

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        if isinstance(key, (Constant, Markers)):
            return UNKNOWN  # by a name that is not looked up
        return key if isinstance(key, Marker) else Marker(key, self.name == "Provider")


class Marker(Value, frozen=True):
    provider: Value
    is_given_itself: bool

    def as_default(self, flow: Flow, state: State, at: Span) -> Value:
        return self.provider if self.is_given_itself else _provided(flow, state, self.provider, at)

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        """As in `Depends(Provide[Container.users])`."""
        return self.as_default(flow, state, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.provider,)


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    """`@inject`: whoever calls it leaves out what is provided."""
    if not info.decorated_by(_INJECT):
        return False
    needs: list[Need] = []
    for parameter in info.header.parameters:
        if parameter.default is not None:
            value = evaluated(flow, state, Scoped(parameter.default, info.module, info.parent or info.owner))
            if isinstance(value, Marker):
                needs.append(Need(parameter.name, value))
    if not needs:
        return False
    Injection(flow, lambda own, value: [], info.header.name_span).run(state, info, needs)
    return True
