"""Programs written by chance: lowered, they are what `ast` reads; written back, they lower to the same."""

from __future__ import annotations

import ast
import sys
import warnings

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncsqla_lint.program import Program
from asyncsqla_lint.syntax import lower

from .rebuild import Rebuild, dump, expected, rebuilt, without_places

NAMES = st.sampled_from(["a", "b", "session", "é", "match", "type", "_"])
LOAD = ast.Load()


def name() -> st.SearchStrategy[ast.expr]:
    return st.builds(lambda identifier: ast.Name(identifier, LOAD), NAMES)


def constants() -> st.SearchStrategy[ast.expr]:
    values = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(0, 2**64),
        st.floats(0, 1e300, allow_nan=False),
        st.text(max_size=6),
        st.binary(max_size=3),
        st.just(...),
        st.just(1j),
    )
    return st.builds(ast.Constant, values)


def several(inner: st.SearchStrategy, least: int = 0, most: int = 3) -> st.SearchStrategy[list]:
    return st.lists(inner, min_size=least, max_size=most)


def parameters(inner: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.arguments]:
    def build(kinds: list[int], default: ast.expr | None) -> ast.arguments:
        argument = [ast.arg(f"p{index}") for index in range(5)]
        return ast.arguments(
            posonlyargs=argument[:1] if 0 in kinds else [],
            args=argument[1:2] if 1 in kinds else [],
            vararg=argument[2] if 2 in kinds else None,
            kwonlyargs=argument[3:4] if 3 in kinds else [],
            kw_defaults=[default] if 3 in kinds else [],
            kwarg=argument[4] if 4 in kinds else None,
            defaults=[default] if default is not None and 1 in kinds else [],
        )

    return st.builds(build, several(st.integers(0, 4), most=5), st.none() | inner)


def comprehensions(inner: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.expr]:
    clause = st.builds(ast.comprehension, name(), inner, several(inner, most=2), st.integers(0, 1))
    clauses = several(clause, 1, 2)
    kinds = st.sampled_from([ast.ListComp, ast.SetComp, ast.GeneratorExp])
    return st.builds(lambda kind, element, parts: kind(element, parts), kinds, inner, clauses) | st.builds(
        ast.DictComp, inner, inner, clauses
    )


def calls(inner: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.expr]:
    starred = st.builds(ast.Starred, inner, st.just(LOAD))
    keywords = several(st.builds(ast.keyword, st.sampled_from(["k", None]), inner), most=2)
    unique = keywords.map(lambda items: items[:1] if [i.arg for i in items] == ["k", "k"] else items)
    return st.builds(ast.Call, inner, several(inner | starred), unique)


def format_strings(inner: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.expr]:
    # Before 3.12 the source of a format string cannot hold the quotes and backslashes of another.
    safe = name() | st.builds(ast.Attribute, name(), NAMES, st.just(LOAD))
    formatted = inner if sys.version_info >= (3, 12) else safe
    piece = st.builds(ast.Constant, st.text("a {}é'", min_size=1, max_size=4)) | st.builds(
        ast.FormattedValue, formatted, st.sampled_from([-1, ord("r")]), st.none()
    )
    return st.builds(ast.JoinedStr, several(piece))


def compound(inner: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.expr]:
    binary = st.sampled_from([ast.Add, ast.Mod, ast.Pow, ast.BitOr, ast.MatMult, ast.LShift])
    compare = st.sampled_from([ast.Eq, ast.NotEq, ast.Lt, ast.Is, ast.IsNot, ast.In, ast.NotIn])
    unary = st.sampled_from([ast.Not, ast.USub, ast.Invert])
    index = inner | st.builds(ast.Slice, *[st.none() | inner] * 3)
    return st.one_of(
        st.builds(ast.Attribute, inner, NAMES, st.just(LOAD)),
        st.builds(ast.Subscript, inner, index, st.just(LOAD)),
        calls(inner),
        comprehensions(inner),
        format_strings(inner),
        st.builds(lambda left, kind, right: ast.BinOp(left, kind(), right), inner, binary, inner),
        st.builds(lambda kind, operand: ast.UnaryOp(kind(), operand), unary, inner),
        st.builds(
            lambda kind, values: ast.BoolOp(kind(), values),
            st.sampled_from([ast.And, ast.Or]),
            several(inner, 2),
        ),
        st.builds(lambda left, kind, right: ast.Compare(left, [kind()], [right]), inner, compare, inner),
        st.builds(ast.IfExp, inner, inner, inner),
        st.builds(ast.NamedExpr, name(), inner),
        st.builds(ast.Lambda, parameters(inner), inner),
        st.builds(ast.Tuple, several(inner), st.just(LOAD)),
        st.builds(ast.List, several(inner), st.just(LOAD)),
        st.builds(ast.Set, several(inner, 1)),
        several(st.tuples(st.none() | inner, inner)).map(
            lambda pairs: ast.Dict([k for k, _ in pairs], [v for _, v in pairs])
        ),
        st.builds(ast.Await, inner),
        st.builds(ast.Yield, st.none() | inner),
        st.builds(ast.YieldFrom, inner),
    )


EXPRESSION = st.recursive(name() | constants(), compound, max_leaves=12)


def simple() -> st.SearchStrategy[ast.stmt]:
    inner = EXPRESSION
    return st.one_of(
        st.builds(ast.Expr, inner),
        st.builds(ast.Assign, several(name(), 1, 2), inner),
        st.builds(ast.AnnAssign, name(), inner, st.none() | inner, st.just(1)),
        st.builds(lambda target, value: ast.AugAssign(target, ast.Add(), value), name(), inner),
        st.builds(ast.Return, st.none() | inner),
        st.builds(ast.Raise, inner, st.none() | inner),
        st.builds(ast.Assert, inner, st.none() | inner),
        st.builds(ast.Delete, several(name(), 1)),
        st.builds(lambda: ast.Pass()),
        st.builds(
            ast.Import, several(st.builds(ast.alias, st.sampled_from(["a", "a.b"]), st.none() | NAMES), 1)
        ),
        st.builds(
            ast.ImportFrom,
            st.just("a.b"),
            several(st.builds(ast.alias, NAMES, st.none() | NAMES), 1),
            st.integers(0, 2),
        ),
    )


def blocks(inner: st.SearchStrategy[ast.stmt]) -> st.SearchStrategy[ast.stmt]:
    body = several(inner, 1)
    handler = st.builds(ast.ExceptHandler, EXPRESSION, st.none() | NAMES, body)
    item = st.builds(ast.withitem, EXPRESSION, st.none() | name())
    loops = st.sampled_from([ast.For, ast.AsyncFor])
    case = st.builds(
        ast.match_case,
        st.builds(ast.MatchAs, st.none(), NAMES.filter(lambda bound: bound != "_"))
        | st.builds(ast.MatchValue, st.builds(ast.Constant, st.integers(0, 9)))
        | st.builds(
            ast.MatchClass,
            name(),
            st.just([ast.MatchSequence([])]),
            st.just([]),
            st.just([]),
        ),
        st.none() | EXPRESSION,
        body,
    )
    return st.one_of(
        st.builds(ast.If, EXPRESSION, body, several(inner)),
        st.builds(ast.While, EXPRESSION, body, several(inner)),
        st.builds(lambda kind, *parts: kind(*parts), loops, name(), EXPRESSION, body, several(inner)),
        st.builds(
            lambda kind, *parts: kind(*parts),
            st.sampled_from([ast.With, ast.AsyncWith]),
            several(item, 1),
            body,
        ),
        st.builds(ast.Try, body, several(handler, 1, 2), several(inner), several(inner)),
        st.builds(ast.Match, EXPRESSION, several(case, 1)),
        st.builds(
            lambda kind, *parts: kind(*parts),
            st.sampled_from([ast.FunctionDef, ast.AsyncFunctionDef]),
            NAMES,
            parameters(EXPRESSION),
            body,
            several(EXPRESSION, most=1),
            st.none() | EXPRESSION,
        ),
        st.builds(
            ast.ClassDef, NAMES, several(EXPRESSION, most=2), st.just([]), body, several(EXPRESSION, most=1)
        ),
    )


MODULE = several(st.recursive(simple(), blocks, max_leaves=5), 1, 4).map(lambda body: ast.Module(body, []))


def source_of(module: ast.Module) -> str | None:
    """The module as text, where the tree that chance made is one that can be written."""
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and sys.version_info >= (
            3,
            12,
        ):
            node.type_params = []
    ast.fix_missing_locations(module)
    try:
        text = ast.unparse(module) + "\n"
        ast.parse(text)
    except (SyntaxError, ValueError, TypeError):
        return None
    return text


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(MODULE)
def test_chance_programs(module: ast.Module) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = source_of(module)
        if text is None:
            return
        program = lower(text)
        assert rebuilt(program) == expected(text)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(program), type=Program) == program
        assert meaning(lower(written(program))) == meaning(program)


def written(program: Program) -> str:
    tree = Rebuild(program).module()
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            node.body.insert(0, ast.Pass())  # no empty block, and no new docstring
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def meaning(program: Program) -> str:
    return dump(without_places(Rebuild(program).module()))
