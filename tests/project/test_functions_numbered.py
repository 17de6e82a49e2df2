"""A function of the text has its class and its surroundings, whoever asks for it first."""

from __future__ import annotations

from .truth import make_index

TEXT = """
class Config:
    def make(self):
        def inner():
            return lambda: super().make()

        class Local:
            def method(self): ...

        return inner


def plain(): ...
"""


def test_what_is_asked_for_by_its_number_is_what_it_is() -> None:
    index = make_index({"m": TEXT})
    module = index.modules["m"]
    numbers = {header.qualname: number for number, header in enumerate(module.program.functions)}
    asked = {name: index.function_numbered(module, number) for name, number in reversed(numbers.items())}
    config = index.lookup(module, "Config")
    make = asked["Config.make"]
    assert make.owner is config
    assert make is index.function_at(module, numbers["Config.make"])
    inner = asked["Config.make.<locals>.inner"]
    assert (inner.owner, inner.parent) == (None, make)
    assert asked["Config.make.<locals>.inner.<locals>.<lambda>"].parent is inner
    assert asked["Config.make.<locals>.Local.method"].parent is make
    assert (asked["plain"].owner, asked["plain"].parent) == (None, None)
