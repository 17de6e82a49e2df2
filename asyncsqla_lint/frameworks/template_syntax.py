"""Jinja's language, as far as it decides what is read: expressions, loops, conditions, blocks, macros.

Its expressions are near enough to Python's that Python's own parser reads them; what that cannot parse is
taken to read nothing, and so is what stands inside of a tag that nobody knows.
"""

from __future__ import annotations

import ast
import re
from typing import Union

from msgspec import Struct


class Block(Struct):
    """What stands between two tags: expressions to read, and tags with blocks of their own."""

    parts: list[Part] = []


class Output(Struct):
    where: str  # `pages/list.html:12`, as of all parts; empty: in a string of the program
    expression: ast.expr


class Assignment(Struct):
    where: str
    target: ast.expr
    value: ast.expr | None  # None: what a block of its own says


class Loop(Struct):
    where: str
    target: ast.expr
    iterable: ast.expr
    test: ast.expr | None
    body: Block


class Choice(Struct):
    """`if`: each test with its block; the last test may be None."""

    arms: list[tuple[str, ast.expr | None, Block]]


class Named(Struct):
    """`block`: a template that inherits this one may have another in its place."""

    name: str
    body: Block


class Inheritance(Struct):
    where: str
    name: ast.expr


class Inclusion(Struct):
    where: str
    name: ast.expr
    has_context: bool


class Importing(Struct):
    """`import "forms.html" as forms`; `from "forms.html" import field as input`."""

    where: str
    name: ast.expr
    alias: str
    names: dict[str, str]
    has_context: bool


class Macro(Struct):
    name: str
    parameters: dict[str, ast.expr | None]  # with their defaults
    body: Block


class Calling(Struct):
    """`call field(…)`: what stands inside is its `caller()`."""

    where: str
    call: ast.expr
    body: Block


class Group(Struct):
    """What goes together; under `with` the names are its own."""

    body: Block
    has_names: bool = False


Part = Union[
    Output, Assignment, Loop, Choice, Named, Inheritance, Inclusion, Importing, Macro, Calling, Group
]

_TAGS = re.compile(r"\{#.*?#\}|\{\{[-+]?(?P<out>.*?)[-+]?\}\}|\{%[-+]?\s*(?P<tag>.*?)\s*[-+]?%\}", re.DOTALL)
_RAW = re.compile(r"\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}", re.DOTALL)
_FOR = re.compile(
    r"for\s+(?P<target>.+?)\s+in\s+(?P<iterable>.+?)(?:\s+if\s+(?P<test>.+?))?(?:\s+recursive)?", re.DOTALL
)
_SET = re.compile(r"set\s+(?P<target>\w+(?:\s*,\s*\w+)*)\s*(?:=(?P<value>.+)|(?:\|.*)?)", re.DOTALL)
_MACRO = re.compile(r"macro\s+(?P<name>\w+)\s*\((?P<parameters>.*)\)", re.DOTALL)
_CALL = re.compile(r"call\s*(?:\(.*?\)\s*)?(?P<call>\w.*)", re.DOTALL)
_INCLUDE = re.compile(
    r"include\s+(?P<name>.+?)(?:\s+ignore\s+missing)?(?P<context>\s+with(?:out)?\s+context)?", re.DOTALL
)
_IMPORT = re.compile(
    r"(?:import\s+(?P<whole>.+?)\s+as\s+(?P<alias>\w+)|from\s+(?P<part>.+?)\s+import\s+(?P<names>[\w\s,]+?))"
    r"(?P<context>\s+with(?:out)?\s+context)?",
    re.DOTALL,
)
# What stands between these is read as it stands.
_PLAIN = frozenset({"with", "autoescape", "filter", "trans"})


def parse(source: str, page: str = "") -> Block:
    return _Parser(source, page).block(())[0]


class _Parser:
    def __init__(self, source: str, page: str) -> None:
        self.tags: list[tuple[str, str, str]] = []  # the word that begins it, all of it, where it stands
        source = _RAW.sub(lambda found: "\n" * found[0].count("\n"), source)
        line, counted = 1, 0
        for found in _TAGS.finditer(source):
            line, counted = line + source.count("\n", counted, found.start()), found.start()
            where = f"{page}:{line}" if page else ""
            if found["out"] is not None:
                self.tags.append(("", found["out"], where))
            elif found["tag"]:
                self.tags.append((re.split(r"\W", found["tag"], maxsplit=1)[0], found["tag"], where))
        self.tags.reverse()

    def block(self, ends: tuple[str, ...]) -> tuple[Block, str, str]:
        """The block up to one of `ends`, and the tag that ended it."""
        block = Block([])
        while self.tags:
            word, text, where = self.tags.pop()
            if word in ends:
                return block, text, where
            part = self.part(word, text, where)
            if part is not None:
                block.parts.append(part)
        return block, "", ""

    def part(self, word: str, text: str, where: str) -> Part | None:
        if word in ("", "do", "print"):
            read = expression(text.removeprefix(word).strip())
            return None if read is None else Output(where, read)
        if word == "if":
            return self.choice(text, where)
        if word == "for":
            return self.loop(text, where)
        if word == "set":
            return self.assignment(text, where)
        if word == "block":
            return Named(text.split()[1] if " " in text else "", self.block(("endblock",))[0])
        if word == "extends":
            name = expression(text.removeprefix(word))
            return None if name is None else Inheritance(where, name)
        if word == "include" and (found := _INCLUDE.fullmatch(text)):
            name = expression(found["name"])
            return None if name is None else Inclusion(where, name, "without" not in (found["context"] or ""))
        if word in ("import", "from") and (found := _IMPORT.fullmatch(text)):
            return _importing(found, where)
        if word == "macro":
            return self.macro(text)
        if word == "call":
            found, (body, _, _) = _CALL.fullmatch(text), self.block(("endcall",))
            call = None if found is None else expression(found["call"])
            return None if call is None else Calling(where, call, body)
        if word in _PLAIN:
            given = _arguments(text.removeprefix(word)) if word == "with" else []
            named = [
                Assignment(where, ast.Name(one.arg), one.value) for one in given or () if one.arg is not None
            ]
            return Group(Block([*named, *self.block((f"end{word}",))[0].parts]), word == "with")
        if not word.startswith("end") and any(other == f"end{word}" for other, _, _ in self.tags):
            self.block((f"end{word}",))
        return None

    def choice(self, text: str, where: str) -> Choice:
        choice = Choice([])
        while text.startswith(("if", "elif", "else")):
            is_last = text.startswith("else")
            test = None if is_last else expression(text.split(None, 1)[-1])
            body, following, after = self.block(("elif", "else", "endif"))
            if test is None and not is_last:
                test = ast.Name("<unknown>")
            choice.arms.append((where, test, body))
            text, where = following, after
        return choice

    def loop(self, text: str, where: str) -> Part | None:
        found = _FOR.fullmatch(text)
        body, end, _ = self.block(("else", "endfor"))
        otherwise = self.block(("endfor",))[0] if end.startswith("else") else None
        target = iterable = None
        if found is not None:
            target, iterable = expression(found["target"]), expression(found["iterable"])
        if found is None or target is None or iterable is None:
            return None
        test = expression(found["test"]) if found["test"] else None
        loop = Loop(where, target, iterable, test, body)
        return loop if otherwise is None else Group(Block([loop, Choice([(where, None, otherwise)])]))

    def assignment(self, text: str, where: str) -> Part | None:
        found = _SET.fullmatch(text)
        if found is None:
            return None
        target = expression(found["target"]) or ast.Tuple([])  # `class` is a name here
        if found["value"] is None:
            body, _, _ = self.block(("endset",))
            return Group(Block([*body.parts, Assignment(where, target, None)]))
        return Assignment(where, target, expression(found["value"]))

    def macro(self, text: str) -> Macro | None:
        found = _MACRO.fullmatch(text)
        body, _, _ = self.block(("endmacro",))
        read = None if found is None else expression(f"lambda {found['parameters']}: 0")
        if found is None or not isinstance(read, ast.Lambda):
            return None
        names = [one.arg for one in read.args.args]
        defaults: list[ast.expr | None] = [None] * len(names)
        if read.args.defaults:
            defaults[-len(read.args.defaults) :] = read.args.defaults
        return Macro(found["name"], dict(zip(names, defaults, strict=True)), body)


def _importing(found: re.Match[str], where: str) -> Importing | None:
    name = expression(found["whole"] or found["part"])
    names: dict[str, str] = {}
    for one in (found["names"] or "").split(","):
        words = one.split()
        if words:
            names[words[-1]] = words[0]
    has_context = (found["context"] or "").split()[:1] == ["with"]
    return None if name is None else Importing(where, name, found["alias"] or "", names, has_context)


def _arguments(text: str) -> list[ast.keyword]:
    call = expression(f"_({text})")
    return call.keywords if isinstance(call, ast.Call) else []


def expression(text: str) -> ast.expr | None:
    text = " ".join(text.split()).replace("~", "+")
    for attempt in (text, f"{text} else ''"):  # `a if b` may go without its else
        try:
            return ast.parse(f"({attempt})", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None
