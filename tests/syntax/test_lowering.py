from __future__ import annotations

import sys
import types
import warnings

import msgspec
import pytest

from asyncsqla_lint import program as p
from asyncsqla_lint.syntax import lower

from . import sources


def value_of(source: str) -> p.Expression:
    statement = lower(f"x = {source}\n").statements[0]
    assert isinstance(statement, p.Assign)
    return statement.value


def functions_of(source: str) -> dict[str, p.Function]:
    return {function.qualname: function for function in lower(source).functions}


@pytest.mark.parametrize("path", sources.standard_library(every=60), ids=lambda path: path.name)
def test_qualified_names_and_generators_are_those_that_python_compiles(path) -> None:
    text = sources.read(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(text or "", str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return
    compiled = sorted(compiled_functions(code))
    if sys.version_info < (3, 11):
        compiled = [(name.rpartition(".")[2], *kinds) for name, *kinds in compiled]
    lowered = sorted(
        (function.qualname, function.is_async, function.is_generator)
        for function in lower(text or "").functions
        if function.name != "<lambda>"
    )
    if sys.version_info < (3, 11):
        lowered = [(name.rpartition(".")[2], *kinds) for name, *kinds in lowered]
    # Dead code (`if 0:`) is not compiled, so what is compiled may be less.
    assert set(compiled) <= set(lowered)


def compiled_functions(code: types.CodeType):
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            name = getattr(constant, "co_qualname", constant.co_name)
            if constant.co_flags & 0x02 and "<" not in constant.co_name:  # CO_NEWLOCALS: not a class
                is_async = bool(constant.co_flags & 0x280)
                yield name, is_async, bool(constant.co_flags & 0x220)
            yield from compiled_functions(constant)


@pytest.mark.parametrize(
    "source",
    [
        "''",
        "'a'",
        '"""a"""',
        "''''a'''",
        "r'\\d'",
        "'\\d\\.'",
        "u'x'",
        "Rb'x'",
        "'\\x41\\u00e9\\U0001F600\\N{BULLET}\\101\\0\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"'",
        "'a\\\nb'",
        "'a' 'b' \"c\"",
        "'a' r'\\n' '\\n'",
        "R'''\\'''\n'''",
        "('a'\n 'b')",
        '""""a" b"""',
    ],
)
def test_strings_mean_what_python_reads(source: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meaning = eval(source)
    value = value_of(source)
    if isinstance(meaning, bytes):
        assert isinstance(value, p.Opaque)
    else:
        assert isinstance(value, p.Constant)
        assert value.value == meaning


@pytest.mark.parametrize(
    "source", ["b'x'", "1j", "...", "99999999999999999999", "1" * 5000, "'\\ud800'", "b'a' b'b'"]
)
def test_what_no_rule_reads_is_opaque(source: str) -> None:
    assert isinstance(value_of(source), p.Opaque)
    assert value_of(source).parts == ()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("0", 0),
        ("0x_ff", 255),
        ("1_000", 1000),
        ("0b11", 3),
        ("1e3", 1000.0),
        ("1_0.5", 10.5),
        ("9223372036854775807", 2**63 - 1),
        ("None", None),
        ("True", True),
        ("False", False),
    ],
)
def test_constants(source: str, value: object) -> None:
    constant = value_of(source)
    assert isinstance(constant, p.Constant)
    assert constant.value == value and type(constant.value) is type(value)


def test_format_strings_keep_what_they_evaluate() -> None:
    value = value_of("""'a' f"{user.name!r:>{width}}b{{{x = }" 'c'""")
    assert isinstance(value, p.FormatString)
    shown = [part.value if isinstance(part, p.Constant) else type(part).__name__ for part in value.parts]
    assert shown == ["a", "Formatted", "b{", "x = ", "Formatted", "c"]
    _, user, _, _, x, _ = value.parts
    assert isinstance(user, p.Formatted) and user.conversion == "r" and user.span == user.value.span
    assert [type(part).__name__ for part in user.specification] == ["Constant", "Name"]
    assert isinstance(x, p.Formatted) and (x.conversion, x.specification) == ("r", ())


def test_templates_are_opaque_and_evaluated() -> None:
    value = value_of('t"{a} {b.c:{d}}"')
    assert isinstance(value, p.Opaque)
    assert [type(part).__name__ for part in value.parts] == ["Name", "Attribute", "Name"]


def test_boolean_operators_are_flat_where_python_has_them_flat() -> None:
    value = value_of("a and b and (c and d) or e")
    assert isinstance(value, p.BooleanOperation) and value.operator == "or"
    (left, _) = value.values
    assert isinstance(left, p.BooleanOperation)
    assert [type(part).__name__ for part in left.values] == ["Name", "Name", "BooleanOperation"]


def test_docstrings_and_pass_are_dropped() -> None:
    program = lower(
        "'''module'''\ndef f():\n  'doc' 'string'\n  pass\nclass A:\n  r'doc'\n  x = 1\n'not one'\n"
    )
    assert [type(statement).__name__ for statement in program.statements] == [
        "FunctionDefinition",
        "ClassDefinition",
        "Evaluate",
    ]
    assert program.bodies == ((),)
    (body,) = [node.body for node in program.statements if isinstance(node, p.ClassDefinition)]
    assert [type(statement).__name__ for statement in body] == ["Assign"]


def test_generators_are_told_from_functions_that_hold_one() -> None:
    functions = functions_of(
        "def f():\n  def g(): yield\n  lambda: (yield)\n"
        "async def h():\n  x = [(await y) for y in z]\n  yield 1\n"
        "def i(x=lambda: (yield)): pass\n"
    )
    assert {name for name, function in functions.items() if function.is_generator} == {
        "f.<locals>.g",
        "f.<locals>.<lambda>",
        "h",
        "<lambda>",
    }


def test_mentions_are_names_and_attributes_of_the_body_and_of_what_it_holds() -> None:
    functions = functions_of(
        "@decorated\ndef f(p=default) -> returned:\n  import m.n as o\n  a.b(c, key=d)\n"
        "  def g(q=e): return h.i\n"
        "  lambda: j\n  class K(l): y = z\n"
    )
    assert functions["f"].mentions == tuple(
        sorted(("m", "n", "o", "a", "b", "c", "d", "g", "e", "h", "i", "j", "K", "l", "y", "z"))
    )
    assert functions["f.<locals>.g"].mentions == ("h", "i")


def test_a_name_declared_global_is_qualified_as_python_does() -> None:
    assert set(
        functions_of("def f():\n  global g\n  def g(): pass\n  class A:\n    def m(self): pass\n")
    ) == {
        "f",
        "g",
        "f.<locals>.A.m",
    }


def test_identifiers_are_normalized_as_python_does() -> None:
    (statement,) = lower("ｗｉｄｔｈ.ﬁ\n").statements
    assert isinstance(statement, p.Evaluate)
    attribute = statement.value
    assert isinstance(attribute, p.Attribute) and isinstance(attribute.value, p.Name)
    assert (attribute.value.id, attribute.name) == ("width", "fi")


def test_outer_functions_come_first() -> None:
    program = lower("def f():\n  def g(): pass\ndef h(): pass\n")
    assert [function.name for function in program.functions] == ["f", "g", "h"]
    assert len(program.bodies) == 3


def test_except_without_parentheses_and_except_star() -> None:
    program = lower("try: x\nexcept A, B: y\n")
    (statement,) = program.statements
    assert isinstance(statement, p.Try)
    assert isinstance(statement.handlers[0].type, p.TupleDisplay)
    (starred,) = lower("try: x\nexcept* A: y\n").statements
    assert isinstance(starred, p.Try) and starred.is_star


def test_imports() -> None:
    statements = lower(
        "from . import x\nfrom ..a.b import c as d, e\nfrom f import *\nimport g.h as i, j\n"
    ).statements
    shown = [
        (node.module, node.level, [(alias.name, alias.asname) for alias in node.names])
        for node in statements
        if isinstance(node, p.ImportFrom)
    ]
    assert shown == [
        ("", 1, [("x", None)]),
        ("a.b", 2, [("c", "d"), ("e", None)]),
        ("f", 0, [("*", None)]),
    ]
    assert isinstance(statements[3], p.Import)
    assert [(alias.name, alias.asname) for alias in statements[3].names] == [("g.h", "i"), ("j", None)]


@pytest.mark.parametrize(
    "text", [sources.EVERY_SYNTAX, sources.MATCH, *sources.NEWER.values()], ids=lambda text: text[:12]
)
def test_a_program_survives_storage(text: str) -> None:
    program = lower(text + "\nx = 1  # noqa: ASQ301\n")
    stored = msgspec.msgpack.encode(program)
    assert msgspec.msgpack.decode(stored, type=p.Program) == program
    again = p.unpacked(stored)
    assert (again.statements, again.functions) == (program.statements, program.functions)
    assert again.bodies[1:] == program.bodies[1:] and tuple(again.bodies) == program.bodies
    assert msgspec.msgpack.encode(again, enc_hook=tuple) == stored
