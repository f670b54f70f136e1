"""The door through which Python callers say for whom a run acts."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from planrunner import ContextError, ExecutionContext, execution_context, get_execution_context


def test_inside_the_block_and_not_outside() -> None:
    assert get_execution_context() is None
    with execution_context(end_user_id="u1", additional_data={"name": "Ada"}) as given:
        assert get_execution_context() == given == ExecutionContext(end_user_id="u1", additional_data={"name": "Ada"})
        with execution_context(end_user_id="u2"):
            inner = get_execution_context()
            assert inner is not None
            assert (inner.end_user_id, inner.additional_data) == ("u2", {})
        assert get_execution_context() == given
    assert get_execution_context() is None


@pytest.mark.parametrize("whole", [{"end_user_id": "u1"}, ExecutionContext(end_user_id="u1")])
def test_a_whole_context_with_single_fields_replaced(whole: Any) -> None:
    with execution_context(context=whole, additional_data={"a": 1}) as given:
        assert (given.end_user_id, given.additional_data) == ("u1", {"a": 1})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"end_user_id": ""}, "end_user_id is empty"),
        ({"end_user": "u1"}, "there is no field 'end_user'; the fields are end_user_id"),
        ({"end_user_id": 7}, "end_user_id"),
        ({"additional_data": [1]}, "additional_data"),
    ],
)
def test_a_wrong_field_is_told(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ContextError, match=words), execution_context(**fields):
        pass


ORDERS = [
    "import planrunner.execution_context; from planrunner import execution_context as f",
    "from planrunner import execution_context as f; import planrunner.execution_context",
    "import planrunner; f = planrunner.execution_context",
    "from planrunner.execution_context import execution_context as f",
    "import planrunner.execution_context as f",
]


@pytest.mark.parametrize("imports", ORDERS)
def test_module_and_function_share_a_name_whichever_is_imported_first(imports: str) -> None:
    use = (
        "with f(end_user_id='u'): pass\n"
        "import planrunner, planrunner.execution_context as m\n"
        "with planrunner.execution_context(end_user_id='u') as given: assert given.end_user_id == 'u'\n"
        "with m.execution_context(end_user_id='u'): assert m.get_execution_context().end_user_id == 'u'\n"
    )
    subprocess.run([sys.executable, "-c", f"{imports}\n{use}"], check=True)
