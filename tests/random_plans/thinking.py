"""A model that stands outside of a run: what it is told in the task it does, and fails as often as that says."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

from planrunner.errors import DeadlineError, ModelError, RateLimitedError, TransientError
from planrunner.models.base import ModelChoice, ModelRequest, Reply, ToolCall

if TYPE_CHECKING:
    from tests.random_plans.world import World

_SAID = re.compile(r"(\w+)=(.*?)(?= \w+=|$)", re.DOTALL)
_ERRORS = {error.kind: error for error in (TransientError, DeadlineError, ModelError, RateLimitedError)}


class Thinker:
    """Calls the tools it is offered, then answers.

    The task is `n=NUMBER fails=KIND times=HOW_OFTEN inside=KIND`: `fails` is said of its own calls (`schema_error`: its
    answer has the wrong shape), `inside` of the calls of its tools.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._life = world.life

    async def complete(self, request: ModelRequest) -> Reply:
        call = self._world.begin(f"{request.path}!llm:{request.turn}", self._life)
        await asyncio.sleep(self._world.seconds(call.key))
        call.ended = True
        task = dict(_SAID.findall(str(request.messages[1]["content"])))
        times = int(task.get("times", 0))
        error = _ERRORS.get(task.get("fails", ""))
        if error is not None and call.attempt[1] <= times:
            raise error(f"attempt {call.attempt[1]} at turn {request.turn} failed")
        if request.turn == 0 and request.tools:
            return Reply(None, tuple(_call(place, offer, task) for place, offer in enumerate(request.tools)))
        is_wrong = task.get("fails") == "schema_error" and request.turn - bool(request.tools) < times
        return Reply("nothing" if is_wrong else json.dumps({"n": _number(task["n"]) * 31 % 97}))

    async def ready(self) -> None:
        """It always is."""

    async def takes_schema(self, choice: ModelChoice, beside_tools: bool) -> bool:
        return False

    async def knows_price(self, choice: ModelChoice) -> bool:
        return True


def _number(told: str) -> int:
    """A number as a prompt tells it; what a person answered may be a truth value, and what a group gives an object."""
    value = json.loads(told) or 0
    return int(value) if isinstance(value, int | float) else len(told)


def _call(place: int, offer: object, task: dict[str, str]) -> ToolCall:
    args: dict[str, object] = {"n": _number(task["n"]) + place}
    if "inside" in task:
        args |= {"fails": task["inside"], "times": int(task.get("times", 0))}
    return ToolCall(f"c{place}", offer["function"]["name"], json.dumps(args))  # type: ignore[index] - as OpenAI has them
