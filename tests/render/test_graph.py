"""Pictures of plans: the tree as it stands, the flowcharts as the real Mermaid and the real Graphviz read them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planrunner.document.load import load_document
from planrunner.plan import Plan
from planrunner.registry import load
from planrunner.render import GRAPHS
from planrunner.render.words import Style
from planrunner.termsafe import term_safe
from tests.conftest import PROJECT, PlanOf
from tests.npm import from_npm

HOSTILE = '"]) }} ` <b>x</b> &lt; #35; #quot; | --> %% \\n 1. _a_ fa:fa-ban end ; style: "a#b;"'

EVERYTHING = """
version: "2"
description: All there is.
inputs:
  items: {type: array, items: {type: string}, default: [a]}
  kind: {enum: [x, y], default: x}
agents:
  support: {tools: [calculator, log], ask: true}
tools:
  pay: {effect: irreversible, args_schema: {type: object}}
hooks:
  before_tool_call:
    - {use: allow_tool_calls, with: {tools: [calculator]}}
    - {use: clarify_on_tool_calls, with: {tools: [log]}, match: {step: "w*"}}
    - {use: deny_tool_calls, with: {tools: [pay]}, when: "args.amount > 5"}
    - {use: clarify_on_tool_calls, with: {tools: [pay]}}
steps:
  - id: looks
    needs: []
    foreach: {in: inputs.items, as: sku, max_concurrent: 4}
    tool: csv_reader
    args: {path: "{{ sku }}"}
    on_error:
      - {match: [timeout, tool_error], output: "not\\nread"}
      - steps:
          - {id: tell, tool: log, args: {message: "{{ error.message }}"}}
          - {id: instead, set: 1}
  - {id: other, needs: [], set: {a: 1}}
  - {id: work, description: Think, task: do it, agent: support}
  - id: which
    switch:
      - when: inputs.kind == "x"
        steps:
          - {id: one, set: 1}
          - {id: two, needs: [], set: 2}
          - {id: both, set: 3}
      - steps:
          - id: again
            repeat: {until: steps.draft.output == 1, max: 3, delay: 5s}
            steps:
              - {id: draft, set: 1}
              - {id: sure, clarify: {type: user_verification, guidance: ok?, timeout: 1d, to: {role: boss}}}
  - {id: ask, clarify: {type: input, guidance: How?, schema: {type: string}, timeout: 2h, on_timeout: {answer: so}}}
  - {id: pay_back, needs: [which, ask], tool: pay, args: {amount: 1}}
  - {id: free, task: say hello, agent: {model: openai/x}}
  - {id: stop, when: inputs.kind == 'y', exit: {state: FAILED, message: why}}
finally:
  - {id: audit, tool: log, args: {message: done}}
"""

TREE = """\
example 2: All there is.
├─ looks  tool csv_reader
│  │    needs nothing: starts at once
│  │    for each sku in inputs.items, 4 at once
│  │    on error timeout, tool_error: output not read
│  └─ on error
│     ├─ tell  tool log
│     └─ instead  set
├─ other  set
│       needs nothing: starts at once
├─ work  task for agent support, with calculator, log (needs approval), may ask the end user  # Think
├─ which  switch
│  ├─ when inputs.kind == "x"
│  │  ├─ one  set
│  │  ├─ two  set
│  │  │       needs nothing: starts at once
│  │  └─ both  set
│  └─ else
│     └─ again  group
│        │    repeat until steps.draft.output == 1, 3 rounds at most, 5s apart
│        ├─ draft  set
│        └─ sure  ask the role boss: user_verification, a no fails the step, after 1d: fails
├─ ask  ask the end user: input, after 2h: "so"
├─ pay_back  tool pay (irreversible), denied at times, needs approval
│       needs which, ask
├─ free  task for an agent
├─ stop  exit FAILED
│       when inputs.kind == 'y'
└─ finally
   └─ audit  tool log
"""

ARROWS = {
    ("S_looks", "S_looks_E0", "dotted", "on error timeout, tool_error"),
    ("S_looks", "S_tell", "dotted", "on error"),
    ("S_tell", "S_instead", "normal", ""),
    ("S_looks_H", "S_work", "normal", ""),
    ("S_other", "S_work", "normal", ""),
    ("S_work", "S_which", "normal", ""),
    ("S_which_D", "S_one", "normal", 'inputs.kind == "x"'),
    ("S_which_D", "S_two", "normal", 'inputs.kind == "x"'),
    ("S_which_D", "S_again", "normal", "else"),
    ("S_one", "S_both", "normal", ""),
    ("S_two", "S_both", "normal", ""),
    ("S_draft", "S_sure", "normal", ""),
    ("S_which", "S_ask", "normal", ""),
    ("S_which", "S_pay_back", "normal", ""),
    ("S_ask", "S_pay_back", "normal", ""),
    ("S_pay_back", "S_free", "normal", ""),
    ("S_free", "S_stop", "normal", ""),
    ("S_stop", "FINALLY", "normal", ""),
}

Read = Callable[[str], Any]


def shown(plan: Plan, form: str) -> str:
    told: str = load(GRAPHS[form])(plan, Style())
    return told


@pytest.fixture(scope="module")
def mermaid() -> Read:
    """What Mermaid itself reads out of a flowchart: title, nodes, boxes, edges, labels as a reader sees them."""
    node, core = shutil.which("node"), from_npm("mermaid/dist/mermaid.core.mjs")
    if node is None:
        pytest.skip("there is no node to run mermaid")
    parser = Path(__file__).with_name("mermaid_parser.mjs")

    def read(text: str) -> Any:
        done = subprocess.run(
            [node, str(parser), str(core.parents[3])],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{done.stderr}\n{text}"
        return json.loads(done.stdout)

    return read


@pytest.fixture(scope="module")
def graphviz() -> Read:
    """What Graphviz itself reads out of a graph."""
    dot = shutil.which("dot")
    if dot is None:
        pytest.skip("Graphviz is not installed (its command is dot)")

    def read(text: str) -> Any:
        done = subprocess.run([dot, "-Tdot_json"], input=text, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, ""), text
        drawn = subprocess.run([dot, "-Tsvg"], input=text, capture_output=True, text=True, timeout=60, check=False)
        assert (drawn.returncode, drawn.stderr) == (0, ""), text
        return {**json.loads(done.stdout), "svg": drawn.stdout}

    return read


def seen(label: str) -> str:
    """A label of Mermaid's as a reader sees it; Mermaid keeps codes in a spelling of its own until it draws them."""
    return re.sub("ﬂ°°([0-9]+)¶ß", lambda match: chr(int(match[1])), label.replace("<br>", "\n"))


def test_the_tree(plan_of: PlanOf) -> None:
    assert shown(plan_of(EVERYTHING), "text") == TREE


def test_mermaid_reads_every_step_box_and_arrow(plan_of: PlanOf, mermaid: Read) -> None:
    plan = plan_of(EVERYTHING)
    read = mermaid(shown(plan, "mermaid"))
    labels = {node["id"]: seen(node["text"]) for node in read["nodes"]}
    assert {f"S_{step.id}" for step in plan.walk()} <= labels.keys()
    assert labels["S_pay_back"] == "pay_back\ntool pay (irreversible), denied at times, needs\napproval"
    boxes = {box["id"]: set(box["nodes"]) for box in read["boxes"]}
    assert boxes["S_looks_H"] == {"S_looks", "S_looks_E0", "S_tell", "S_instead"}
    assert boxes["S_which"] == {"S_which_D", "S_one", "S_two", "S_both", "S_again"}
    assert boxes["S_again"] == {"S_draft", "S_sure"}
    assert boxes["FINALLY"] == {"S_audit"}
    assert {(e["start"], e["end"], e["stroke"], seen(e["text"])) for e in read["edges"]} == ARROWS
    shapes = {node["id"]: node["type"] for node in read["nodes"] if "type" in node}
    assert (shapes["S_which_D"], shapes["S_ask"], shapes["S_stop"]) == ("diamond", "hexagon", "stadium")


def test_graphviz_reads_every_step_box_and_arrow(plan_of: PlanOf, graphviz: Read) -> None:
    plan = plan_of(EVERYTHING)
    read = graphviz(shown(plan, "dot"))
    names = {item["name"] for item in read["objects"]}
    assert {f"S_{step.id}" for step in plan.walk() if step.verb not in ("steps", "switch")} <= names
    assert {"cluster_S_looks_H", "cluster_S_which", "cluster_S_again", "cluster_FINALLY"} <= names
    assert len(read["edges"]) == len(ARROWS)
    dashed = [edge["label"] for edge in read["edges"] if edge.get("style") == "dashed"]
    assert sorted(dashed) == ["on error", "on error timeout, tool_error"]
    assert "denied at times" in read["svg"]


def hostile_plan(plan_of: PlanOf) -> Plan:
    quoted = json.dumps(HOSTILE)
    return plan_of(
        f"description: {quoted}\n"
        "inputs: {any: {}}\n"
        "steps:\n"
        f"  - {{id: end, description: {quoted}, set: '{{{{ inputs.any }}}}'}}\n"
        f"  - {{id: graph, when: {json.dumps(WORDS)}, set: 1}}\n"
        "  - id: subgraph\n"
        f"    on_error: [{{output: {quoted}}}]\n"
        f"    switch: [{{when: {json.dumps(WORDS)}, steps: [{{id: style, set: 1}}]}}]\n"
        f"  - {{id: click, clarify: {{type: input, schema: {{type: string}}, guidance: a, to: {{role: {quoted}}}}}}}\n"
    )


WORDS = "steps.end.output == '\"]) ` <b> &lt; #35; | --> %% ; 1. _a_'"


def test_any_text_is_a_label_and_nothing_else_to_mermaid(plan_of: PlanOf, mermaid: Read) -> None:
    plan = hostile_plan(plan_of)
    read = mermaid(shown(plan, "mermaid"))
    labels = {node["id"]: seen(node["text"]).replace("\n", " ") for node in read["nodes"]}
    assert {"S_end", "S_graph", "S_subgraph_D", "S_style", "S_subgraph_E0", "S_click"} <= labels.keys()
    assert len(read["nodes"]) == 8, "no label became a node"
    assert HOSTILE[:60] in labels["S_end"]
    assert WORDS in labels["S_graph"]
    assert WORDS in [seen(edge["text"]) for edge in read["edges"]]


def test_any_text_is_a_label_and_nothing_else_to_graphviz(plan_of: PlanOf, graphviz: Read) -> None:
    read = graphviz(shown(hostile_plan(plan_of), "dot"))
    assert {item["name"] for item in read["objects"] if not item["name"].startswith("cluster_")} == {
        "S_end", "S_graph", "S_subgraph_D", "S_style", "S_subgraph_E0", "S_click",
    }  # fmt: skip
    drawn = "".join(re.findall("<text[^>]*>([^<]*)</text>", read["svg"])).replace("&#160;", " ")
    assert "&lt;b&gt;x&lt;/b&gt;" in drawn
    assert "&amp;lt;" in drawn, "a name of HTML is told letter by letter"


def test_labels_hold_no_character_with_a_meaning(plan_of: PlanOf) -> None:
    """Holds without Mermaid at hand: codes, letters, digits, spaces, and marks between letters or digits."""
    for label in re.findall('"(.*?)"', shown(hostile_plan(plan_of), "mermaid")):
        left = re.sub("<br/>|#[0-9]+;", " ", label)
        assert re.fullmatch(r"(?:[\w ,]|(?<=[^\W_])[./-](?=[^\W_]))*", left), label


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_picture_is_the_same_whenever_it_is_made_and_sends_nothing_to_a_terminal(text: str) -> None:
    from dataclasses import replace

    plan = load_document(
        b"planrunner: 1\nname: any\nsteps: [{id: a, set: 1}]\n", "plan.yml", path=None, root=str(PROJECT)
    ).plan
    assert plan is not None
    plan = replace(plan, description=text, steps=(replace(plan.steps[0], description=text),))
    for form in GRAPHS:
        told = shown(plan, form)
        assert told == shown(plan, form)
        assert term_safe(told, lines=True) == told
        assert len(told.splitlines()) == len(told.split("\n")) - 1, "no line break but ours"


def test_a_picture_is_the_same_in_every_process(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yml"
    plan.write_text("planrunner: 1\nname: example\n" + EVERYTHING, encoding="utf-8")
    for form in GRAPHS:
        code = f"from planrunner.cli.main import main; main(['graph', {str(plan)!r}, '--format', {form!r}])"
        made = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("1", "2", "3")
        }
        assert len(made) == 1, form


def test_a_sub_plan_is_drawn_once_however_often_it_runs(plan_of: PlanOf, mermaid: Read) -> None:
    from dataclasses import replace

    letter = plan_of("steps: [{id: write, set: 1}]\nfinally: [{id: sent, set: 2}]")
    one, two = plan_of("steps: [{id: a, set: 1}, {id: b, set: 1}]").steps
    calls = tuple(replace(step, verb="plan", value="./letter.yml") for step in (one, two))
    plan = replace(plan_of("steps: [{id: a, set: 1}]"), steps=calls, subplans={"./letter.yml": letter})
    assert shown(plan, "text") == (
        "example\n├─ a  plan ./letter.yml\n└─ b  plan ./letter.yml\n\n"
        "plan ./letter.yml  example\n├─ write  set\n└─ finally\n   └─ sent  set\n"
    )
    read = mermaid(shown(plan, "mermaid"))
    runs = [(edge["start"], edge["end"]) for edge in read["edges"] if edge["stroke"] == "thick"]
    assert runs == [("S_a", "P1"), ("S_b", "P1")]
    assert {box["id"]: box["nodes"] for box in read["boxes"]}["P1"] == ["P1_S_write", "P1_FINALLY"]


@pytest.mark.parametrize(
    ("binding", "told"),
    [
        ("{use: clarify_on_all_tool_calls}", ", needs approval"),
        ("{use: clarify_on_tool_calls, with: {tools: ['lo*']}}", ", needs approval"),
        ("{use: clarify_on_tool_calls, with: {tools: [weather]}}", ""),
        ("{use: clarify_on_all_tool_calls, match: {tool: log}}", ", needs approval"),
        ("{use: clarify_on_all_tool_calls, match: {tool: weather}}", ""),
        ("{use: clarify_on_all_tool_calls, match: {step: a}}", ", needs approval"),
        ("{use: clarify_on_all_tool_calls, match: {effect: write}}", ", needs approval at times"),
        ("{use: clarify_on_all_tool_calls, when: 'args.message == 1'}", ", needs approval at times"),
        ("{use: deny_tool_calls, with: {tools: [log]}}", ", denied"),
        ("{use: allow_tool_calls, with: {tools: [log]}}, {use: clarify_on_all_tool_calls}", ""),
        (
            "{use: allow_tool_calls, with: {tools: [log]}, when: args.message}, {use: clarify_on_all_tool_calls}",
            ", needs approval at times",
        ),
    ],
)
def test_what_hooks_say_to_a_call_stands_beside_it(plan_of: PlanOf, binding: str, told: str) -> None:
    steps = "steps:\n  - {id: a, tool: log, args: {message: b}}\n"
    plan = plan_of(f"hooks: {{before_tool_call: [{binding}]}}\n{steps}")
    assert shown(plan, "text") == f"example\n└─ a  tool log{told}\n"


@pytest.mark.parametrize(
    ("glob", "told"),
    [
        ("a", ", needs approval"),
        ("g/a", ", needs approval"),
        ("'g*'", ", needs approval"),
        ("'g/a[[]0]'", ", needs approval at times"),
        ("'?[[]*/a'", ", needs approval at times"),
    ],
)
def test_an_approval_is_promised_for_a_step_in_a_loop_where_every_item_is_meant(
    plan_of: PlanOf, glob: str, told: str
) -> None:
    plan = plan_of(
        f"hooks: {{before_tool_call: [{{use: clarify_on_all_tool_calls, match: {{step: {glob}}}}}]}}\n"
        "steps: [{id: g, steps: [{id: a, foreach: {in: '[1, 2]'}, tool: log, args: {message: b}}]}]\n"
    )
    assert f"a  tool log{told}\n" in shown(plan, "text")
