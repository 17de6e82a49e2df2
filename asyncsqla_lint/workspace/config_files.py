"""From `pyproject.toml`, `asyncsqla-lint.toml` and the command line to a Config."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from asyncsqla_lint.workspace.config import FRAMEWORKS, OUTPUT_FORMATS, Config, ConfigError
from asyncsqla_lint.workspace.toml import read_toml

SECTION = "asyncsqla-lint"
FILE_NAMES = (f".{SECTION}.toml", f"{SECTION}.toml", "pyproject.toml")  # the first that is there wins

Values = dict[str, object]
Parser = Callable[[object], object]

# --- values ----------------------------------------------------------------------------------------


class _Bad(Exception):
    """What a value should have been, in words that follow "must be"."""


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise _Bad("a list of strings")
    return tuple(value)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise _Bad("a string")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Bad("true or false")
    return value


def _selectors(value: object) -> tuple[str, ...]:
    found = _strings(value)
    for item in found:
        if not _SELECTOR.fullmatch(item):
            raise _Bad(
                f"codes (ASQ301), prefixes (ASQ3), names (missing-eager-load) or ALL, and {item!r} is none"
            )
    return found


_SELECTOR = re.compile(r"ALL|(?i:asq)\d{0,3}|[a-z0-9]+(?:-[a-z0-9]+)+")


def _ignores(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise _Bad('a table of pattern = ["ASQ301", …]')
    return {str(pattern): _selectors(selectors) for pattern, selectors in value.items()}


def _drivers(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(driver, str) for driver in value.values()):
        raise _Bad('a table of dialect = "driver"')
    return {str(dialect): str(driver) for dialect, driver in value.items()}


def _one_of(*choices: str) -> Parser:
    def parse(value: object) -> str:
        if value not in choices:
            raise _Bad(f"one of {', '.join(choices)}{did_you_mean(str(value), choices)}")
        return str(value)

    return parse


def _frameworks(value: object) -> tuple[str, ...]:
    found = _strings([value] if isinstance(value, str) else value)
    if found == ("auto",):
        return ()
    for item in found:
        if item not in FRAMEWORKS:
            raise _Bad(f"among auto, {', '.join(FRAMEWORKS)}{did_you_mean(item, FRAMEWORKS)}")
    return found


_PARSERS: dict[str, Parser] = {
    "select": _selectors,
    "extend-select": _selectors,
    "ignore": _selectors,
    "extend-ignore": _selectors,
    "per-file-ignores": _ignores,
    "extend-per-file-ignores": _ignores,
    "fixable": _selectors,
    "unfixable": _selectors,
    "unsafe-fixes": _boolean,
    "preview": _boolean,
    "confidence": _one_of("certain", "likely"),
    "exclude": _strings,
    "extend-exclude": _strings,
    "force-exclude": _boolean,
    "respect-gitignore": _boolean,
    "src": _strings,
    "target-sqlalchemy": _one_of("auto", "2.0", "2.1"),
    "async-drivers": _drivers,
    "framework": _frameworks,
    "cache-dir": _string,
    "output-format": _one_of(*OUTPUT_FORMATS),
}
KEYS = (*_PARSERS, "extend")


def parse(values: Mapping[str, object], where: str) -> Values:
    """Check each key and value, and turn keys into Config's field names."""
    parsed: Values = {}
    for key, value in values.items():
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key `{key}`{did_you_mean(key.replace('_', '-'), KEYS)}")
        try:
            parsed[key.replace("-", "_")] = _PARSERS.get(key, _string)(value)
        except _Bad as problem:
            raise ConfigError(f"{where}: `{key}` must be {problem}") from None
    return parsed


def did_you_mean(wrong: str, choices: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(wrong, choices, n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


# --- files -----------------------------------------------------------------------------------------


def config_file_in(directory: str, names: Sequence[str] = FILE_NAMES) -> str | None:
    """The file in this directory that configures us. A `pyproject.toml` counts if it has our section."""
    for name in FILE_NAMES:
        if name not in names:
            continue
        path = os.path.join(directory, name)
        if not os.path.isfile(path):
            continue
        if name != "pyproject.toml" or SECTION in _table(_read(path), "tool"):
            return path
    return None


def nearest_config_file(directory: str) -> str | None:
    directory = os.path.abspath(directory)
    while True:
        found = config_file_in(directory)
        parent = os.path.dirname(directory)
        if found or parent == directory:
            return found
        directory = parent


def _read(path: str, *, required: bool = False) -> Mapping[str, object]:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        if not required:
            return {}
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if not required and SECTION.encode() not in data:
        return {}  # not ours: its TOML is somebody else's to complain about
    try:
        return read_toml(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8, as TOML must be") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _table(values: Mapping[str, object], key: str, where: str = "") -> dict[str, object]:
    value = values.get(key, {})
    if isinstance(value, dict):
        return value
    if where:
        raise ConfigError(f"{where}: `{key}` must be a table")
    return {}


def _section(path: str) -> tuple[Values, str]:
    document = _read(path, required=True)
    if os.path.basename(path) == "pyproject.toml":
        where = f"{path} [tool.{SECTION}]"
        return parse(_table(_table(document, "tool"), SECTION, path), where), where
    return parse(document, path), path


def _with_extended(path: str, seen: tuple[str, ...] = ()) -> Values:
    """A file's values over those of the file that it extends."""
    path = os.path.abspath(path)
    if path in seen:
        raise ConfigError(f"{path}: `extend` leads back to this file")
    values, where = _section(path)
    extend = values.pop("extend", None)
    if extend is None:
        return values
    base = os.path.join(os.path.dirname(path), os.path.expanduser(str(extend)))
    if not os.path.isfile(base):
        raise ConfigError(f"{where}: `extend` names {extend!r}, which is not a file")
    return _layer(_with_extended(base, (*seen, path)), values)


def read_config_file(path: str) -> Config:
    path = os.path.abspath(path)
    return msgspec.convert({**_with_extended(path), "root": os.path.dirname(path), "origin": path}, Config)


# --- layers ----------------------------------------------------------------------------------------

_SELECTION = ("select", "extend_select", "ignore", "extend_ignore")


def _layer(base: Values, over: Values) -> Values:
    """`over` on top of `base`, as ruff stacks them: a new `select` forgets every choice made below it."""
    merged = {**base, **over}
    if "select" in over:
        for key in _SELECTION:
            if key not in over:
                merged.pop(key, None)
        return merged
    chosen = _tuple(over, "extend_select")
    for key in ("ignore", "extend_ignore"):
        kept = tuple(
            item for item in _tuple(base, key) if not any(_covers(choice, item) for choice in chosen)
        )
        merged[key] = (*kept, *_tuple(over, key))
    for key in ("extend_select", "extend_exclude"):
        merged[key] = (*_tuple(base, key), *_tuple(over, key))
    return merged


def _tuple(values: Values, key: str) -> tuple[str, ...]:
    value = values.get(key, ())
    return value if isinstance(value, tuple) else ()


def _covers(choice: str, other: str) -> bool:
    return choice == "ALL" or other.upper().startswith(choice.upper())


def with_overrides(config: Config, overrides: Mapping[str, object], where: str = "command line") -> Config:
    """The command line's settings over a file's. Keys are the file's; None means not given."""
    given: Values = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in overrides.items()
        if value is not None
    }
    if not given:
        return config
    values = parse(given, where)
    base: Values = {field: getattr(config, field) for field in Config.__struct_fields__}
    merged = _layer(base, values)
    merged["command_line"] = (*config.command_line, given)
    return msgspec.convert(merged, Config)


def load_config(
    paths: Sequence[str] = (),
    *,
    config_file: str | Sequence[str] | None = None,
    isolated: bool = False,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """The settings for a run over `paths`: the nearest file above them, then `--config`, then overrides.

    `config_file` holds what `--config` was given, in order: a path, or `key = value` in TOML.
    `overrides` has the keys of the file (`extend-select`); None means not given.
    """
    given = [config_file] if isinstance(config_file, str) else list(config_file or ())
    file, inline = _split_given(given)
    if isolated and file:
        raise ConfigError("--isolated and --config FILE exclude each other")
    start = _common_directory(list(paths))
    if file:
        # As ruff: a file named on the command line speaks for the place where it was named.
        config = msgspec.structs.replace(read_config_file(file), root=os.getcwd())
    else:
        found = None if isolated else nearest_config_file(start)
        config = read_config_file(found) if found else Config(root=root_of_run(start))
        config = msgspec.structs.replace(config, nested=not isolated)
    for text in inline:
        config = with_overrides(config, _inline(text), "--config")
    return with_overrides(config, overrides or {})


def _split_given(given: list[str]) -> tuple[str | None, list[str]]:
    files = [item for item in given if "=" not in item or os.path.isfile(item)]
    if len(files) > 1:
        raise ConfigError(f"--config was given two files: {files[0]} and {files[1]}")
    if files and not os.path.isfile(files[0]):
        raise ConfigError(f"--config: {files[0]!r} is neither a file nor `key = value`")
    return (files[0] if files else None), [item for item in given if item not in files]


def _inline(text: str) -> Mapping[str, object]:
    try:
        return read_toml(text)
    except ValueError:
        raise ConfigError(f"--config: {text!r} is neither a file nor `key = value` in TOML") from None


def _common_directory(paths: list[str]) -> str:
    directories = {
        path if os.path.isdir(path) else os.path.dirname(path)
        for path in (os.path.abspath(path) for path in paths if path != "-")
    }
    if not directories:
        return os.getcwd()
    try:
        return os.path.commonpath(sorted(directories))
    except ValueError:  # two drives
        return os.getcwd()


_REPOSITORY = (".git", ".hg")
_ROOT_MARKERS = (*_REPOSITORY, "pyproject.toml", "setup.cfg")


def is_project_root(directory: str) -> bool:
    if any(os.path.exists(os.path.join(directory, marker)) for marker in _ROOT_MARKERS):
        return True
    try:
        with open(os.path.join(directory, "setup.py"), "rb") as file:
            text = file.read()
    except OSError:
        return False
    return b"setuptools" in text or b"distutils" in text  # else it is a module called so


def root_of_run(directory: str) -> str:
    """The top of the project in which the run stands, if what it was given is a part of that.

    A package in it may look like a project as well: asked for alone, it is understood as it is when all is.
    """
    here, nearest = project_root(os.getcwd()), project_root(directory)
    between = directory
    while between != here:
        parent = os.path.dirname(between)
        if parent == between or _is_repository(between):
            return nearest
        between = parent
    return here if is_project_root(here) else nearest


def _is_repository(directory: str) -> bool:
    return any(os.path.exists(os.path.join(directory, marker)) for marker in _REPOSITORY)


def project_root(directory: str) -> str:
    """The nearest ancestor that looks like a project's top; the directory itself if none does."""
    current = os.path.abspath(directory)
    while True:
        if is_project_root(current):
            return current
        parent = os.path.dirname(current)
        if parent == current:
            return os.path.abspath(directory)
        current = parent
