"""Twice as much of anything costs about twice the work, and what is beyond a stated limit is refused."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from planrunner.document.load import Loaded, load_document
from planrunner.document.problem import MAX_MESSAGE
from planrunner.document.source import MAX_NODES, MapNode, parse
from planrunner.document.view import MAX_BINDINGS, MAX_GLOBS
from planrunner.errors import SchemaError
from planrunner.json_schema import check_schema, compile_schema
from tests.document.floods import FLOODS, flood
from tests.document.test_hostile import CPU_SECONDS

_SMALL = 8000
"""So many values has the smaller of two plans; four times the work for twice as many would be a square."""
_MOST = 3.0
_READER = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
from planrunner.document.load import load_document
load_document(open(sys.argv[1], "rb").read(), "flood.yml", path=None, root=".").plan
try:  # what this program used; ru_maxrss also counts the process that started it
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1))
"""


def load(text: bytes | str) -> Loaded:
    return load_document(text.encode() if isinstance(text, str) else text, "flood.yml", path=None, root=".")


def _count_for(name: str, values: int) -> int:
    root = parse(flood(name, 100), "flood.yml").root
    assert isinstance(root, MapNode)
    return 100 * values // root.size


def _work(text: bytes) -> float:
    begun = time.process_time()
    _ = load(text).plan  # checked, and built where it is right
    return time.process_time() - begun


@pytest.mark.parametrize("name", FLOODS)
def test_twice_as_much_is_about_twice_the_work(name: str) -> None:
    """Of several tries the best counts: other programs disturb, and never for the better."""
    count = _count_for(name, _SMALL)
    small, large = flood(name, count), flood(name, 2 * count)
    load(flood(name, 10))
    ratios = []
    for _ in range(4):
        ratios.append(min(_work(large), _work(large)) / min(_work(small), _work(small)))
        if ratios[-1] < _MOST:
            return
    pytest.fail(f"the work grew by {min(ratios):.1f}")


@pytest.mark.parametrize("name", FLOODS)
def test_the_largest_plan_ends_within_bounds(name: str, tmp_path: Path) -> None:
    file = tmp_path / "flood.yml"
    file.write_bytes(flood(name, _count_for(name, MAX_NODES - 100)))
    assert parse(file.read_bytes(), "flood.yml").root is not None
    done = subprocess.run([sys.executable, "-c", _READER, str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 200 * 1024


def _hooks(bindings: int, globs: int) -> str:
    tools = ", ".join(["pa*"] * globs or ["pay"])
    one = f"{{use: deny_tool_calls, with: {{tools: [{tools}]}}}}"
    hooks = ", ".join([one, *["{use: deny_tool_calls, with: {tools: [pay]}}"] * (bindings - 1)])
    return (
        "planrunner: 1\nname: p\ntools: {pay: {use: 'm:pay', effect: irreversible}}\n"
        f"hooks: {{before_tool_call: [{hooks}]}}\nsteps:\n  - {{id: a, tool: pay}}\n"
    )


def test_a_plan_has_no_more_hooks_than_every_call_can_be_held_against() -> None:
    assert load(_hooks(MAX_BINDINGS, MAX_GLOBS)).problems == ()
    for text in (_hooks(MAX_BINDINGS + 1, 0), _hooks(1, MAX_GLOBS + 1)):
        (problem,) = load(text).problems
        assert (problem.line, problem.column, problem.code) == (4, 1, "too-many-hooks")


def test_a_message_is_never_longer_than_anybody_reads() -> None:
    reads = "planrunner: 1\nname: p\nsteps:\n  - {id: a, set: '{{ steps.NAME.output }}'}\n"
    (problem,) = load(reads.replace("NAME", "s" * 5000)).problems
    assert problem.code == "unknown-step"
    assert problem.message.startswith("there is no step 'sss")
    assert problem.message.endswith("sss'; the steps are a")
    assert len(problem.message) < 250
    steps = "".join(f"  - {{id: s{'x' * 150}{number}, set: 1}}\n" for number in range(9))
    (problem,) = load(reads.replace("NAME", "gone") + steps).problems
    assert len(problem.message) == MAX_MESSAGE


def test_a_message_shows_what_can_not_be_seen_and_does_not_send_it() -> None:
    steps = '  - {id: "a\\e[2J\\nb", set: 1}\n  - {id: c, set: "{{ steps.gone.output }}"}\n'
    messages = [problem.message for problem in load(f"planrunner: 1\nname: p\nsteps:\n{steps}").problems]
    assert messages[1] == "there is no step 'gone'; the steps are a\\x1b[2J\\nb and c"
    assert all(message.isprintable() for message in messages)


def _doubled(levels: int, word: str) -> dict[str, object]:
    inner = {f"d{n}": {word: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**inner, f"d{levels}": {"type": "string"}}}


@pytest.mark.parametrize("word", ["anyOf", "oneOf", "allOf"])
def test_a_schema_that_doubles_at_every_reference_is_refused(word: str) -> None:
    assert check_schema(_doubled(8, word)) == []
    (problem,) = check_schema(_doubled(40, word))
    assert problem.message.startswith("stands for more than 20,000 schemas")
    with pytest.raises(SchemaError, match="stands for more than"):
        compile_schema(_doubled(40, word))


def test_what_is_wrong_in_forms_of_forms_is_told_in_one_sentence() -> None:
    below = {"properties": {"below": {"$ref": "#/$defs/e"}}}
    schema = {
        "$ref": "#/$defs/e",
        "$defs": {"e": {"anyOf": [{**below, "required": ["x"]}, {**below, "required": ["y"]}]}},
    }
    value: dict[str, object] = {}
    for _ in range(50):
        value = {"below": value}
    (problem,) = compile_schema(schema).problems(value)
    assert "too many forms" in problem.message


def test_a_long_chain_of_references_is_refused() -> None:
    chain = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(3000)}
    assert len(check_schema({"$ref": "#/$defs/d0", "$defs": {**chain, "d3000": {"type": "string"}}})) == 1


def test_a_very_long_pattern_is_refused_before_it_is_compiled() -> None:
    (problem,) = check_schema({"properties": {"a": {"pattern": "(a|b)+" * 100_000}}})
    assert (problem.path, problem.message) == (
        ("properties", "a", "pattern"),
        "must have at most 10,000 characters, has 600,000",
    )


def test_very_many_patterns_for_keys_are_refused() -> None:
    assert check_schema({"patternProperties": {f"a{n}": True for n in range(200)}}) == []
    (problem,) = check_schema({"patternProperties": {f"a{n}": True for n in range(201)}})
    assert str(problem) == "patternProperties: must have at most 200 patterns"


def test_a_long_plan_is_no_flood() -> None:
    steps = (f'  - {{id: s{n}, set: "{{{{ (steps.s{n - 1}.output) % 1000 }}}}"}}\n' for n in range(1, 2_500))
    text = "planrunner: 1\nname: long\nsteps:\n  - {id: s0, set: 1}\n" + "".join(steps)
    loaded = load_document(text.encode(), "long.yml", path=None, root=".")
    assert loaded.plan is not None, loaded.problems[:3]
