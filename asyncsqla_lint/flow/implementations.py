"""Protocols and abstract classes: when one class of the project implements them, they are that class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.index import EVERY_CLASS
from asyncsqla_lint.project.keeping import kept

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

_DOUBLES = ("fake", "mock", "stub", "dummy", "inmemory", "in_memory")


def implementation(flow: Flow, cls: ClassValue) -> ClassValue:
    """The one concrete class behind a protocol or abstract class; itself when there is none, or several."""
    info, index = cls.info, flow.index

    def find() -> tuple[ClassInfo, frozenset[ClassInfo | str]]:
        others, index.asked = index.asked, set()
        found = _implementation(flow, info)
        asked, index.asked = frozenset(index.asked), others
        return found, asked

    found, asked = kept(info, "implementation", find)
    index.asked |= asked
    return cls if found is info else ClassValue(found, cls.arguments)


def _implementation(flow: Flow, info: ClassInfo) -> ClassInfo:
    if info.kind == "protocol":
        wanted = {
            name
            for one in info.ancestors
            if one.kind == "protocol"
            for name, member in one.members.items()
            if member.function is not None
        }
        candidates = list(info.subclasses) or _structural(flow, info, wanted)
    elif any(member.is_abstract for member in info.members.values()):
        candidates = list(info.subclasses)
    else:
        return info
    concrete = [
        one for one in candidates if one.kind != "protocol" and not _is_abstract(one) and not _is_double(one)
    ]
    leaves = [
        one
        for one in concrete
        if not any(other is not one and one.is_subclass_of(other) for other in concrete)
    ]
    return leaves[0] if len(leaves) == 1 else info


def _structural(flow: Flow, info: ClassInfo, wanted: set[str]) -> list[ClassInfo]:
    """The classes that have every method of a protocol; for one with few methods that says too little."""
    if not wanted or all(name.startswith("__") for name in wanted):
        return []
    asynchronous = {name for name in wanted if _is_async(info, name)}
    flow.index.asked.add(EVERY_CLASS)
    return [
        one
        for one in flow.index.classes_binding(wanted)
        if one is not info
        and wanted <= one.members.keys()
        and {name for name in wanted if _is_async(one, name)} == asynchronous
    ]


def _is_async(cls: ClassInfo, name: str) -> bool:
    found = cls.find(name)
    return found is not None and found[1].function is not None and found[1].function.is_async


def _is_abstract(cls: ClassInfo) -> bool:
    names = {name for one in cls.ancestors for name, member in one.members.items() if member.is_abstract}
    return any((found := cls.find(name)) is not None and found[1].is_abstract for name in names)


def _is_double(cls: ClassInfo) -> bool:
    """A stand-in for tests."""
    path = cls.module.path.lower()
    words = (cls.name.lower(), *path.replace("\\", "/").split("/"))
    return any(
        word.startswith(_DOUBLES) or word in ("tests", "test") or word.startswith("test_") for word in words
    )
