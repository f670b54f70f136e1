"""What may be set outside of a plan. A flag wins over the environment, that over the project file, that over a default.

The project file is `planrunner.toml`, or the table `[tool.planrunner]` of `pyproject.toml`, in the project root.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planrunner.errors import UsageError
from planrunner.plan import NOTHING, ModelAlias
from planrunner.policy import NO_POLICY, Policy
from planrunner.registry import suggest

SYNCHRONOUS = ("FULL", "NORMAL")
_PREFIX = "PLANRUNNER_"
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force.

    store        `memory`, a path, or a URL (`sqlite:///…`); by default `.planrunner` in the project root
    model        the model of tasks that name none; None when nobody named one
    models       aliases that every plan of the project may use
    synchronous  how SQLite writes: `FULL` survives a power cut, `NORMAL` survives a killed process and is faster
    large_output_tokens  an output of a step or tool with more tokens (4 characters each, an estimate) stands in prompts
                         as a summary; the whole of it stays in the record, and for later steps
    policy       what every plan is held against, whatever it says itself
    """

    store: str
    model: str | None = None
    models: Mapping[str, ModelAlias] = NOTHING
    synchronous: str = "FULL"
    large_output_tokens: int = 20_000
    policy: Policy = NO_POLICY


def load_settings(
    root: str | Path,
    *,
    store: str | None = None,
    model: str | None = None,
    policy: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of the project in `root`. `store`, `model` and `policy` (a file) are what flags said.

    A policy that a flag or the environment names stands in place of the project file's.

    Raises UsageError for a project file that can't be read, a key it does not have, or a value that does not fit.
    """
    environment = os.environ if environ is None else environ
    told = {**_project_file(Path(root)), **_from_environment(environment)}
    told |= {name: value for name, value in (("store", store), ("model", model)) if value is not None}
    if named := policy or environment.get(_PREFIX + "POLICY"):
        from planrunner.policy_file import read_policy_file  # not for the many projects that have no policy

        told["policy"] = read_policy_file(named)
    return Settings(**{"store": str(Path(root) / ".planrunner"), **told})


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """An empty variable counts as not set. Paths in it are relative to the working folder, as in a flag."""
    told = {}
    for name in ("store", "model", "synchronous", "large_output_tokens"):
        if value := environ.get(_PREFIX + name.upper()):
            told[name] = _KEYS[name](value, f"the environment variable {_PREFIX}{name.upper()}")
    return told


def _project_file(root: Path) -> dict[str, Any]:
    own, shared = root / "planrunner.toml", root / "pyproject.toml"
    if os.path.isfile(own):
        return _checked(_toml(own), own, "")
    if os.path.isfile(shared):
        table = _toml(shared).get("tool", {})
        table = table.get("planrunner", {}) if isinstance(table, dict) else {}
        return _checked(table, shared, "tool.planrunner.")
    return {}


def _toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _checked(table: Any, path: Path, prefix: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {prefix.rstrip('.')} must be a table, and is {_short(table)}")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{path}: there is no setting {prefix}{key}; {_meant(key, _KEYS)}")
    told = {key: _KEYS[key](value, f"{path}: {prefix}{key}") for key, value in table.items()}
    if "policy" in table:
        from planrunner.policy_file import policy_of

        told["policy"] = policy_of(table["policy"], f"{path}: {prefix}policy", path.parent)
    if "store" in told:
        told["store"] = _below(path.parent, told["store"])
    return told


def _below(root: Path, store: str) -> str:
    """A relative path in the project file starts at the project root, wherever the command is given."""
    if store == "memory":
        return store
    if store.startswith(_SQLITE):
        return f"{_SQLITE}{root.absolute() / store.removeprefix(_SQLITE)}"
    return store if "://" in store else str(root / store)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        found = "an empty one" if value == "" else _short(value)
        raise UsageError(f"{where} must be a text, and is {found}")
    return value


def _synchronous(value: Any, where: str) -> str:
    if value not in SYNCHRONOUS:
        raise UsageError(f'{where} must be "FULL" or "NORMAL", and is {_short(value)}')
    return str(value)


def _models(value: Any, where: str) -> dict[str, ModelAlias]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a table of aliases, and is {_short(value)}")
    return {name: _alias(entry, f"{where}.{name}") for name, entry in value.items()}


def _alias(entry: Any, where: str) -> ModelAlias:
    if not isinstance(entry, dict) or "model" not in entry:
        raise UsageError(f'{where} must be a table with the key `model`, such as {{model = "openai/gpt-4o-mini"}}')
    parameters = {name: value for name, value in entry.items() if name != "model"}
    named = entry["model"] if isinstance(entry["model"], list) and entry["model"] else [entry["model"]]
    return ModelAlias(tuple(_text(model, f"{where}.model") for model in named), parameters)


def _tokens(value: Any, where: str) -> int:
    """A whole number from 1; in the environment it is a text."""
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if type(number) is not int or number < 1:
        raise UsageError(f"{where} must be a whole number of tokens, such as 20000, and is {_short(value)}")
    return number


def _meant(word: str, names: Mapping[str, Any]) -> str:
    guess = suggest(word, names)
    known = f"the settings are {', '.join(names)}"
    return f"did you mean {guess}? ({known})" if guess else known


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


_KEYS: dict[str, Callable[[Any, str], Any]] = {
    "store": _text,
    "model": _text,
    "models": _models,
    "synchronous": _synchronous,
    "large_output_tokens": _tokens,
    "policy": lambda value, _: value,  # see _checked: what it names stands below the file's folder
}
