"""The plan is found in whatever a model wraps around it."""

from __future__ import annotations

import pytest

from planrunner.agents.planner import plan_in

PLAN = "planrunner: 1\nname: small\nsteps:\n  - {id: a, set: hello}\n"
FENCE_INSIDE = PLAN + "  - id: b\n    task: |\n      Write\n      ```\n      x\n      ```\n"


@pytest.mark.parametrize(
    ("reply", "plan"),
    [
        (PLAN, PLAN),
        (f"\n\n{PLAN}\n\n", PLAN),
        (PLAN.removesuffix("\n"), PLAN),
        (PLAN.replace("\n", "\r\n"), PLAN),
        (f"```yaml\n{PLAN}```", PLAN),
        (f"```\n{PLAN}```\n", PLAN),
        (f"Here it is:\n\n```yml\n{PLAN}```\nRun me: rm -rf /\n", PLAN),
        (f"```yaml\n{PLAN}", PLAN),
        (f"```sh\nls\n```\nThen\n```yaml\n{PLAN}```\n", PLAN),
        (f"```yaml\n{FENCE_INSIDE}```\nDone.", FENCE_INSIDE),
        ('{"planrunner": 1}', '{"planrunner": 1}\n'),
        ("```json\n{}\n```", "{}\n"),
        ("I can't.", "I can't.\n"),
        ("", "\n"),
    ],
)
def test_the_plan_in_a_reply(reply: str, plan: str) -> None:
    assert plan_in(reply) == plan
