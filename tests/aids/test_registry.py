"""A name to a thing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from planrunner.registry import Registry, UnknownNameError, hint, load, suggest


def test_load_imports_what_the_reference_names() -> None:
    assert load("json:dumps") is __import__("json").dumps
    assert load("os.path:sep") == "/" or load("os.path:sep") == "\\"
    assert load("json:JSONDecoder.decode").__name__ == "decode"


@pytest.mark.parametrize(
    "reference", ["json", "json:", ":dumps", "json.dumps", "a b:c", "json:dumps()", "../x:y", "", "a:b:c"]
)
def test_load_refuses_other_forms(reference: str) -> None:
    with pytest.raises(ValueError, match=r"'package\.module:name'"):
        load(reference)


def test_load_says_what_is_not_there() -> None:
    with pytest.raises(ImportError, match=r"'json:dmps': there is no 'dmps' in it; did you mean 'dumps'\?"):
        load("json:dmps")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        load("no_such_module:x")


def test_a_table_is_imported_on_first_use() -> None:
    program = (
        "import sys; from planrunner.registry import Registry;"
        "r = Registry({'x': 'colorsys:rgb_to_hls'}); assert r.names() == ('x',); assert 'colorsys' not in sys.modules;"
        "assert r.get('x') is r.get('x'); assert 'colorsys' in sys.modules;"
        "assert 'importlib.metadata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(UnknownNameError, match="nothing is registered under 'y'") as caught:
        Registry({"x": "json:dumps"}).get("y")
    assert isinstance(caught.value, KeyError)
    assert caught.value.name == "y"


def test_installed_entry_points_add_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[planrunner.tests]\nx = json:loads\nplus = json:loads\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry({"x": "json:dumps"}, "planrunner.tests")
    assert registry.names() == ("x", "plus")
    assert registry.get("plus") is load("json:loads")
    assert registry.get("x") is load("json:dumps"), "an entry point took the place of the table's own"
    with pytest.raises(UnknownNameError):
        registry.get("y")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("ordr", "order"), ("ORDER", "order"), ("order-id", "order_id"), ("zzz", None), ("", None)],
)
def test_suggest(word: str, meant: str | None) -> None:
    assert suggest(word, ["order_id", "order", "triage"]) == meant


def test_hint_is_hung_on_a_message() -> None:
    assert hint("ordr", ["order"]) == "; did you mean 'order'?"
    assert hint("zzz", ["order"]) == ""
