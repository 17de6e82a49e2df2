"""Sources for the syntax tests: the standard library, and programs written by a generator."""

from __future__ import annotations

import sysconfig
from pathlib import Path

STANDARD_LIBRARY = Path(sysconfig.get_paths()["stdlib"])


def standard_library(every: int = 1) -> list[Path]:
    """Each `every`th file of the running interpreter's library, its tests included where installed."""
    files = sorted(
        path
        for path in STANDARD_LIBRARY.rglob("*.py")
        if "site-packages" not in path.relative_to(STANDARD_LIBRARY).parts
    )
    return files[::every]


def read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


# What the generator cannot reach or should always be seen: one of everything, and odd layouts of it.
EVERY_SYNTAX = '''\
"""Docstring."""
from __future__ import annotations
import a.b, c . d as e
from . import x
from ...y.z import (p as q, r,)
from w import *

type_ = match = case = 1
@decorator.of(1)
@ other
async def function[T](a, /, b: int = 1, *args: str, c=2, d: "str", **kwargs) -> None:
    "docstring"
    global g1, g2; nonlocal_ = 1
    async with a as b, c() as (d, e): pass
    async for i in x:
        await y; break
    else:
        continue_ = [z async for z in w if z if await w]
    return await (x), *y
class A(Base, *bases, metaclass=M, **options):
    def f(self): yield; x = yield 1; yield from (z); return
    class Inner: ...
    pass
class B: x: int; y: str = ""
lambda: 0; lambda x, *y, z=1, **w: (yield)
x = y = a[1:2, ::3, ...] [b,] [:] = {**a, 'b': 1, c: d}
x += 1; x @= y; x //= (3); x **= 2; x >>= 1
(a) . b (c, *d, e=1, **f) (x for x in y)
((((x)), )); [] ; {1, *s}; (); a,
if a: b
elif (c): d
elif e:
    f
else: g
while (x := f()) and not y or z: continue
else: pass
try: pass
except: pass
try:
    pass
except (A, B) as e: raise
except C: raise X from e
else: pass
finally: pass
del a, b[0], (c.d); del (a, b)
assert x, "message"
with (open(a) as b, c): pass
with (a): pass
for a, *b in c, d: pass
x = -1 ** ~2 + +3 if not a else b < c <= d != e is not f not in g is h in i
x = {a: b for a, b in c for d in e if f}, {a for a in b}, [a for a in b], (a for a in b)
x = "a" 'b' """c
d""" r"\\d" "\\x41\\u00e9\\N{BULLET}\\
z\\101"
x = f"{a!r:>{width}} {{b}} {c=} {d['k']}" 'plain' f'{e:%Y-%m}' f"\\N{BULLET}{f}"
x = b"bytes" B'more', 1j, 0x_ff, 1_000, 0o17, 1e3, .5, 10**100, 99999999999999999999999
é = "ü", ñ.ø  # comment: é
x = (  # comment "
    a  # '
    +
    b \\
    . c
)
'''

MATCH = """\
match a, *b:
    case 1 | "x" | None | True | -1 | 1+2j | a.b: pass
    case [x, *_, y] | (x, y) | (x,) | []: pass
    case {"k": v, a.b: 1, **rest}: pass
    case {}: pass
    case Cls(a, b=c, d=Inner()): pass
    case (x as y) if y > 1: pass
    case x, *rest: pass
    case x,: pass
    case _: pass
match (x):
    case str() as s: pass
match = {}
match[case]; match(x); case.y
"""

NEWER = {
    (3, 11): "try: pass\nexcept* A as e: pass\nexcept* (B, C): pass\nx[*a]; x[*a, b]\ndef f(*a: *T): pass\n",
    (3, 12): "type X = int\ntype Y[T: int, *Ts, **P] = dict[T, P]\ndef f[T: (int, str)](x: T) -> T: pass\n"
    'class C[T](B): pass\nx = f"{f"{a}" + "b"} {"\\n".join(c)}"\nx = f"{\n  a  # c\n}"\n',
    (3, 13): "type X[T = int, *Ts = *tuple[int], **P = [int]] = T\nclass C[T: str = str]: pass\n",
    (3, 14): 'try: pass\nexcept A, B: pass\nx = t"{a} b"\n',
}
