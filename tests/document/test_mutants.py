"""Right plans are let be, and a slip of the finger in any name that a schema knows is found on its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from planrunner.document.load import load_document
from planrunner.document.problem import Problem
from planrunner.document.source import parse, plain
from planrunner.registry import load
from planrunner.tools.builtin import BUILTIN

ROOT = Path(__file__).parent.parent.parent
_BLOCK = re.compile(r"```yaml\n(planrunner: 1\n.*?)```", re.S)
_PATH = re.compile(r"\b(?:inputs|context|steps|run)(?:\.[A-Za-z_]\w*)+")
_COMPARED = re.compile(r"(\b(?:inputs|steps)(?:\.\w+)+)\s*[=!]=\s*(['\"])(\w+)\2")


class Plan(NamedTuple):
    """A plan as it stands somewhere."""

    name: str
    text: str
    path: str | None = None


def _plans() -> Iterator[Plan]:
    for folder in ("plans", "tests/plans/ok", "tests/plans/later", "tests/runs"):
        for file in sorted((ROOT / folder).glob("*.yml")):
            text = file.read_text(encoding="utf-8-sig")
            if re.search(r"^planrunner: 1", text, re.MULTILINE):
                yield Plan(f"{folder}/{file.name}", text, str(file))
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        if page.name == "checks.md":
            continue
        for number, block in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8"))):
            yield Plan(f"{page.name}-{number}", block)


PLANS = list(_plans())


def _problems(plan: Plan, text: str) -> tuple[Problem, ...]:
    return load_document(text.encode(), "plan.yml", path=plan.path, root=str(ROOT)).problems


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_right_plans_are_let_be(plan: Plan) -> None:
    told = {"unknown-field", "not-in-enum", "may-be-null", "not-boolean", "wrong-args"}
    assert [problem for problem in _problems(plan, plan.text) if problem.code in told] == []


def _steps(node: Any) -> Iterator[dict[str, Any]]:
    """Every step of a plan, by a walk of its own."""
    if isinstance(node, dict):
        if isinstance(node.get("id"), str):
            yield node
        for value in node.values():
            yield from _steps(value)
    elif isinstance(node, list):
        for item in node:
            yield from _steps(item)


def _schema_of(data: Any, path: list[str]) -> Any:
    """What a schema in the file (or of a built-in tool) says of the place that a path leads to; None: nothing."""
    if path[0] == "inputs":
        schema, rest = {"properties": data.get("inputs", {}), "additionalProperties": False}, path[1:]
    elif path[0] == "steps" and path[2:3] == ["output"]:
        step = next((each for each in _steps(data["steps"]) if each["id"] == path[1]), {})
        if "foreach" in step or "on_error" in step:
            return None
        schema, rest = _output(data, step), path[3:]
    else:
        return None
    for name in rest:
        known = schema.get("properties", {}) if isinstance(schema, dict) else {}
        schema = known.get(name)
    return schema


def _output(data: Any, step: dict[str, Any]) -> Any:
    asked = step.get("clarify", {})
    if "returns" in step or "fields" in asked:
        return {"properties": step.get("returns") or asked.get("fields"), "additionalProperties": False}
    if asked.get("type") == "multiple_choice" and isinstance(asked["options"], list):
        return {"enum": [*asked["options"], *([asked["on_timeout"]["answer"]] if "on_timeout" in asked else [])]}
    if step.get("tool") in BUILTIN and step["tool"] not in data.get("tools", {}):
        return load(BUILTIN[step["tool"]]).output_schema
    return None


def _mutants(plan: Plan) -> Iterator[tuple[int, str]]:
    """The line, and the text of the plan with one letter too many in a name, or value, that the plan knows."""
    data = plain(parse(plan.text.encode(), plan.name).root)
    for found in _PATH.finditer(plan.text):
        names = found[0].split(".")
        if "{{" not in plan.text[: found.start()].rpartition("\n")[2] and "when" not in _line(plan.text, found.start()):
            continue
        for place in range(1, len(names)):
            at = found.start() + len(".".join(names[: place + 1]))
            schema = _schema_of(data, names[:place]) if place > (2 if names[0] == "steps" else 0) else None
            if names[0] == "context" and place > 1 and "context" not in data:
                continue
            if (names[0] == "steps" and place < 3) or names[0] in ("context", "run") or _is_closed(schema):
                yield plan.text.count("\n", 0, at) + 1, plan.text[:at] + "q" + plan.text[at:]
    for found in _COMPARED.finditer(plan.text):
        schema = _schema_of(data, found[1].split("."))
        if isinstance(schema, dict) and "enum" in schema:
            at = found.end() - 1
            yield plan.text.count("\n", 0, at) + 1, plan.text[:at] + "q" + plan.text[at:]


def _line(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at) + 1 : at]


def _is_closed(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("additionalProperties") is False


def test_a_slip_in_a_name_or_value_that_the_plan_knows_is_found_on_its_line() -> None:
    mutants = [(plan, line, text) for plan in PLANS for line, text in _mutants(plan)]
    missed = [
        (plan.name, line, text.splitlines()[line - 1])
        for plan, line, text in mutants
        if not any(problem.line == line and problem.level == "error" for problem in _problems(plan, text))
    ]
    assert len(mutants) > 200
    assert len(missed) <= len(mutants) * 0.05, missed
