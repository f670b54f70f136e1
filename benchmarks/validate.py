"""What checking plans costs, as CPU of a fresh process, beside a plain one that does part of the work.

    python benchmarks/validate.py [--rounds 7] [--files 1000] [--check-jsonschema FILE]

`--help` is measured beside a Python that imports click; one file, cold, beside check-jsonschema, which holds it against
the published schema alone; many files beside a loop that parses each and lets jsonschema-rs hold it against that
schema. check-jsonschema is the one beside the Python in use; that of another environment is named by the flag
(`python -m venv peer && peer/bin/pip install check-jsonschema`, then `--check-jsonschema peer/bin/check-jsonschema`).
Without any that line is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from paired import HEAD, Spent, line, pairs, spent_there

PLAN = """\
planrunner: 1
name: order-{n}
version: "{n}"
inputs:
  order_id: {{type: string, pattern: "^A-"}}
  lines:
    type: array
    items:
      type: object
      properties: {{sku: {{type: string}}, pieces: {{type: integer}}}}
      additionalProperties: false
context:
  end_user_id: required
  additional_data:
    name: {{type: string}}
models:
  small: {{model: openai/gpt-4o-mini, temperature: 0}}
agents:
  clerk:
    model: small
    instructions: "You help {{{{ context.additional_data.name }}}} with order {n}."
    tools: [find]
tools:
  find:
    use: "shop_{n}.orders:find"
    effect: read
    args_schema: {{type: object, properties: {{id: {{type: string}}}}, additionalProperties: false}}
    output_schema:
      type: object
      properties: {{total: {{type: number}}, note: {{type: [string, "null"]}}}}
      additionalProperties: false
  refund: {{use: "shop_{n}.money:refund", effect: irreversible}}
hooks:
  before_tool_call:
    - {{use: clarify_on_tool_calls, with: {{tools: [refund]}}}}
limits: {{llm_calls: 40, duration: 10m}}
steps:
  - {{id: found, tool: find, args: {{id: "{{{{ inputs.order_id }}}}"}}}}
  - id: triage
    task: |
      Order {n}: {{{{ steps.found.output.total }}}} {{{{ steps.found.output.note or 'no note' }}}}
      {{% for line in inputs.lines %}}{{{{ line.sku }}}}: {{{{ line.pieces }}}}, {{% endfor %}}
      All: {{{{ inputs.lines | map(attribute='sku') | join(', ') }}}}. Decide.
    agent: clerk
    returns:
      verdict: {{enum: [refund, reject, unclear]}}
      amount: {{type: number, minimum: 0}}
    on_error:
      - {{match: [exhausted], output: {{verdict: unclear, amount: 0}}}}
  - id: decide
    when: steps.triage.output.verdict == "unclear"
    clarify: {{type: multiple_choice, guidance: "Order {n}: refund or reject?", options: [refund, reject]}}
  - id: pay
    when: (steps.decide.output or steps.triage.output.verdict) == "refund"
    tool: refund
    args: {{id: "{{{{ inputs.order_id }}}}", amount: "{{{{ steps.triage.output.amount }}}}"}}
  - id: notes
    foreach: {{in: inputs.lines, as: line, max_concurrent: 4}}
    set: {{text: "{{{{ line.pieces }}}} x {{{{ line.sku | upper }}}} of order {n}"}}
finally:
  - {{id: audit, tool: log, args: {{message: "run {{{{ run.id }}}} of order {n} ended {{{{ run.state }}}}"}}}}
output:
  verdict: "{{{{ steps.decide.output or steps.triage.output.verdict }}}}"
  notes: "{{{{ steps.notes.output | map(attribute='text') | list }}}}"
"""
"""64 lines."""
PARSED = """
import json, pathlib, sys, jsonschema_rs, yaml
schema = jsonschema_rs.validator_for(json.loads(pathlib.Path(sys.argv[1]).read_text()))
for file in sorted(pathlib.Path(sys.argv[2]).iterdir()):
    schema.is_valid(yaml.load(file.read_bytes(), yaml.CSafeLoader))
"""
SCHEMA = str(Path(__file__).parent.parent / "schemas" / "plan.schema.json")


def main() -> None:
    """Measure and print."""
    told = options()
    with tempfile.TemporaryDirectory() as folder:
        plans = fill(Path(folder) / "plans", told.files)
        one, many, ours = str(plans / "plan-0.yml"), str(plans), [sys.executable, "-m", "planrunner"]
        python, validate = [sys.executable, "-c"], [*ours, "validate", "-q"]
        print(HEAD)
        measure("--help, beside import click", [*ours, "--help"], [*python, "import click"], told.rounds, "130 ms")
        if told.check_jsonschema is not None:
            peer = [told.check_jsonschema, "--schemafile", SCHEMA, one]
            measure("1 file, beside check-jsonschema", [*validate, one], peer, told.rounds, "0.7, and 300 ms")
        plain, rounds = [*python, PARSED, SCHEMA, many], max(1, told.rounds // 2)
        measure(f"{told.files:,} files, beside parse and schema", [*validate, many], plain, rounds, "4 s for 1,000")


def options() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--files", type=int, default=1000)
    beside = Path(sys.executable).with_name("check-jsonschema")
    parser.add_argument("--check-jsonschema", metavar="FILE", default=str(beside) if beside.exists() else None)
    return parser.parse_args()


def fill(folder: Path, files: int) -> Path:
    """A folder of so many plans, no two of them with the same texts."""
    folder.mkdir()
    for number in range(files):
        (folder / f"plan-{number}.yml").write_text(PLAN.format(n=number), encoding="utf-8")
    return folder


def measure(told: str, ours: Sequence[str], plain: Sequence[str], rounds: int, target: str) -> None:
    """Run both so many times in turn and print the line. The first pair warms the disk and is not counted."""

    async def run(command: Sequence[str]) -> Spent:
        return spent_there(command, os.environ)

    found = asyncio.run(pairs(rounds + 1, lambda: run(ours), lambda: run(plain)))[1:]
    print(line(told, "cpu", found, target))


if __name__ == "__main__":
    main()
