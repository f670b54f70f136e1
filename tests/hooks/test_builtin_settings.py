"""What is written down of the built-in hooks is what they take, and how a template in their settings comes out."""

from __future__ import annotations

import inspect

import pytest

from planrunner.hooks import BUILTIN, FIRES_AT, RENDERED, SETTINGS
from planrunner.hooks.base import POINTS
from planrunner.registry import load


@pytest.mark.parametrize("name", BUILTIN)
def test_the_settings_are_those_that_the_hook_is_made_and_called_with(name: str) -> None:
    made = inspect.signature(load(BUILTIN[name])).parameters
    hook = load(BUILTIN[name])(**({"tools": ["*"]} if "tools" in made else {}))
    called = inspect.signature(hook).parameters.values()
    rendered = {each.name for each in called if each.kind is inspect.Parameter.KEYWORD_ONLY}
    assert rendered <= set(RENDERED)
    assert set(SETTINGS[name]["properties"]) == set(made) | rendered
    needed = [each.name for each in made.values() if each.default is inspect.Parameter.empty]
    assert list(SETTINGS[name]["required"]) == needed


def test_each_is_known_and_fires_at_points_that_there_are() -> None:
    assert SETTINGS.keys() == BUILTIN.keys()
    assert FIRES_AT.keys() <= BUILTIN.keys()
    assert {point for points in FIRES_AT.values() for point in points} <= set(POINTS)
