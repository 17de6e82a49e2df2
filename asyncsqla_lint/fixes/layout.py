"""Line breaks: new code keeps to the length that lines have in the file."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.fixes.edits import Edit, insertion
from asyncsqla_lint.fixes.tree import Tree


def link_added(tree: Tree, call: cst.Call, links: list[cst.Call], text: str) -> list[Edit]:
    """One more link (`.options(…)`) of the chain that `call` begins and `links` go on, right behind `call`.

    Where the links have lines of their own, so has the new one. Where the line would become too long, the
    chain gets a line of its own within the call that it is handed to, or a line for each link in parentheses.
    """
    end = tree.outer(call)[1]
    between = tree.text[end : _dot(tree, links[0])] if links else ""
    if "\n" in between or "\r" in between:
        return [insertion(end, (between if "#" not in between else "") + text)]
    last = links[-1] if links else call
    start, stop = tree.outer(call)[0], tree.outer(last)[1]
    line, line_end = tree.line_start(start), tree.line_end(stop)
    rest = tree.text[stop:line_end].split("  #")[0].rstrip()
    if tree.line_start(stop) != line or stop - line + len(text) + len(rest) <= tree.line_length:
        return [insertion(end, text)]
    pad = tree.newline + tree.indentation(start) + tree.indent
    back = tree.newline + tree.indentation(start)
    parent = tree.parent(last)
    if isinstance(parent, cst.Arg) and _is_alone(tree, parent):
        opening, closing = pad, back
    elif isinstance(parent, (cst.Assign, cst.AnnAssign, cst.Return)) and not last.lpar:
        opening, closing = f"({pad}", f"{back})"
    else:
        return [insertion(end, text)]
    edits = [insertion(start, opening), insertion(stop, closing)] if links else [insertion(start, opening)]
    if len(pad) - 1 + stop - start + len(text) <= tree.line_length and isinstance(parent, cst.Arg):
        own, others = text, []
    else:
        own = pad + text + (pad if links else "")
        others = [insertion(_dot(tree, link), pad) for link in links[1:]]
    return [*edits, insertion(end, own if links else own + closing), *others]


def _dot(tree: Tree, link: cst.Call) -> int:
    assert isinstance(link.func, cst.Attribute)
    return tree.start(link.func.dot)


def _is_alone(tree: Tree, argument: cst.Arg) -> bool:
    outer = tree.parent(argument)
    return (
        isinstance(outer, cst.Call)
        and len(outer.args) == 1
        and argument.keyword is None
        and not argument.star
    )


def one_more(tree: Tree, start: int, end: int, texts: Sequence[str]) -> Edit:
    """More elements after the one that stands there: on lines of their own where it has one."""
    if tree.text[tree.line_start(start) : start].strip():
        return insertion(end, "".join(f", {text}" for text in texts))
    lead = tree.newline + tree.indentation(start)
    after = tree.text[end : tree.line_end(end)]
    if after.lstrip().startswith(",") and not after.lstrip()[1:].split("#")[0].strip():
        # Behind the comma, and the comment that belongs to the element before.
        return insertion(tree.line_end(end), "".join(f"{lead}{text}," for text in texts))
    return insertion(end, "".join(f",{lead}{text}" for text in texts))


def lines_opened(tree: Tree, call: cst.Call, text: str) -> list[Edit]:
    """A call of one line that `text`, as one more argument, would make too long gets lines for its arguments:
    one for all of them, or one for each. Nothing where it fits.
    """
    start, close = tree.outer(call.func)[1], tree.end(call) - 1
    line, rest = tree.line_start(start), tree.text[close : tree.line_end(close)].split("  #")[0].rstrip()
    if close - line + len(f", {text}") + len(rest) <= tree.line_length or not call.args:
        return []
    pad = tree.newline + tree.indentation(start) + tree.indent
    back = tree.newline + tree.indentation(start)
    ends = [tree.outer(argument.value)[1] for argument in call.args]
    first = tree.start(call.args[0])
    is_one = len(pad) - len(tree.newline) + ends[-1] - first + len(f", {text}") <= tree.line_length
    gap = ", " if is_one else f",{pad}"
    edits = [Edit(tree.text.index("(", start) + 1, first, pad)]
    if not is_one:
        starts = [tree.start(argument) for argument in call.args]
        edits += [Edit(end, next_start, f",{pad}") for end, next_start in zip(ends, starts[1:], strict=False)]
    return [*edits, Edit(ends[-1], close, f"{gap}{text}{'' if is_one else ','}{back}")]
