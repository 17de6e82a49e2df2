"""The Rule contract: what is refused, what handlers listen to, how docstrings are read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from asyncsqla_lint.rules import catalogue
from asyncsqla_lint.rules.rule import (
    MalformedRule,
    Raises,
    Reporter,
    Rule,
    Silent,
    Warns,
    on,
    parse_documentation,
)

DOCSTRING = """
    ## What it does
    Reports `x` twice. And more.

    ## Why is this bad?
    It hurts.

    ## Example
    ```python
    # What it does
    x()
    ```

    ## Use instead
    ```python
    await x()
    ```

    ## Options
    None.
    """


class Read:
    pass


class Write:
    pass


class Base(Rule):
    @on(Read)
    def read(self, event: Read, report: Reporter) -> None:
        report(self, event, "read")


class Example(Base):
    __doc__ = DOCSTRING
    code = "ASQ399"
    name = "example"
    outcome = Raises("MissingGreenlet", "StatementError")

    @on(Write)
    @on(Read)
    def either(self, event: object, report: Reporter) -> None:
        report(self, event, "either")


def test_handlers_are_bound_inherited_and_shared() -> None:
    said: list[str] = []

    def report(rule: Rule, event: object, message: str, **_: object) -> None:
        said.append(f"{rule.code} {message}")

    handlers = Example().handlers()
    assert set(handlers) == {Read, Write}
    for handler in handlers[Read]:
        handler(Read(), report)  # type: ignore[arg-type]
    assert said == ["ASQ399 read", "ASQ399 either"]


def test_an_overridden_handler_without_a_mark_still_handles_once() -> None:
    class Quiet(Example):
        __doc__ = DOCSTRING

        def read(self, event: Read, report: Reporter) -> None:
            report(self, event, "quiet")

    assert [handler.__name__ for handler in Quiet().handlers()[Read]] == ["read", "either"]


def test_documentation_comes_from_the_docstring() -> None:
    documentation = Example.documentation()
    assert documentation.summary == "Reports `x` twice."
    assert documentation.why == "It hurts."
    assert documentation.example == "```python\n# What it does\nx()\n```"
    assert documentation.extra == (("Options", "None."),)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"code": "ASQ3"}, "code 'ASQ3'"),
        ({"code": "ASQ501"}, "code 'ASQ501'"),
        ({"name": "Not_Kebab"}, "kebab-case"),
        ({"outcome": None}, "outcome"),
        ({"__doc__": "Words."}, "lacks “What it does”"),
        ({"__doc__": DOCSTRING + "\n    ## Example\n    again\n"}, "two parts “Example”"),
    ],
)
def test_a_malformed_rule_is_refused(attributes: dict[str, object], reason: str) -> None:
    body: dict[str, object] = {
        "__doc__": DOCSTRING,
        "code": "ASQ398",
        "name": "well-formed",
        "outcome": Silent("no"),
    }
    body |= attributes
    if attributes.get("outcome", "") is None:
        del body["outcome"]
    with pytest.raises(MalformedRule, match=reason):
        type("Bad", (Rule,), body)


def test_bare_headings_are_read_too() -> None:
    text = "What it does\n\nA.\n\nWhy is this bad?\nB.\n\nExample:\n    c\n\nUse instead:\n    d\n"
    documentation = parse_documentation(text)
    assert (documentation.what, documentation.why) == ("A.", "B.")
    assert (documentation.example, documentation.instead) == ("c", "d")


def test_outcomes_are_values() -> None:
    assert Raises("A", "B") == Raises("A", "B") != Raises("A")
    assert Warns("SAWarning").warnings == ("SAWarning",)


def test_the_catalogue_is_sorted_unique_and_complete() -> None:
    rules = catalogue.describe_all()
    codes = [rule.code for rule in rules]
    assert codes == sorted(set(codes))
    assert len({rule.name for rule in rules}) == len(rules)
    assert {"ASQ901", "ASQ902", "ASQ903"} <= set(codes)
    assert sum(len(group) for group in catalogue.groups().values()) == len(rules)
    assert catalogue.find("asq901") is catalogue.find("syntax-error") is not None
    assert catalogue.find("ASQ000") is None


def test_every_rule_is_documented_in_markdown_that_closes_its_fences() -> None:
    for rule in catalogue.describe_all():
        text = rule.documentation
        for part in (text.what, text.why, text.example, text.instead):
            assert part.count("```") % 2 == 0, rule.code
        assert len(text.summary) < 400, rule.code


def test_the_catalogue_imports_neither_libcst_nor_the_interpreter() -> None:
    program = (
        "import sys; from asyncsqla_lint.rules import catalogue; catalogue.describe_all();"
        "print([name for name in sys.modules"
        " if name.split('.')[0] in ('libcst', 'click', 'rich', 'sqlalchemy')"
        " or name in ('asyncsqla_lint.syntax.module', 'asyncsqla_lint.flow.interpreter')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
