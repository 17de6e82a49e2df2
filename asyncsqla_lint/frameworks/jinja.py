"""Jinja: a template, in a string or in a file, reads the attributes that it names when it is rendered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from posixpath import join
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.coroutines import Ready
from asyncsqla_lint.flow.frames import PathEnds
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.frameworks.serializing import Reading, serialize
from asyncsqla_lint.frameworks.template_syntax import Block, parse
from asyncsqla_lint.frameworks.templates import Names, Rendering
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
        meanings.instances[name] = lambda flow, state, arguments, at: Environment(ANYWHERE)
    for name in ("jinja2.Template", "jinja2.environment.Template"):
        meanings.calls[name] = _template
    for module in ("jinja2", "jinja2.loaders"):
        meanings.calls[f"{module}.DictLoader"] = _of_a_dict
        meanings.calls[f"{module}.FileSystemLoader"] = _of_files
        meanings.calls[f"{module}.PackageLoader"] = _of_a_package
        for kind in ("ChoiceLoader", "PrefixLoader"):
            meanings.calls[f"{module}.{kind}"] = lambda flow, state, arguments, at: ANYWHERE


# --- where templates come from -------------------------------------------------------------------


class Source(Struct, frozen=True):
    text: str
    key: str = ""  # the file that it stands in
    folder: str = ""  # whence its name leads to it


class Loader(Value, frozen=True):
    """Knows templates by name: those in a dict, or files, below a directory of which the end is known."""

    mapping: Value | None = None
    folder: str = ""

    def truth(self, state: State) -> bool | None:
        return True

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return () if self.mapping is None else (self.mapping,)

    def source(self, flow: Flow, state: State, name: str, at: Span, beside: str = "") -> Source | None:
        """`beside`: whence the template is found that names this one."""
        if self.mapping is not None:
            found = self.mapping.item(flow, state, Constant(name), at)
            text = found.value if isinstance(found, Constant) else None
            return Source(text) if isinstance(text, str) else None
        for folder in dict.fromkeys((beside, *_ends(self.folder))):
            page = flow.index.page(join(folder, name), flow.frame.module)
            if page is not None:
                return Source(page.text, page.key, page.key.removesuffix(name).rstrip("/"))
        return None


def _ends(folder: str) -> list[str]:
    """`app/templates`, which may be seen from inside of `app`; then anywhere."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[start:]) for start in range(len(parts) + 1)]


ANYWHERE = Loader()


def folder_of(directory: Value | None) -> Loader:
    """The loader of a directory: how the project writes it, if it can be told."""
    written = directory.value if isinstance(directory, Constant) else ""
    return Loader(folder=written.rpartition("..")[2].strip("./") if isinstance(written, str) else "")


def _of_a_dict(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Loader(arguments.get(0, "mapping") or UNKNOWN)


def _of_files(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return folder_of(arguments.get(0, "searchpath"))


def _of_a_package(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    package, path = arguments.get(0, "package_name"), arguments.get(1, "package_path")
    folder = path.value if isinstance(path, Constant) else "templates"
    if not isinstance(package, Constant) or not isinstance(folder, str):
        return ANYWHERE
    return Loader(folder=f"{str(package.value).replace('.', '/')}/{folder}")


# --- templates -----------------------------------------------------------------------------------


class Template(Value, frozen=True):
    source: Source
    loader: Loader = ANYWHERE

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return self.loader.refers_to(state)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name not in ("render", "generate", "stream", "render_async", "generate_async"):
            return UNKNOWN
        self.render(flow, state, context_of(state, arguments.positional, arguments.keywords), at)
        result = flow.call_unknown(state, UNKNOWN, arguments, at)
        return Ready(UNKNOWN) if name.endswith("_async") else result

    def render(self, flow: Flow, state: State, names: Names, at: Span) -> None:
        def find(name: str) -> Block | None:
            source = self.loader.source(flow, state, name, at, self.source.folder)
            return None if source is None else _parsed(flow, source)

        def act(reading: Reading) -> Value:
            with suppress(PathEnds):
                Rendering(flow, state.copy(), at, reading, find).render(_parsed(flow, self.source), names)
            return UNKNOWN

        met = {type(state.record(oid)) for oid in state.reachable(names.values())}
        if not met <= {DictRecord, ListRecord}:  # else it has nothing that could have to be loaded
            serialize(flow, state, at, self.source.key or "Template.render", act)


def context_of(state: State, given: tuple[Value, ...], keywords: dict[str, Value]) -> Names:
    names: Names = {}
    for one in given:
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(record, DictRecord):
            names.update({str(key): value for key, value in record.entries.items()})
    return {**names, **keywords}


def _parsed(flow: Flow, source: Source) -> Block:
    key = (_parsed, source)
    if key not in flow.memory:
        flow.memory[key] = parse(source.text, source.key)
    found = flow.memory[key]
    assert isinstance(found, Block)
    return found


class Environment(Value, frozen=True):
    loader: Loader

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name) if name in _MAKERS else UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return _MAKERS[name](self, flow, state, arguments, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return self.loader.refers_to(state)


def _from_string(me: Environment, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _template(flow, state, arguments, at, me.loader)


def _get_template(me: Environment, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    name = arguments.get(0, "name")
    return UNKNOWN if name is None else template_named(flow, state, me.loader, name, at)


def template_named(flow: Flow, state: State, loader: Loader, name: Value, at: Span) -> Value:
    """The template; one of several, where the name may be one of several."""
    found: list[Value] = []
    for one in alternatives(name):
        known = one.value if isinstance(one, Constant) else None
        source = loader.source(flow, state, known, at) if isinstance(known, str) else None
        found.append(UNKNOWN if source is None else Template(source, loader))
    return union(tuple(found))


def _overlay(me: Environment, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return me


_MAKERS: dict[str, Callable[[Environment, Flow, State, Arguments, Span], Value]] = {
    "from_string": _from_string,
    "get_template": _get_template,
    "select_template": _get_template,
    "overlay": _overlay,
}


def _environment(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    loader = arguments.keywords.get("loader")
    return Environment(loader if isinstance(loader, Loader) else ANYWHERE)


def _template(flow: Flow, state: State, arguments: Arguments, at: Span, loader: Loader = ANYWHERE) -> Value:
    source = arguments.get(0, "source")
    if isinstance(source, Constant) and isinstance(source.value, str):
        return Template(Source(source.value), loader)
    return UNKNOWN
