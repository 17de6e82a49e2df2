"""What a callable is, takes and gives, as short strings.

`Result`, `AsyncTransaction?` (or None), `Connection|Engine`, `Any`; parameters are words, as in
`statement params= * bind=`.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import sys
import typing
from types import FunctionType, MemberDescriptorType

CONTEXTLIB = contextlib.__file__
GIVE_INNER = frozenset({"async_context", "async_iterator", "context", "iterator", "startable"})
GENERIC_ALIASES = {"Type": "type", "Dict": "dict", "Tuple": "tuple", "List": "list", "Set": "set"}


def kind_of(function: object) -> str:
    """How a call of it is used, by how it was made."""
    wrapped = getattr(function, "__wrapped__", None)
    made_in = getattr(getattr(function, "__code__", None), "co_filename", "")
    if wrapped is not None and made_in == CONTEXTLIB:
        return "async_context" if inspect.isasyncgenfunction(wrapped) else "context"
    if wrapped is not None and inspect.isasyncgenfunction(wrapped) and made_in.endswith("base.py"):
        return "startable"  # sqlalchemy.ext.asyncio.base.asyncstartablecontext
    # A `deprecated` decorator hides the coroutine function from Pythons before 3.12.
    if inspect.iscoroutinefunction(inspect.unwrap(function)):  # type: ignore[arg-type]
        return "coroutine"
    if inspect.isasyncgenfunction(function):
        return "async_iterator"
    if inspect.isgeneratorfunction(function):
        return "iterator"
    return "plain"


def parameters(function: object) -> str:
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "..."
    words: list[str] = []
    for position, parameter in enumerate(signature.parameters.values()):
        if position == 0 and parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            words.append("*" + parameter.name)
        elif parameter.kind is parameter.VAR_KEYWORD:
            words.append("**" + parameter.name)
        else:
            if parameter.kind is parameter.KEYWORD_ONLY and not any(w.startswith("*") for w in words):
                words.append("*")
            words.append(parameter.name + ("" if parameter.default is parameter.empty else "="))
    return " ".join(words)


def returns(function: object, *, innermost: bool = False) -> str:
    wrapped = inspect.unwrap(function)  # type: ignore[arg-type]
    if not isinstance(wrapped, FunctionType):
        return "Any"
    annotation = wrapped.__annotations__.get("return")
    module = sys.modules[wrapped.__module__]
    if innermost or kind_of(function) in GIVE_INNER:
        annotation = inner(annotation)
    return simplify(annotation, vars(module))


def attribute_type(owner: type, name: str, value: object) -> str:
    """The annotation of a property, of a slot, or of a class-level declaration."""
    if isinstance(value, property) and value.fget is not None:
        return returns(value.fget)
    for base in owner.__mro__:
        annotation = inspect.get_annotations(base).get(name)
        if annotation is not None:
            return simplify(annotation, vars(sys.modules[base.__module__]))
    fget = getattr(value, "fget", None)
    return returns(fget) if fget is not None else "Any"


def is_attribute(value: object) -> bool:
    if isinstance(value, (property, MemberDescriptorType)):
        return True
    wraps_function = callable(value) or isinstance(value, (classmethod, staticmethod))
    return hasattr(value, "__get__") and not wraps_function


def inner(annotation: object) -> object:
    """`AsyncIterator[X]` → `X`."""
    if isinstance(annotation, str):
        tree = ast.parse(annotation, mode="eval").body
        if isinstance(tree, ast.Subscript):
            first = tree.slice.elts[0] if isinstance(tree.slice, ast.Tuple) else tree.slice
            return ast.unparse(first)
    return annotation


def simplify(annotation: object, names: dict[str, object]) -> str:
    if annotation is None:
        return "Any"
    if not isinstance(annotation, str):
        is_union = typing.get_origin(annotation) is typing.Union
        members = typing.get_args(annotation) if is_union else (annotation,)
        heads = [typing.get_origin(member) or member for member in members]
        return "|".join(sorted({getattr(head, "__name__", "Any") for head in heads}))
    try:
        tree = ast.parse(annotation.strip(), mode="eval").body
    except SyntaxError:
        return "Any"
    parts = sorted(set(_alternatives(tree, names)), key=lambda part: (part == "None", part))
    if "Any" in parts:
        parts = ["Any"] + (["None"] if "None" in parts else [])
    if len(parts) > 1 and parts[-1] == "None":
        return "|".join(parts[:-1]) + "?"
    return "|".join(parts)


def _alternatives(tree: ast.expr, names: dict[str, object]) -> list[str]:
    if isinstance(tree, ast.BinOp):
        return _alternatives(tree.left, names) + _alternatives(tree.right, names)
    if isinstance(tree, ast.Constant):
        if tree.value is None:
            return ["None"]
        if isinstance(tree.value, str):
            return _alternatives(ast.parse(tree.value, mode="eval").body, names)
        return ["Any"]
    if isinstance(tree, ast.Subscript):
        head = _last_name(tree.value)
        arguments = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
        if head == "Optional":
            return [*_alternatives(arguments[0], names), "None"]
        if head == "Union":
            return [part for argument in arguments for part in _alternatives(argument, names)]
        return [_named(head, names)]
    return [_named(_last_name(tree), names)]


def _last_name(tree: ast.expr) -> str:
    if isinstance(tree, ast.Attribute):
        return tree.attr
    return tree.id if isinstance(tree, ast.Name) else "Any"


def _named(name: str, names: dict[str, object]) -> str:
    """A type variable is its bound, a private alias nothing in particular."""
    if name == "object":
        return "Any"
    if not name.startswith("_"):
        return GENERIC_ALIASES.get(name, name)
    value = names.get(name)
    if isinstance(value, typing.TypeVar):
        bound = value.__bound__
        if isinstance(bound, typing.ForwardRef):
            return simplify(bound.__forward_arg__, names)
        return "Any" if bound in (None, object, typing.Any) else getattr(bound, "__name__", "Any")
    return name if isinstance(value, type) else "Any"
