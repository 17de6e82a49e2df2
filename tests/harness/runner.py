"""Runs cases of fixtures and prints what happened, a JSON object a line; each release's interpreter runs it.

    python runner.py MANIFEST.json

Imports only the standard library and SQLAlchemy. Every case has a freshly imported program, an empty
working directory, and an event loop of its own.

Nothing of SQLAlchemy is patched. Where a fixture asks for `latency`, SQLAlchemy's own events make each
connect and each statement take a moment, as they do across a network: an async driver then yields to the
event loop (so that tasks which may overlap do overlap, every time), and a sync driver that is used on the
event loop's thread holds it up for long enough to be measured.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import faulthandler
import gc
import importlib
import importlib.util
import inspect as python_inspect
import io
import json
import logging
import os
import re
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from types import CodeType, FrameType, TracebackType
from typing import Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import clear_mappers
from sqlalchemy.pool import Pool
from sqlalchemy.util.concurrency import await_only, in_greenlet

CASE_SECONDS = 30.0
HUNG_SECONDS = 90.0  # a case that blocks its thread cannot be cancelled: the process ends, saying where
ASYNC_LATENCY = 0.01
SYNC_LATENCY = 0.4
BEAT = 0.005
STALL = 0.1  # how long the loop may be late before its thread is looked at
STALL_SAMPLES = 5  # how often it must be found standing on the same line
ORIGIN = re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+)')


class Latency:
    """Makes connects and statements take time, through SQLAlchemy's events; see the module's docstring."""

    def __init__(self) -> None:
        self.on = False
        event.listen(Engine, "do_connect", self._connecting)
        event.listen(Engine, "before_cursor_execute", self._executing)
        sys.addaudithook(self._audit)

    def _connecting(self, dialect: Any, record: Any, arguments: Any, keywords: Any) -> None:
        self._wait(dialect.is_async)

    def _executing(self, connection: Any, *rest: Any) -> None:
        self._wait(connection.dialect.is_async)

    def _audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "sqlite3.connect" and self.on:
            self._wait(False)

    def _wait(self, is_async: bool) -> None:
        if not self.on:
            return
        if is_async:
            # Outside a greenlet SQLAlchemy itself is about to raise MissingGreenlet: stay out of its way.
            if in_greenlet():
                await_only(asyncio.sleep(ASYNC_LATENCY))
        elif _loop_runs_here():
            time.sleep(SYNC_LATENCY)


def _loop_runs_here() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Connections:
    """Counts the pools' open connections."""

    def __init__(self) -> None:
        self.open: Counter[int] = Counter()
        event.listen(Pool, "connect", lambda connection, record: self.open.update([id(connection)]))
        event.listen(Pool, "close", lambda connection, record: self._closed(connection))
        event.listen(Pool, "close_detached", self._closed)

    def _closed(self, connection: Any) -> None:
        self.open.pop(id(connection), None)


class Watch:
    """Looks at the event loop's thread when its heartbeat is late; notes the fixture lines it stands on."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.thread = threading.get_ident()
        self.last_beat: float | None = None
        self.samples: Counter[tuple[str, int]] = Counter()
        self.stalled: set[tuple[str, int]] = set()
        self.done = threading.Event()
        self.watcher = threading.Thread(target=self._watch, daemon=True)

    async def beat(self) -> None:
        while True:
            self.last_beat = time.monotonic()
            self.samples.clear()
            await asyncio.sleep(BEAT)

    def _watch(self) -> None:
        while not self.done.wait(0.02):
            beat = self.last_beat
            if beat is None or time.monotonic() - beat < STALL:
                continue
            frame = sys._current_frames().get(self.thread)
            while frame is not None:
                if self.program.owns(frame.f_code):
                    place = (frame.f_code.co_filename, frame.f_lineno)
                    self.samples[place] += 1
                    if self.samples[place] >= STALL_SAMPLES:
                        self.stalled.add(place)
                frame = frame.f_back


class Program:
    """One fixture's modules: imported afresh, traced, forgotten."""

    def __init__(self, root: str, main: str, files: list[str]) -> None:
        self.root = root
        self.main = main
        self.files = frozenset(files)
        self.reached: set[tuple[str, int]] = set()

    def owns(self, code: CodeType) -> bool:
        return code.co_filename in self.files

    def load(self) -> Any:
        self._forget()
        sys.path.insert(0, self.root)
        importlib.invalidate_caches()
        return importlib.import_module(os.path.splitext(os.path.basename(self.main))[0])

    def unload(self) -> None:
        with contextlib.suppress(ValueError):
            sys.path.remove(self.root)
        self._forget()
        clear_mappers()
        sqlmodel = sys.modules.get("sqlmodel")
        if sqlmodel is not None:
            # SQLModel has one metadata for the whole process.
            sqlmodel.SQLModel.metadata.clear()

    def _forget(self) -> None:
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            spec = getattr(module, "__spec__", None)
            folders = list(getattr(spec, "submodule_search_locations", None) or [])
            if path in self.files or any(folder.startswith(self.root + os.sep) for folder in folders):
                del sys.modules[name]

    def trace(self, frame: FrameType, what: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in self.files else None

    def _line(self, frame: FrameType, what: str, argument: Any) -> Any:
        self.reached.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


def import_libraries(files: list[str]) -> None:
    """Imports what the fixture's modules import from elsewhere: traced, a large library takes long."""
    own = {os.path.splitext(os.path.basename(file))[0] for file in files}
    for file in files:
        with open(file, encoding="utf-8") as source:
            tree = ast.parse(source.read())
        for node in ast.walk(tree):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                top = name.partition(".")[0]
                if top and top not in own and importlib.util.find_spec(top) is not None:
                    # One that cannot be imported here fails in the fixture, where it is looked at.
                    with contextlib.suppress(Exception):
                        importlib.import_module(name)


class Log(logging.Handler):
    """Formats each record, as a service's handlers do; keeps what asyncio and the pool complain about."""

    def __init__(self, program: Program, times_callbacks: bool) -> None:
        super().__init__(logging.INFO)
        self.program = program
        self.times_callbacks = times_callbacks
        self.logged: list[str] = []
        # What was raised, below the fixture frames of the call that logged.
        self.failures: list[tuple[BaseException, list[dict[str, Any]]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception as failure:
            self.failures.append((failure, _callers(self.program)))
            return
        if record.msg == "Executing %s took %.3f seconds" and not self.times_callbacks:
            return  # an event loop in debug mode, as unittest's: on a busy machine every program is slow
        if record.levelno >= logging.WARNING and record.name.startswith(("asyncio", "sqlalchemy.pool")):
            self.logged.append(f"{record.name}: {text}")
            if record.exc_info and record.exc_info[1] is not None:
                self.failures.append((record.exc_info[1], []))


def run_case(
    fixture: dict[str, Any], case: str, latency: Latency, connections: Connections
) -> dict[str, Any]:
    program = Program(fixture["root"], fixture["main"], fixture["files"])
    watch = Watch(program) if fixture["latency"] else None
    log = Log(program, times_callbacks=fixture["latency"])
    root_logger = logging.getLogger()
    root_logger.addHandler(log)
    root_logger.setLevel(logging.INFO)
    connections.open.clear()
    sys.unraisablehook = lambda unraisable: log.logged.append(f"unraisable: {unraisable.exc_value!r}")
    raised: BaseException | None = None
    check: str | None = None
    started = time.monotonic()
    with _fresh_directory(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sys.set_coroutine_origin_tracking_depth(30)
        latency.on = fixture["latency"]
        module: Any = None
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            with _tracing(program):
                try:
                    module = program.load()
                    asyncio.run(_drive(getattr(module, case), watch))
                except BaseException as failure:
                    raised = failure
            latency.on = False
            still_open = len(connections.open)
            described = _describe(raised, program)
            for logged, callers in log.failures:
                described += _describe(logged, program, callers)
            if raised is not None:
                traceback.clear_frames(raised.__traceback__)
            raised = None
            log.failures.clear()
            gc.collect()
            if module is not None:
                check = _check(getattr(module, "check_" + case.removeprefix("case_"), None))
        module = None
        program.unload()
        gc.collect()
        # A leaked aiosqlite connection warns when it is collected, which takes a second round.
        gc.collect()
        # What is still alive now stays alive; later collections need not look at it again.
        gc.freeze()
        sys.set_coroutine_origin_tracking_depth(0)
    sys.unraisablehook = sys.__unraisablehook__
    root_logger.removeHandler(log)
    return {
        "fixture": fixture["key"],
        "case": case,
        "raised": described,
        "check": check,
        "reached": sorted(program.reached),
        "warned": [_warning(warning, program) for warning in caught],
        "logged": log.logged,
        "stalled": sorted(watch.stalled) if watch else [],
        "open_connections": still_open,
        "seconds": round(time.monotonic() - started, 3),
    }


async def _drive(case: Callable[[], Awaitable[None]], watch: Watch | None) -> None:
    if watch is None:
        await asyncio.wait_for(case(), CASE_SECONDS)
        return
    heart = asyncio.ensure_future(watch.beat())
    watch.watcher.start()
    try:
        await asyncio.wait_for(case(), CASE_SECONDS)
    finally:
        watch.done.set()
        watch.last_beat = None
        heart.cancel()


def _check(check: Callable[[], Any] | None) -> str | None:
    """Runs `check_<case>`, which asserts that what the case wrote is there; the empty string when it is."""
    if check is None:
        return None
    try:
        answer = check()
        if python_inspect.iscoroutine(answer):
            asyncio.run(_await(answer))
    except AssertionError as lost:
        return str(lost) or "AssertionError"
    return ""


async def _await(awaitable: Awaitable[Any]) -> None:
    await awaitable


@contextlib.contextmanager
def _fresh_directory() -> Iterator[None]:
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="fixture-", ignore_cleanup_errors=True) as directory:
        os.chdir(directory)
        try:
            yield
        finally:
            os.chdir(before)


@contextlib.contextmanager
def _tracing(program: Program) -> Iterator[None]:
    threading.settrace(program.trace)
    sys.settrace(program.trace)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)


def _describe(
    failure: BaseException | None, program: Program, callers: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The failure and all that hangs on it, nearest first, each with its frames in the fixture."""
    described: list[dict[str, Any]] = []
    seen: set[int] = set()
    waiting = [failure]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        described.append(
            {
                "names": [base.__name__ for base in type(one).__mro__[:-1]],
                "message": _message(one),
                "frames": [*callers, *_frames(one.__traceback__, program)],
            }
        )
        original = getattr(one, "orig", None)
        waiting += [original if isinstance(original, BaseException) else None, one.__cause__, one.__context__]
        waiting += getattr(one, "exceptions", ())
    return described


def _message(failure: BaseException) -> str:
    try:
        return str(failure)[:2000]
    except (
        Exception
    ) as unreadable:  # FastAPI's puts the invalid object's `repr` into it, which may load as well
        return f"(no message, {type(unreadable).__name__}: {unreadable})"[:2000]


def _frames(trace: TracebackType | None, program: Program) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    outer: tuple[CodeType, bool] | None = None
    while trace is not None:
        frame, line = trace.tb_frame, trace.tb_lineno
        code = frame.f_code
        if program.owns(code):
            mapped = _runs_on_mapped_instance(frame)
            if outer is not None and code in outer[0].co_consts:
                # A comprehension or lambda belongs to the method that it stands in.
                mapped = mapped or outer[1]
            outer = (code, mapped)
            frames.append(_frame(code, line, mapped))
        trace = trace.tb_next
    return frames


def _callers(program: Program) -> list[dict[str, Any]]:
    """The fixture's frames on the stack, outermost first."""
    frames = [frame for frame, _ in traceback.walk_stack(None) if program.owns(frame.f_code)]
    return [
        _frame(frame.f_code, frame.f_lineno, _runs_on_mapped_instance(frame)) for frame in reversed(frames)
    ]


def _frame(code: CodeType, line: int, mapped: bool) -> dict[str, Any]:
    return {"path": code.co_filename, "line": line, "function": code.co_name, "mapped": mapped}


def _runs_on_mapped_instance(frame: FrameType) -> bool:
    code = frame.f_code
    if not code.co_argcount:
        return False
    instance = frame.f_locals.get(code.co_varnames[0])
    return instance is not None and hasattr(type(instance), "__mapper__")


def _warning(warning: warnings.WarningMessage, program: Program) -> dict[str, Any]:
    text = str(warning.message)
    origins = [(found["path"], int(found["line"])) for found in ORIGIN.finditer(text)]
    return {
        "category": warning.category.__name__,
        "message": text[:2000],
        "path": warning.filename,
        "line": warning.lineno,
        "origins": [origin for origin in origins if origin[0] in program.files],
    }


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        manifest = json.load(file)
    # This script's own folder is no part of any fixture.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]
    # Fixtures may print; only JSON goes to the real standard output.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    errors = os.fdopen(os.dup(2), "w", encoding="utf-8")
    latency, connections = Latency(), Connections()
    gc.freeze()
    print(json.dumps({"sqlalchemy": sqlalchemy.__version__}), file=output, flush=True)
    for fixture in manifest["fixtures"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_libraries(fixture["files"])
        for case in fixture["cases"]:
            faulthandler.dump_traceback_later(HUNG_SECONDS, exit=True, file=errors)
            print(json.dumps(run_case(fixture, case, latency, connections)), file=output, flush=True)
    output.flush()
    # A fixture that leaks may leave a driver's thread behind, which would keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    main()
