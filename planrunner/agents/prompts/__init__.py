"""The prompts, as Jinja files beside this module, and what goes into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from planrunner.jsonsafe import dumps
from planrunner.template import Renderer, compile_value

if TYPE_CHECKING:
    from planrunner.plan import Agent
    from planrunner.steps.base import Scope


def system_prompt(scope: Scope, agent: Agent) -> str:
    """The system prompt of an agent: its instructions, the end user's context as far as it sees it, and what the
    operator adds.
    """
    seen = _seen(scope.context, agent.sees)
    prompt: str = _prompt("system")(
        {
            "instructions": scope.render_prompt(agent.instructions) if agent.instructions else "",
            "end_user": _as_data(seen) if seen else "",
            "extensions": _texts(scope.context.get("agent_system_context_extension")),
        }
    )
    return prompt.strip()


def planner_prompt(
    context: Mapping[str, Any],
    tools: Sequence[Mapping[str, Any]],
    words: Mapping[str, Any],
    at_once: bool,
) -> str:
    """The system prompt of the planner.

    context  the end user's
    tools    what is told of each tool that is handed over
    words    of the language: `verbs`, `step_keys`, `plan_keys`, each a list of {key, description}; and the names of
             `models` and `hooks`
    at_once  the plan is run as soon as it is written, and given no inputs
    """
    seen = _seen(context, "all")
    prompt: str = _prompt("planner")(
        {
            **words,
            "tools": [_as_data(tool) for tool in tools],
            "at_once": at_once,
            "end_user": _as_data(seen) if seen else "",
            "extensions": _texts(context.get("planner_system_context_extension")),
        }
    )
    return prompt.strip()


def planner_again_prompt(problems: Sequence[Mapping[str, Any]]) -> str:
    """What a planner is told whose plan has problems: of each `line`, `column`, `message`, and the `source` line."""
    prompt: str = _prompt("planner_again")({"problems": problems})
    return prompt.strip()


def schema_prompt(schema: Mapping[str, Any]) -> str:
    """What a model is told of the answer's shape, where its provider can't be told."""
    return str(_prompt("schema")({"schema": _as_data(schema)})).strip()


def ask_again(problems: Sequence[str]) -> str:
    """What a model is told of an answer that does not meet its schema."""
    return str(_prompt("ask_again")({"problems": list(problems)})).strip()


@cache
def _prompt(name: str) -> Renderer:
    return compile_value(files(__package__).joinpath(f"{name}.jinja").read_text(encoding="utf-8"))


def _seen(context: Mapping[str, Any], sees: str | tuple[str, ...]) -> dict[str, Any]:
    """What of the end user's context the agent is shown."""
    data = context["additional_data"]
    if sees == "none" or not (context["end_user_id"] or data):
        return {}
    if sees != "all":
        data = {name: value for name, value in data.items() if name in sees}
    return {"end_user_id": context["end_user_id"], "additional_data": data}


def _as_data(value: Any) -> str:
    """JSON in which no text can close the block it stands in."""
    return dumps(value).replace("<", "\\u003c")


def _texts(extension: list[str] | str | None) -> list[str]:
    return [extension] if isinstance(extension, str) else list(extension or ())
