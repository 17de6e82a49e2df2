"""Jinja: a template that is a string in the project reads, when it is rendered, the attributes it names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.coroutines import Ready
from asyncsqla_lint.flow.frames import PathEnds
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Method, Reference, Value
from asyncsqla_lint.frameworks.serializing import Reading, serialize
from asyncsqla_lint.frameworks.templates import Block, Names, parse, run
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_ENVIRONMENTS = (
    "jinja2.Environment",
    "jinja2.environment.Environment",
    "jinja2.sandbox.SandboxedEnvironment",
    "jinja2.sandbox.ImmutableSandboxedEnvironment",
    "jinja2.nativetypes.NativeEnvironment",
)


def register(meanings: Meanings) -> None:
    for name in _ENVIRONMENTS:
        meanings.calls[name] = _environment
    for name in ("jinja2.Template", "jinja2.environment.Template"):
        meanings.calls[name] = _template
    for name in ("quart.render_template_string", "quart.templating.render_template_string"):
        meanings.calls[name] = _rendered
    for name in ("jinja2.DictLoader", "jinja2.loaders.DictLoader"):
        meanings.calls[name] = _loader


class Template(Value, frozen=True):
    source: str

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in ("render", "generate", "stream"):
            self._render(flow, state, arguments, at)
        elif name in ("render_async", "generate_async"):
            self._render(flow, state, arguments, at)
            return Ready(UNKNOWN)
        return UNKNOWN

    def _render(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> None:
        names: Names = {}
        for given in arguments.positional:
            record = state.record(given.oid) if isinstance(given, Reference) else None
            if isinstance(record, DictRecord):
                names.update({str(key): value for key, value in record.entries.items()})
        names.update(arguments.keywords)

        def act(reading: Reading) -> Value:
            with suppress(PathEnds):
                run(flow, state, _parsed(flow, self.source), names, at)
            return UNKNOWN

        serialize(flow, state, at, "Template.render", act)


def _rendered(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`await render_template_string(PAGE, post=post)`"""
    source = arguments.get(0, "source")
    if not isinstance(source, Constant) or not isinstance(source.value, str):
        return UNKNOWN
    template, named = Template(source.value), Arguments((), arguments.keywords)
    return template.call_method(flow, state, "render_async", named, at)


def _parsed(flow: Flow, source: str) -> Block:
    key = (_parsed, source)
    if key not in flow.memory:
        flow.memory[key] = parse(source)
    found = flow.memory[key]
    assert isinstance(found, Block)
    return found


class Environment(Value, frozen=True):
    """With the templates that its loader has in a dict."""

    templates: Value

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name) if name in _MAKERS else UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return _MAKERS[name](self, flow, state, arguments, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.templates,)


def _from_string(me: Environment, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _template(flow, state, arguments, at)


def _get_template(me: Environment, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    name = arguments.get(0, "name")
    if name is None or me.templates is UNKNOWN:
        return UNKNOWN
    source = me.templates.item(flow, state, name, at)
    return _template(flow, state, Arguments((source,)), at)


def _overlay(me: Environment, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return me


_MAKERS: dict[str, Callable[[Environment, Flow, State, Arguments, Span], Value]] = {
    "from_string": _from_string,
    "get_template": _get_template,
    "select_template": _get_template,
    "overlay": _overlay,
}


def _environment(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Environment(arguments.keywords.get("loader", UNKNOWN))


def _loader(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return arguments.get(0, "mapping") or UNKNOWN


def _template(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    source = arguments.get(0, "source")
    if isinstance(source, Constant) and isinstance(source.value, str):
        return Template(source.value)
    return UNKNOWN
