"""The public names are exactly `__all__`, each is there, and importing the package costs nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import planrunner


def test_every_public_name_is_there() -> None:
    assert sorted(planrunner.__all__) == planrunner.__all__
    for name in planrunner.__all__:
        assert getattr(planrunner, name).__doc__, f"{name} has no docstring"
    assert set(planrunner.__all__) <= set(dir(planrunner))


def test_type_checkers_see_the_same_names() -> None:
    """The block for type checkers and the table of homes are two lists; they may not drift."""
    source = (planrunner.__file__ or "").removesuffix("c")
    with open(source, encoding="utf-8") as file:
        block = file.read().split("if TYPE_CHECKING:")[1].split("__version__")[0]
    seen = {line.split(" as ")[1].strip() for line in block.splitlines() if " as " in line}
    from planrunner import errors

    raised = {name for name in planrunner.__all__ if hasattr(errors, name)}
    assert seen | raised == set(planrunner.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(planrunner, "Planner")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, planrunner\n"
        "heavy = {'litellm', 'click', 'jsonschema', 'jsonschema_rs', 'pydantic', 'jinja2', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
