"""Flag over environment over project file over default; whatever does not fit is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from planrunner.errors import UsageError
from planrunner.plan import ModelAlias
from planrunner.settings import load_settings


def settle(folder: Path, text: str, name: str = "planrunner.toml") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environ={})
    assert settings.store == str(tmp_path / ".planrunner")
    assert settings.model is None
    assert settings.models == {}
    assert settings.synchronous == "FULL"


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    settle(tmp_path, 'model = "file/m"\nstore = "file"\nsynchronous = "NORMAL"\n')
    assert load_settings(tmp_path, environ={}).model == "file/m"
    environ = {"PLANRUNNER_MODEL": "env/m", "PLANRUNNER_STORE": "env.db", "PLANRUNNER_SYNCHRONOUS": "FULL"}
    settings = load_settings(tmp_path, environ=environ)
    assert (settings.model, settings.store, settings.synchronous) == ("env/m", "env.db", "FULL")
    settings = load_settings(tmp_path, environ=environ, model="flag/m", store="memory")
    assert (settings.model, settings.store) == ("flag/m", "memory")


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    settle(tmp_path, 'model = "file/m"\n')
    assert load_settings(tmp_path, environ={"PLANRUNNER_MODEL": ""}).model == "file/m"


def test_the_table_in_pyproject(tmp_path: Path) -> None:
    settle(tmp_path, '[project]\nname = "x"\n[tool.planrunner]\nmodel = "shared/m"\n', "pyproject.toml")
    assert load_settings(tmp_path, environ={}).model == "shared/m"


def test_planrunner_toml_stands_before_pyproject(tmp_path: Path) -> None:
    settle(tmp_path, '[tool.planrunner]\nmodel = "shared/m"\n', "pyproject.toml")
    settle(tmp_path, 'model = "own/m"\n')
    assert load_settings(tmp_path, environ={}).model == "own/m"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("memory", "memory"),
        ("runs", "{root}/runs"),
        ("sqlite:///runs.db", "sqlite:///{root}/runs.db"),
        ("sqlite:////srv/runs.db", "sqlite:////srv/runs.db"),
        ("/srv/runs", "/srv/runs"),
    ],
)
def test_a_store_in_the_file_is_relative_to_the_file(tmp_path: Path, told: str, meant: str) -> None:
    settle(tmp_path, f'store = "{told}"\n')
    assert load_settings(tmp_path, environ={}).store == meant.format(root=tmp_path)


def test_aliases(tmp_path: Path) -> None:
    settle(tmp_path, '[models.fast]\nmodel = "openai/gpt-4o-mini"\ntemperature = 0\n')
    alias = load_settings(tmp_path, environ={}).models["fast"]
    assert alias == ModelAlias(("openai/gpt-4o-mini",), {"temperature": 0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle = 'x'\n", "there is no setting modle; did you mean model? (the settings are store, model,"),
        ("zzz = 1\n", "there is no setting zzz; the settings are store, model, models, synchronous"),
        ("model = 7\n", "model must be a text, and is 7"),
        ("model = ''\n", "model must be a text, and is an empty one"),
        ("store = true\n", "store must be a text, and is True"),
        ("synchronous = 'off'\n", 'synchronous must be "FULL" or "NORMAL", and is \'off\''),
        ("synchronous = []\n", 'synchronous must be "FULL" or "NORMAL", and is []'),
        ("models = 'x'\n", "models must be a table of aliases, and is 'x'"),
        ("models.fast = 'x'\n", "models.fast must be a table with the key `model`"),
        ("models.fast.temperature = 0\n", "models.fast must be a table with the key `model`"),
        ("models.fast.model = ['a', 1]\n", "models.fast.model must be a text, and is 1"),
        ("policy = 'team.toml'\n", 'policy must be a table, such as {deny = ["pay"]}, and is "team.toml"'),
        ("model = \n", "is not valid TOML: "),
    ],
)
def test_what_does_not_fit_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    settle(tmp_path, text)
    with pytest.raises(UsageError) as raised:
        load_settings(tmp_path, environ={})
    assert str(raised.value).startswith(str(tmp_path / "planrunner.toml"))
    assert message in str(raised.value)


def test_a_wrong_key_in_pyproject_is_told_with_its_table(tmp_path: Path) -> None:
    settle(tmp_path, "[tool.planrunner]\nstroe = 'x'\n", "pyproject.toml")
    with pytest.raises(UsageError, match=r"there is no setting tool\.planrunner\.stroe; did you mean store\?"):
        load_settings(tmp_path, environ={})


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the environment variable PLANRUNNER_SYNCHRONOUS must be"):
        load_settings(tmp_path, environ={"PLANRUNNER_SYNCHRONOUS": "yes"})


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "planrunner.toml").write_bytes(b"model = '\xff'\n")
    with pytest.raises(UsageError, match="is not valid TOML"):
        load_settings(tmp_path, environ={})
