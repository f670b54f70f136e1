"""Rules that look at the whole plan: what they must not take for a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from planrunner.document.hints import HINTS, INSTEAD_OF_VERB, NAMES
from planrunner.document.load import load_document
from planrunner.document.schema import plan_schema
from planrunner.document.step_keys import StepKeys
from planrunner.document.tables import TOP
from planrunner.errors import ERROR_KINDS
from planrunner.steps import VERBS

INPUTS = "inputs: {flag: {type: boolean}, list: {type: array}, total: {type: number}}"


def codes(text: str) -> list[str]:
    """The codes of a plan's problems; what is not built yet apart."""
    whole = f"planrunner: 1\nname: example\n{text}"
    problems = load_document(whole.encode(), "example.yml", path=None, root=".").problems
    return [problem.code for problem in problems if problem.code != "not-supported"]


def conditions(*texts: str) -> str:
    steps = "".join(f"  - {{id: s{number}, when: {text!r}, set: 1}}\n" for number, text in enumerate(texts))
    anything = "{id: any, tool: anything, args: {all: '{{ inputs }}'}}"
    return f"{INPUTS}\ntools: {{anything: {{}}}}\nsteps:\n  - {anything}\n{steps}"


@pytest.mark.parametrize(
    "text",
    [
        "inputs.flag",
        "not inputs.list",
        "1 < inputs.total < 3",
        "inputs.total in [1, 2]",
        "inputs.flag and not inputs.flag or inputs.flag",
        "steps.any.output",
        "steps.any.output.name",
        "steps.any.output[0]",
        "steps.any.output or inputs.flag",
        "'a' and inputs.flag",
        "0 or inputs.flag",
        "[] or inputs.flag",
        "inputs.list | first",
        "inputs.list | sum(start=false)",
        "inputs.flag | default(false)",
        "inputs.flag | default(default_value=true)",
        "inputs.total | int(false)",
        "inputs.total is number",
        "true if inputs.flag else false",
        "inputs.list | length > 0 and inputs.flag",
        "run.id and inputs.flag",
        "context.additional_data.careful",
        "context.additional_data.deep.careful",
        "(inputs.list | first).a",
        "(run.id or context.end_user_id) and inputs.flag",
        "(inputs.flag or null) | default(false)",
        "inputs['flag']",
        "true",
    ],
)
def test_what_may_be_true_or_false_is_let_be(text: str) -> None:
    assert codes(conditions(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "inputs.list | length",
        "inputs.total + 1",
        "-inputs.total",
        "'yes'",
        "inputs.flag or 'no'",
        "run.id or inputs.flag",
        "inputs.flag and run.id",
        "inputs.list | length and inputs.flag",
        "inputs.flag | default",
        "{'a': 1}",
        "inputs",
        "context.end_user_id",
        "context.additional_data",
        "steps",
        "steps.any",
        "steps.any.state",
        "steps.any.error",
        "steps.any.error.kind",
        "run",
        "run.started_at",
        "null",
        "range(3)",
    ],
)
def test_what_can_be_neither_is_told(text: str) -> None:
    assert codes(conditions(text)) == ["not-boolean"]


@pytest.mark.parametrize("text", ["{{ inputs[run.id] }}", "{{ inputs }}", "{{ inputs | length }}"])
def test_where_any_input_may_be_read_none_is_unused(text: str) -> None:
    assert codes(f"{INPUTS}\nsteps: [{{id: a, set: '{text}'}}]\n") == []


def test_where_a_text_stands_in_a_file_of_its_own_no_input_is_unused() -> None:
    for prompt in (
        "task: {file: a.md}",
        "task: x, agent: {instructions: {file: a.md}}",
        "clarify: {type: action, action_url: x, guidance: {file: a.md}}",
    ):
        assert "unused" not in codes(f"{INPUTS}\nsteps: [{{id: a, {prompt}}}]\n")


def test_what_is_used_anywhere_is_used() -> None:
    assert (
        codes("""
inputs: {a: {}, b: {}, c: {}, d: {}}
models: {m: {model: x/y}, n: {model: x/z}, o: {model: x/w}}
defaults: {model: [m]}
agents: {first: {model: n, tools: [t], instructions: "{{ inputs.a }}"}}
tools: {t: {use: "x:t"}, u: {use: "x:u"}, v: {use: "x:v"}, x-draft: {}}
hooks: {before_tool_call: [{use: fail, when: inputs.b, match: {tool: t}}]}
steps:
  - {id: one, task: x, agent: first}
  - {id: two, task: x, agent: {model: o, tools: [u]}}
  - {id: three, when: inputs.c == 1, steps: [{id: four, tool: v}]}
output: "{{ inputs.d }}"
""")
        == []
    )


GATE = "{id: gate, clarify: {type: user_verification, guidance: Sure?}}"
PAY = "tools: {pay: {use: 'shop:pay'}, look: {use: 'shop:look', effect: read}}\nsteps:\n  - {id: seen, tool: look}\n"


@pytest.mark.parametrize(
    "steps",
    [
        [GATE, "{id: a, tool: pay}"],
        [GATE, "{id: a, needs: [gate], tool: pay}"],
        [GATE, "{id: a, needs: [gate], set: 1}", "{id: b, needs: [a], tool: pay}"],
        [GATE, "{id: a, needs: [], tool: look}", "{id: b, tool: pay}"],
        [GATE, "{id: a, needs: [], set: 1}", "{id: b, tool: pay}"],
        ["{id: a, needs: [], tool: pay}", GATE],
        [GATE.replace("{id: gate,", "{id: gate, needs: [a],"), "{id: a, needs: [], tool: pay}"],
        [GATE.replace("user_verification", "input"), "{id: a, needs: [], tool: pay}"],
        [
            GATE.replace("guidance", "guidance").replace("}}", "}, on_error: [{output: 1}]}"),
            "{id: a, needs: [], tool: pay}",
        ],
    ],
)
def test_a_gate_that_is_waited_for_or_holds_nothing_is_not_jumped(steps: list[str]) -> None:
    lines = "".join(f"  - {step}\n" for step in steps)
    assert "jumped-gate" not in codes(f"{PAY}{lines}")


@pytest.mark.parametrize(
    "step",
    [
        "{id: a, needs: [], tool: pay}",
        "{id: a, needs: [seen], tool: file_writer, args: {path: a, content: b}}",
        "{id: a, needs: [], task: x, agent: {tools: [look, pay]}}",
        "{id: a, needs: [], switch: [{steps: [{id: b, tool: pay}]}]}",
        "{id: a, needs: [], on_error: [{steps: [{id: b, tool: pay}]}], set: 1}",
    ],
)
def test_a_gate_that_may_be_overtaken_is_jumped(step: str) -> None:
    assert "jumped-gate" in codes(f"{PAY}  - {GATE}\n  - {step}\n  - {{id: z, tool: pay}}\n")


def test_of_very_many_gates_and_steps_the_check_is_quick() -> None:
    gates = "".join(f"  - {{id: g{n}, clarify: {{type: user_verification, guidance: x}}}}\n" for n in range(2000))
    steps = "".join(f"  - {{id: s{n}, needs: [], set: 1}}\n" for n in range(4000))
    assert codes(f"steps:\n{gates}{steps}") == []


def test_a_default_of_what_may_be_missing_is_let_be() -> None:
    for text in ("inputs.flag | default(false)", "(inputs.total + 1 | round) == 1", "null | default(true)"):
        assert codes(conditions(text)) == []
    assert codes(conditions("inputs.total == 1 | default(1)")) == ["idle-default"]


def test_what_some_run_comes_to_is_let_be() -> None:
    assert (
        codes("""
inputs: {kind: {type: string}, flag: {type: boolean}}
steps:
  - {id: first, needs: [], set: 1}
  - id: choice
    switch:
      - {when: inputs.kind == "a", steps: [{id: one, set: 1}]}
      - {when: inputs.kind == "b", steps: [{id: two, set: 1}]}
      - {when: false, steps: [{id: off, set: 1}]}
      - steps: [{id: three, exit: {state: FAILED}}]
  - id: tried
    set: 1
    on_error:
      - {match: [timeout], output: 1}
      - {match: [timeout, transient], output: 1}
      - {output: 1}
      - {match: [rejected], output: 1}
  - {id: maybe, when: inputs.flag, exit: {state: COMPLETE}}
  - {id: last, set: 1}
  - {id: stop, exit: {state: COMPLETE}}
  - {id: beside, needs: [first], set: 1}
finally:
  - {id: end, set: 1}
""")
        == []
    )


def test_a_secret_may_stand_where_only_the_call_sees_it() -> None:
    assert (
        codes("""
secrets: [TOKEN]
models: {m: {model: x/y, api_key: "{{ secrets.TOKEN }}"}}
defaults: {model: m}
mcp_servers: {crm: {command: crm, env: {T: "{{ secrets.TOKEN }}"}}, web: {url: x, headers: {T: "{{ secrets.TOKEN }}"}}}
tools: {t: {use: "x:t"}}
steps:
  - {id: a, tool: t, args: {deep: [{token: "{{ secrets.TOKEN }}"}]}}
  - {id: b, foreach: {in: "[1]"}, steps: [{id: c, tool: t, args: {token: "{{ secrets.TOKEN }}"}}]}
""")
        == []
    )


def test_the_kinds_of_errors_that_must_be_named_are_kinds() -> None:
    from planrunner.document.rules.unreachable import _TO_BE_NAMED

    assert set(ERROR_KINDS) > _TO_BE_NAMED


def _shapes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every shape of the schema, with the kind of the shape around a chain of conditions."""
    if isinstance(value, Mapping):
        yield value
        for key, sub in value.items():
            inherits = (
                key in ("then", "else") and "x-kind" in value and isinstance(sub, Mapping) and "x-kind" not in sub
            )
            yield from _shapes({**sub, "x-kind": value["x-kind"]} if inherits else sub)
    elif isinstance(value, list):
        for item in value:
            yield from _shapes(item)


def test_hints_are_of_words_that_the_language_does_not_have_there() -> None:
    known: dict[str, list[set[str]]] = {}
    for shape in _shapes(plan_schema()):
        if "x-kind" in shape and "properties" in shape:
            known.setdefault(shape["x-kind"], []).append(set(shape["properties"]))
    steps = {key for keys in StepKeys(plan_schema()["$defs"])._keys.values() for key in keys}
    known["step"] = [steps - {"inputs"}]  # which goes with `plan` alone, and is often meant for `args`
    assert set(HINTS) <= set(known)
    for kind, words in HINTS.items():
        for word in words:
            assert any(word not in properties for properties in known[kind]), (kind, word)


def test_words_in_the_place_of_a_verb_have_a_hint_and_names_are_no_words_of_the_language() -> None:
    assert HINTS["step"].keys() >= INSTEAD_OF_VERB
    assert not INSTEAD_OF_VERB & VERBS.keys()
    assert not NAMES.keys() & {"inputs", "context", "steps", "run", "secrets"}
    assert HINTS["plan"].keys().isdisjoint(TOP)
