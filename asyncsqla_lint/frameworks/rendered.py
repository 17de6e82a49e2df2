"""Responses that are a template with its context: Starlette's, Litestar's, Quart's, aiohttp's, Sanic's.

What they read is there when they are made, or never: nothing is loaded behind a handler's back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.coroutines import Ready
from asyncsqla_lint.flow.meanings import CallMeaning, Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Method, Value, alternatives
from asyncsqla_lint.frameworks import jinja
from asyncsqla_lint.frameworks.jinja import (
    ANYWHERE,
    Environment,
    Loader,
    Template,
    context_of,
    folder_of,
    template_named,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_STARLETTE = ("starlette.templating.Jinja2Templates", "fastapi.templating.Jinja2Templates")
_LITESTAR = (
    "litestar.response.Template",
    "litestar.response.template.Template",
    "litestar.plugins.htmx.HTMXTemplate",
    "litestar.contrib.htmx.response.HTMXTemplate",
)


def register(meanings: Meanings) -> None:
    jinja.register(meanings)
    for name in _STARLETTE:
        meanings.calls[name] = _templates
        meanings.instances[name] = lambda flow, state, arguments, at: Templates(ANYWHERE)
    meanings.when_inherited.append(_inherited)
    for name in _LITESTAR:
        meanings.calls[name] = _template
    for module in ("quart", "quart.templating"):
        meanings.calls[f"{module}.render_template"] = _awaited(_by_keywords)
        meanings.calls[f"{module}.render_template_string"] = _awaited(_string)
    for name in ("render_template", "render_string"):
        meanings.calls[f"aiohttp_jinja2.{name}"] = _with_request
        meanings.calls[f"aiohttp_jinja2.{name}_async"] = _awaited(_with_request)
    meanings.calls["sanic_ext.render"] = _awaited(_with_context)


class Templates(Value, frozen=True):
    """Starlette's `Jinja2Templates`."""

    loader: Loader

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "env":
            return Environment(self.loader)
        return Method(self, name) if name in ("TemplateResponse", "get_template") else UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "get_template":
            return template_named(flow, state, self.loader, arguments.get(0, "name") or UNKNOWN, at)
        first = arguments.first if arguments.positional else UNKNOWN
        names = [one.value for one in alternatives(first) if isinstance(one, Constant)]
        is_older = any(isinstance(one, str) for one in names)
        place = 0 if is_older else 1  # behind the request, since 0.29
        return rendered(
            flow,
            state,
            self.loader,
            arguments.get(place, "name"),
            (arguments.get(place + 1, "context"),),
            arguments,
            at,
            {"request": UNKNOWN if is_older else arguments.get(0, "request") or UNKNOWN},
        )


def _templates(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    environment = arguments.keywords.get("env")
    if isinstance(environment, Environment):
        return Templates(environment.loader)
    return Templates(folder_of(arguments.get(0, "directory")))


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    """Of a class of the project's that derives from Starlette's."""
    if name not in ("TemplateResponse", "get_template", "env"):
        return None
    if not any(base in _STARLETTE for base in cls.info.external_bases):
        return None
    return Templates(ANYWHERE).attribute(flow, state, name, at)


def rendered(
    flow: Flow,
    state: State,
    loader: Loader,
    name: Value | None,
    contexts: tuple[Value | None, ...],
    arguments: Arguments,
    at: Span,
    names: dict[str, Value] | None = None,
) -> Value:
    """Read what the template reads; what else becomes of the arguments is not known."""
    found = UNKNOWN if name is None else template_named(flow, state, loader, name, at)
    templates = alternatives(found)
    given = context_of(state, tuple(one for one in contexts if one is not None), {})
    for one in templates:
        if isinstance(one, Template):
            with flow.hedged(len(templates) > 1):
                one.render(flow, state, {**(names or {}), **given}, at)
    return flow.call_unknown(state, UNKNOWN, arguments, at)


def _by_keywords(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`render_template("page.html", post=post)`"""
    name = arguments.get(0, "template_name_or_list")
    return rendered(flow, state, ANYWHERE, name, (), arguments, at, arguments.keywords)


def _string(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`render_template_string(PAGE, post=post)`"""
    source = arguments.get(0, "source")
    if isinstance(source, Constant) and isinstance(source.value, str):
        template = Environment(ANYWHERE).call_method(flow, state, "from_string", Arguments((source,)), at)
        if isinstance(template, Template):
            template.render(flow, state, arguments.keywords, at)
    return flow.call_unknown(state, UNKNOWN, arguments, at)


def _with_request(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`render_template("page.html", request, {"post": post})`"""
    contexts = (arguments.get(2, "context"),)
    names = {"request": arguments.get(1, "request") or UNKNOWN}
    return rendered(flow, state, ANYWHERE, arguments.get(0, "template_name"), contexts, arguments, at, names)


def _with_context(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`render("page.html", context={"post": post})`"""
    contexts = (arguments.keywords.get("context"),)
    return rendered(flow, state, ANYWHERE, arguments.get(0, "template_name"), contexts, arguments, at)


def _template(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`Template("page.html", context={"post": post})`"""
    contexts = (arguments.keywords.get("context"),)
    text = arguments.keywords.get("template_str")
    if text is not None:
        return flow.call_unknown(state, UNKNOWN, arguments, at)
    return rendered(flow, state, ANYWHERE, arguments.get(0, "template_name"), contexts, arguments, at)


def _awaited(meaning: CallMeaning) -> CallMeaning:
    def call(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        meaning(flow, state, arguments, at)
        return Ready(UNKNOWN)

    return call
