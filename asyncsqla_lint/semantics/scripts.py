"""Programs that run from their first line to their last: scripts, and the function given to `asyncio.run`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeGuard

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Module
from asyncsqla_lint.project.walking import calls, walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

_RUNNERS = frozenset({"asyncio.run", "anyio.run", "uvloop.run", "trio.run"})


def is_main(flow: Flow, info: FunctionInfo) -> bool:
    """Does the module give it to `asyncio.run`, or call it where it is run as a script?"""
    key = ("mains", info.module)
    found = flow.memory.get(key)
    if not isinstance(found, set):
        found = flow.memory[key] = set(_mains(flow, info.module))
    return info in found


def is_script(flow: Flow, module: Module) -> bool:
    """Does it run from its first line to its last, and is that all it can do?

    The process ends there, and takes its connections along without a word (SQLAlchemy's own examples end so).
    Under `if __name__ == "__main__":` others may import it, and await its functions.
    """
    key = ("script", module)
    known = flow.memory.get(key)
    if known is None:
        known = flow.memory[key] = any(True for _ in whole_process(flow, module)) or _awaits_itself(module)
    return known is True


def _awaits_itself(module: Module) -> bool:
    """`async with engine.connect():` at the top level is typed at a prompt, or in a notebook."""
    return any(
        isinstance(node, p.Await) or (isinstance(node, (p.With, p.For)) and node.is_async)
        for statement in module.program.statements
        if not isinstance(statement, (p.FunctionDefinition, p.ClassDefinition))
        for node in walk(statement)
    )


def whole_process(flow: Flow, module: Module) -> Iterator[FunctionInfo]:
    """The function that the module's last line gives to `asyncio.run`."""
    last = module.program.statements[-1] if module.program.statements else None
    if isinstance(last, p.Evaluate) and isinstance(last.value, p.Call):
        yield from _given_to_runner(flow, module, last.value, None)


def is_run_at_once(flow: Flow, frame: Frame) -> bool:
    """Is what happens here all that the program does: a script, or a `main` without the line that runs it?"""
    info = frame.function
    return is_script(flow, frame.module) or (info is not None and info == _left_to_run(flow, frame.module))


def _left_to_run(flow: Flow, module: Module) -> FunctionInfo | None:
    """The `async def main()` of a page of documentation, whose last line is left out."""
    found = None
    module.consult()
    for number, header in enumerate(module.program.functions):
        if "main" in header.mentions:
            return None
        if header.qualname == "main" and header.is_async and not header.parameters:
            found = number
    if found is None or any(_names(statement, "main") for statement in module.program.statements):
        return None
    return flow.index.function_numbered(module, found)


def _names(statement: p.Statement, name: str) -> bool:
    return any(isinstance(node, p.Name) and node.id == name for node in walk(statement))


def _mains(flow: Flow, module: Module) -> Iterator[FunctionInfo]:
    unrun = _left_to_run(flow, module)
    if unrun is not None:
        yield unrun
    bodies: list[tuple[p.Statements, FunctionInfo | None]] = [(module.program.statements, None)]
    for number, header in enumerate(module.program.functions):
        if "run" in header.mentions:
            bodies.append((module.program.bodies[number], flow.index.function_numbered(module, number)))
    for body, scope in bodies:
        for call in calls(body):
            yield from _given_to_runner(flow, module, call, scope)
    for statement in module.program.statements:
        if is_guard(statement):
            for call in calls(statement.body):
                called = flow.index.resolve(module, call.function, None)
                if isinstance(called, FunctionInfo):
                    yield called


def is_guard(statement: p.Statement) -> TypeGuard[p.If]:
    """`if __name__ == "__main__":`."""
    test = statement.test if isinstance(statement, p.If) else None
    return isinstance(test, p.Compare) and isinstance(test.left, p.Name) and test.left.id == "__name__"


def _given_to_runner(
    flow: Flow, module: Module, call: p.Call, scope: FunctionInfo | None
) -> Iterator[FunctionInfo]:
    symbol = flow.index.resolve(module, call.function, scope)
    if isinstance(symbol, External) and symbol.name in _RUNNERS and call.arguments:
        given = call.arguments[0]
        target = given.function if isinstance(given, p.Call) else given
        main = flow.index.resolve(module, target, scope)
        if isinstance(main, FunctionInfo):
            yield main
