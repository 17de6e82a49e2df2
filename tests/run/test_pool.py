"""The pool with real processes: who does what, and who dies of it, changes no answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from toy import Answer, Calls

from asyncsqla_lint.project.index import Index
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.run.pool import Here, Pool
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import load_config


def squared(shared: int, task: int) -> int:
    return shared + task * task


def deadly(folder: str, task: int) -> int:
    """Task 5 kills its process the first time, task 7 always."""
    mark = Path(folder) / str(task)
    if task == 7 or (task == 5 and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def greedy(shared: None, task: int) -> int:
    _hoard.append(bytearray(os.urandom(1024)) * 40_000)  # touched, so that it is memory
    return os.getpid()


_hoard: list[bytearray] = []


def ignored(number: int, answer: object) -> None:
    pass


TASKS = list(range(30))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_answers_come_in_the_order_of_the_tasks(workers: int) -> None:
    seen: dict[int, int] = {}
    answers = Pool(workers).map(squared, 1000, TASKS, [task % 7 for task in TASKS], seen.__setitem__)
    assert answers == Here().map(squared, 1000, TASKS, TASKS, ignored) == [1000 + one * one for one in TASKS]
    assert seen == dict(enumerate(answers))


def test_beside_other_threads_nothing_is_forked() -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        assert Pool(2).map(squared, 1, TASKS, TASKS, ignored) == [1 + one * one for one in TASKS]
    finally:
        ended.set()
        thread.join()


def test_the_work_of_a_killed_process_is_done_again_but_once(tmp_path: Path) -> None:
    answers = Pool(3).map(deadly, str(tmp_path), TASKS, TASKS, ignored)
    assert answers == [None if task == 7 else task for task in TASKS]


def test_a_process_that_has_grown_large_is_replaced() -> None:
    answers = Pool(1, largest=10 << 20).map(greedy, None, TASKS[:4], TASKS[:4], ignored)
    assert len(set(answers)) == 2  # what it has had at its first answer does not count
    answers = Pool(1).map(greedy, None, TASKS[:4], TASKS[:4], ignored)
    assert len(set(answers)) == 1


PROGRAM = """
import os, signal, time
from asyncsqla_lint.run.pool import Pool

def slow(shared, task):
    os.write(1, b"started\\n")  # at once: two print at the same time
    time.sleep(60)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may ignore Ctrl-C
    Pool(2).map(slow, None, [1, 2, 3], [1, 2, 3], lambda number, answer: None)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_the_run(tmp_path: Path, ending: signal.Signals) -> None:
    """Ctrl-C is heard at once; and whoever kills the run leaves no process behind."""
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == [b"started\n"] * 2
    started = time.monotonic()
    os.killpg(process.pid, ending)  # as a terminal does
    process.communicate(timeout=20)  # its pipe closes when the last process is gone
    assert time.monotonic() - started < 10
    assert process.returncode != 0


class Deadly(Calls):
    def __call__(self, index: Index, modules: Sequence[str], config: Config) -> Answer:
        if modules[0] == "b":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(index, modules, config)


def test_a_module_that_kills_costs_itself_alone(project: Path) -> None:
    for name in "abcd":
        text = "import sqlalchemy.ext.asyncio\nasq198()\n" + "# a comment\n" * 500
        (project / f"{name}.py").write_text(text)
    report = run(["."], load_config(["."]), backend=Pool(2), analyse=Deadly())
    assert [(one.path, one.code) for one in report.findings] == [
        ("a.py", "ASQ198"),
        ("b.py", "ASQ903"),
        ("c.py", "ASQ198"),
        ("d.py", "ASQ198"),
    ]


def test_texts_are_parsed_by_many_as_by_one(project: Path) -> None:
    texts = {
        "a.py": "import sqlalchemy.ext.asyncio\nasq198()\n",
        "odd.py": "import sqlalchemy.ext.asyncio\nx = '\\ud800'\nasq298()\n",  # half a character: not stored
        "broken.py": "import sqlalchemy.ext.asyncio\ndef f(:\n",
        "large.py": "import sqlalchemy.ext.asyncio\n" + "# a long comment\n" * 20_000,
    }
    for name, text in texts.items():
        (project / name).write_text(text)
    config = load_config(["."])
    many = run(["."], config, backend=Pool(3), analyse=Calls())
    assert many.findings == run(["."], config, analyse=Calls()).findings
    assert [one.code for one in many.findings] == ["ASQ198", "ASQ901", "ASQ298"]
