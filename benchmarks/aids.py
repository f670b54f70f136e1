"""What the aids cost: microseconds per call, best of five. `python benchmarks/aids.py`"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from planrunner.json_schema import compile_schema, short_form
from planrunner.jsonsafe import dumps, to_json_safe
from planrunner.template import compile_expression, compile_value

NAMES = MappingProxyType(
    {
        "inputs": {"order_id": "A-1", "items": [{"sku": n, "price": 1.5} for n in range(10)]},
        "steps": {"triage": {"output": {"verdict": "refund", "amount": 30}, "state": "COMPLETE"}},
        "context": {"end_user_id": "u1", "additional_data": {"name": "Ada"}},
    }
)
ARGS = {"id": "{{ inputs.order_id }}", "user": {"name": "{{ context.additional_data.name }}"}, "fixed": [1, 2, 3]}
LOOP = "{% for item in inputs.items %}{{ item.sku }}: {{ item.price }}\n{% endfor %}"
SCHEMA = short_form({"verdict": {"enum": ["refund", "reject"]}, "amount": {"type": "number", "minimum": 0}})
OUTPUT = {"verdict": "refund", "amount": 30}


def cases() -> dict[str, Callable[[], Any]]:
    """What is measured."""
    path = compile_value("{{ steps.triage.output.verdict }}")
    mixed = compile_value(
        "Order {{ inputs.order_id }} of {{ context.additional_data.name }}: {{ steps.triage.output }}"
    )
    nested, loop = compile_value(ARGS), compile_value(LOOP)
    when = compile_expression("steps.triage.output.verdict == 'refund' and steps.triage.output.amount < 100")
    checker = compile_schema(SCHEMA)
    return {
        "plain path": lambda: path(NAMES),
        "mixed text, 3 expressions": lambda: mixed(NAMES),
        "nested args, 2 paths": lambda: nested(NAMES),
        "bare expression, 2 comparisons": lambda: when(NAMES),
        "loop over 10 items": lambda: loop(NAMES),
        "compile_value of nested args": lambda: compile_value(ARGS),
        "to_json_safe of a small object": lambda: to_json_safe(OUTPUT),
        "dumps of a small object": lambda: dumps(OUTPUT),
        "Checker.valid of a small object": lambda: checker.valid(OUTPUT),
        "compile_schema, known": lambda: compile_schema(SCHEMA),
    }


def main() -> None:
    """Print the table."""
    for name, call in cases().items():
        times = 10_000
        best = min(timeit.repeat(call, number=times, repeat=5))
        print(f"{name:34} {best / times * 1e6:8.2f} µs")


if __name__ == "__main__":
    main()
