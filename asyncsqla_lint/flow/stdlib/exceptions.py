"""Exceptions of Python itself, each with its parents."""

from __future__ import annotations

from asyncsqla_lint.flow.meanings import Meanings

EXCEPTIONS = {
    "builtins.BaseException": "",
    "builtins.Exception": "BaseException",
    "builtins.ArithmeticError": "Exception",
    "builtins.AssertionError": "Exception",
    "builtins.AttributeError": "Exception",
    "builtins.LookupError": "Exception",
    "builtins.KeyError": "LookupError",
    "builtins.IndexError": "LookupError",
    "builtins.OSError": "Exception",
    "builtins.TimeoutError": "OSError",
    "builtins.ConnectionError": "OSError",
    "builtins.RuntimeError": "Exception",
    "builtins.NotImplementedError": "RuntimeError",
    "builtins.RecursionError": "RuntimeError",
    "builtins.StopIteration": "Exception",
    "builtins.TypeError": "Exception",
    "builtins.ValueError": "Exception",
    "builtins.UnicodeError": "ValueError",
    "builtins.PermissionError": "OSError",
    "builtins.FileNotFoundError": "OSError",
    "builtins.NameError": "Exception",
    "builtins.ImportError": "Exception",
    "builtins.KeyboardInterrupt": "BaseException",
    "builtins.SystemExit": "BaseException",
    "asyncio.CancelledError": "BaseException",
}


def register(meanings: Meanings) -> None:
    parents = {name.rpartition(".")[2]: parent for name, parent in EXCEPTIONS.items()}
    for name in parents:
        line, one = [name], parents[name]
        while one:
            line.append(one)
            one = parents[one]
        meanings.exceptions[name] = tuple(line)
