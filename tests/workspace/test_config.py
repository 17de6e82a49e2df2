"""Settings come from the nearest file, then the command line; what is wrong is said in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from asyncsqla_lint.workspace.config import DEFAULT_EXCLUDE, Config, ConfigError
from asyncsqla_lint.workspace.config_files import load_config

EVERY_KEY = """\
[tool.asyncsqla-lint]
select = ["ASQ", "missing-eager-load"]
extend-select = ["ASQ112"]
ignore = ["asq304"]
extend-ignore = ["ASQ4"]
fixable = ["ALL"]
unfixable = ["ASQ101"]
unsafe-fixes = true
preview = true
confidence = "certain"
exclude = ["old"]
extend-exclude = ["gen"]
force-exclude = true
respect-gitignore = false
src = ["backend"]
target-sqlalchemy = "2.1"
framework = ["fastapi", "pytest"]
cache-dir = ".cache"
output-format = "json"
[tool.asyncsqla-lint.per-file-ignores]
"tests/*" = ["ASQ105"]
[tool.asyncsqla-lint.extend-per-file-ignores]
"scripts/*" = ["engine-per-call"]
[tool.asyncsqla-lint.async-drivers]
postgresql = "psycopg"
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_is_read(tmp_path: Path) -> None:
    file = write(tmp_path / "pyproject.toml", EVERY_KEY)
    assert load_config([str(tmp_path)]) == Config(
        root=str(tmp_path),
        origin=str(file),
        nested=True,
        select=("ASQ", "missing-eager-load"),
        extend_select=("ASQ112",),
        ignore=("asq304",),
        extend_ignore=("ASQ4",),
        per_file_ignores={"tests/*": ("ASQ105",)},
        extend_per_file_ignores={"scripts/*": ("engine-per-call",)},
        fixable=("ALL",),
        unfixable=("ASQ101",),
        unsafe_fixes=True,
        preview=True,
        confidence="certain",
        exclude=("old",),
        extend_exclude=("gen",),
        force_exclude=True,
        respect_gitignore=False,
        src=("backend",),
        target_sqlalchemy="2.1",
        async_drivers={"postgresql": "psycopg"},
        framework=("fastapi", "pytest"),
        cache_dir=".cache",
        output_format="json",
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("selekt = []", "unknown key `selekt`; did you mean `select`?"),
        ("target_sqlalchemy = '2.0'", "unknown key `target_sqlalchemy`; did you mean `target-sqlalchemy`?"),
        ("wibble = 1", "unknown key `wibble`"),
        ("select = 'ASQ3'", "`select` must be a list of strings"),
        ("select = [3]", "`select` must be a list of strings"),
        (
            "ignore = ['E501']",
            "`ignore` must be codes (ASQ301), prefixes (ASQ3), names (missing-eager-load) or ALL, "
            "and 'E501' is none",
        ),
        ("preview = 'yes'", "`preview` must be true or false"),
        ("confidence = 'sure'", "`confidence` must be one of certain, likely"),
        ("target-sqlalchemy = '1.4'", "`target-sqlalchemy` must be one of auto, 2.0, 2.1"),
        ("target-sqlalchemy = 2.1", "`target-sqlalchemy` must be one of auto, 2.0, 2.1"),
        ("cache-dir = 3", "`cache-dir` must be a string"),
        ("per-file-ignores = ['ASQ3']", '`per-file-ignores` must be a table of pattern = ["ASQ301", …]'),
        ("per-file-ignores = {'x' = ['E1']}", "'E1' is none"),
        ("async-drivers = {postgresql = 3}", '`async-drivers` must be a table of dialect = "driver"'),
        ("output-format = 'jsn'", "did you mean `json`?"),
        ("framework = ['fastpai']", "did you mean `fastapi`?"),
        ("extend = 'gone.toml'", "`extend` names 'gone.toml', which is not a file"),
    ],
)
@pytest.mark.parametrize("name", ["pyproject.toml", "asyncsqla-lint.toml", ".asyncsqla-lint.toml"])
def test_what_is_wrong_is_one_line_with_the_file_and_the_key(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    section = "[tool.asyncsqla-lint]\n" if name == "pyproject.toml" else ""
    file = write(tmp_path / name, section + text + "\n")
    with pytest.raises(ConfigError) as raised:
        load_config([str(tmp_path)])
    assert str(raised.value).startswith(str(file))
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["select = [", 'x = "\\q"', "\ufffe = 1"])
def test_broken_toml_is_said_with_its_place(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "asyncsqla-lint.toml", text)
    with pytest.raises(ConfigError, match=r"not valid TOML: .*(line 1|end of document)") as raised:
        load_config([str(tmp_path)])
    assert str(raised.value).startswith(str(file))
    assert "\n" not in str(raised.value)


def test_a_pyproject_without_our_section_is_somebody_elses(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.asyncsqla-lint]\nselect = ["ASQ3"]\n')
    write(tmp_path / "backend" / "pyproject.toml", "[tool.black]\nline-length = 3\n")
    write(tmp_path / "other" / "pyproject.toml", "this is [ no TOML")
    for directory in ("backend", "other"):
        config = load_config([str(tmp_path / directory)])
        assert (config.select, config.root) == (("ASQ3",), str(tmp_path))


def test_in_one_directory_the_more_special_name_wins(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.asyncsqla-lint]\nselect = ["ASQ1"]\n')
    assert load_config([str(tmp_path)]).select == ("ASQ1",)
    write(tmp_path / "asyncsqla-lint.toml", 'select = ["ASQ2"]\n')
    assert load_config([str(tmp_path)]).select == ("ASQ2",)
    write(tmp_path / ".asyncsqla-lint.toml", 'select = ["ASQ3"]\n')
    assert load_config([str(tmp_path)]).select == ("ASQ3",)


def test_the_settings_of_several_paths_stand_above_them_all(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.asyncsqla-lint]\nselect = ["ASQ1"]\n')
    write(tmp_path / "a" / "asyncsqla-lint.toml", 'select = ["ASQ2"]\n')
    write(tmp_path / "b" / "x.py", "")
    assert load_config([str(tmp_path / "a"), str(tmp_path / "b" / "x.py")]).select == ("ASQ1",)
    assert load_config([str(tmp_path / "a")]).select == ("ASQ2",)


def test_isolated_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "pyproject.toml", "[tool.asyncsqla-lint]\nnonsense = 1\n")
    monkeypatch.chdir(tmp_path)
    assert load_config(["."], isolated=True) == Config(root=str(tmp_path))
    with pytest.raises(ConfigError, match="exclude each other"):
        load_config(["."], isolated=True, config_file="pyproject.toml")


def test_without_a_file_the_root_is_the_projects(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / "app" / "x.py", "")
    config = load_config([str(tmp_path / "app" / "x.py")])
    assert (config.root, config.origin, config.exclude) == (str(tmp_path), "", DEFAULT_EXCLUDE)


def test_a_module_called_setup_makes_no_project(tmp_path: Path) -> None:
    write(tmp_path / "setup.py", "from setuptools import setup\n\nsetup()\n")
    write(tmp_path / "app" / "routers" / "setup.py", "")
    assert load_config([str(tmp_path / "app" / "routers" / "setup.py")]).root == str(tmp_path)


def test_a_package_within_the_project_is_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "packages" / "inner" / "inner"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (package.parent / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert load_config([str(package)], isolated=True).root == str(tmp_path)
    monkeypatch.chdir(package)
    assert load_config(["."], isolated=True).root == str(package.parent)
    monkeypatch.chdir(tmp_path)
    (package.parent / ".git").mkdir()  # a repository within another is a project of its own
    assert load_config([str(package)], isolated=True).root == str(package.parent)


# --- layers ----------------------------------------------------------------------------------------


def test_config_on_the_command_line_is_a_file_or_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "pyproject.toml", '[tool.asyncsqla-lint]\nselect = ["ASQ1"]\npreview = true\n')
    other = write(tmp_path / "ci" / "lint.toml", 'select = ["ASQ2"]\nexclude = ["x"]\n')
    monkeypatch.chdir(tmp_path)
    config = load_config(["."], config_file=[str(other), "preview = true", 'ignore = ["ASQ201"]'])
    assert (config.select, config.preview, config.ignore) == (("ASQ2",), True, ("ASQ201",))
    assert (config.root, config.nested) == (str(tmp_path), False)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["gone.toml"], "--config: 'gone.toml' is neither a file nor `key = value`"),
        (["select = ["], "--config: 'select = [' is neither a file nor `key = value` in TOML"),
        (["previw = true"], "--config: unknown key `previw`; did you mean `preview`?"),
        (["a.toml", "b.toml"], "--config was given two files: a.toml and b.toml"),
    ],
)
def test_a_wrong_config_option_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], complaint: str
) -> None:
    write(tmp_path / "a.toml", "")
    write(tmp_path / "b.toml", "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as raised:
        load_config(["."], config_file=given)
    assert str(raised.value) == complaint


def test_a_new_select_forgets_what_lay_below(tmp_path: Path) -> None:
    write(
        tmp_path / "asyncsqla-lint.toml",
        'select = ["ASQ3"]\nextend-select = ["ASQ112"]\nignore = ["ASQ301"]\nextend-ignore = ["ASQ302"]\n',
    )
    config = load_config([str(tmp_path)], overrides={"select": ["ASQ301"]})
    assert (config.select, config.extend_select, config.ignore, config.extend_ignore) == (
        ("ASQ301",),
        (),
        (),
        (),
    )


def test_other_choices_are_laid_over(tmp_path: Path) -> None:
    write(
        tmp_path / "asyncsqla-lint.toml",
        'select = ["ASQ3"]\nignore = ["ASQ301", "ASQ4"]\nextend-exclude = ["gen"]\n',
    )
    overrides: dict[str, object] = {
        "extend-select": ("ASQ30",),
        "ignore": ["ASQ2"],
        "extend-exclude": ["old"],
        "preview": None,
    }
    config = load_config([str(tmp_path)], overrides=overrides)
    assert config.select == ("ASQ3",)
    assert config.extend_select == ("ASQ30",)
    assert config.ignore == ("ASQ4", "ASQ2")  # the later ASQ30 covers the earlier ASQ301
    assert config.extend_exclude == ("gen", "old")
    assert config.described_origin("ignore") == "command line"
    assert config.described_origin("exclude") == str(tmp_path / "asyncsqla-lint.toml")


def test_a_wrong_override_names_the_command_line() -> None:
    with pytest.raises(ConfigError, match=r"^command line: `confidence` must be one of"):
        load_config(["."], isolated=True, overrides={"confidence": "maybe"})


def test_extend_takes_what_the_file_leaves_open(tmp_path: Path) -> None:
    write(tmp_path / "base.toml", 'ignore = ["ASQ1"]\npreview = true\nconfidence = "certain"\n')
    write(
        tmp_path / "app" / "asyncsqla-lint.toml",
        'extend = "../base.toml"\nignore = ["ASQ2"]\npreview = false\n',
    )
    config = load_config([str(tmp_path / "app")])
    assert (config.ignore, config.preview, config.confidence) == (("ASQ1", "ASQ2"), False, "certain")
    assert config.root == str(tmp_path / "app")


def test_extending_in_a_circle_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", 'extend = "asyncsqla-lint.toml"\n')
    write(tmp_path / "asyncsqla-lint.toml", 'extend = "a.toml"\n')
    with pytest.raises(ConfigError, match="leads back to this file"):
        load_config([str(tmp_path)])


def test_equal_settings_have_one_digest_wherever_they_stand(tmp_path: Path) -> None:
    write(tmp_path / "a" / "asyncsqla-lint.toml", 'ignore = ["ASQ1"]\n')
    write(tmp_path / "b" / "pyproject.toml", '[tool.asyncsqla-lint]\nignore = ["ASQ1"]\ncache-dir = "x"\n')
    one, two = load_config([str(tmp_path / "a")]), load_config([str(tmp_path / "b")])
    assert one.digest() == two.digest()
    assert one.digest() != load_config([str(tmp_path / "a")], overrides={"preview": True}).digest()
    assert one.digest() == load_config([str(tmp_path / "a")], overrides={"output-format": "json"}).digest()


def test_a_relative_path_is_seen_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a" / "asyncsqla-lint.toml", 'ignore = ["ASQ1"]\n')
    monkeypatch.chdir(tmp_path)
    assert load_config(["a"]).root == os.path.join(str(tmp_path), "a")
