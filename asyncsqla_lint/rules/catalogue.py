"""Every rule there is, found by walking the packages beside this file.

A rule file needs no registration. Nothing here imports LibCST or the interpreter: rules import events,
which are data, so that a warm run and the documentation stay fast.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from asyncsqla_lint.rules.rule import Description, MalformedRule, Rule

GROUPS = ("engines", "sessions", "loading", "awaiting")


@cache
def rules() -> tuple[type[Rule], ...]:
    """All rules by code, those that the tool reports of itself last."""
    found = [rule for module in _modules() for rule in _rules_of(module)]
    found.sort(key=lambda rule: rule.code)
    _check_unique(found)
    return tuple(found)


@cache
def by_code() -> MappingProxyType[str, type[Rule]]:
    return MappingProxyType({rule.code: rule for rule in rules()})


@cache
def describe_all() -> tuple[Description, ...]:
    return tuple(rule.describe() for rule in rules())


def find(code_or_name: str) -> type[Rule] | None:
    """The rule of a code (`asq301` too) or a name (`missing-eager-load`)."""
    wanted = code_or_name.strip()
    return next(
        (rule for rule in rules() if wanted.upper() == rule.code or wanted.lower() == rule.name), None
    )


def groups() -> dict[str, tuple[Description, ...]]:
    """The rules under their group's title, in order."""
    titles: dict[str, tuple[Description, ...]] = {}
    for description in describe_all():
        title = description.group
        titles[title] = (*titles.get(title, ()), description)
    return titles


def _modules() -> list[str]:
    package = __name__.rpartition(".")[0]
    names = [f"{package}.itself"]
    for group in GROUPS:
        folder = import_module(f"{package}.{group}")
        names += sorted(f"{folder.__name__}.{module.name}" for module in iter_modules(folder.__path__))
    return names


def _rules_of(module_name: str) -> list[type[Rule]]:
    module = import_module(module_name)
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Rule)
        and value.__module__ == module_name
        and "code" in vars(value)
    ]


def _check_unique(found: list[type[Rule]]) -> None:
    for attribute in ("code", "name"):
        seen: dict[str, type[Rule]] = {}
        for rule in found:
            value: str = getattr(rule, attribute)
            other = seen.setdefault(value, rule)
            if other is not rule:
                raise MalformedRule(
                    f"{attribute} {value} is taken twice: {other.__module__}.{other.__qualname__}"
                    f" and {rule.__module__}.{rule.__qualname__}"
                )
