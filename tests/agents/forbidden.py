"""Plans as a planner writes them that was talked into something: every way to name what was not handed over."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent

HEAD = "planrunner: 1\nname: hijacked\n"
STEP = "steps:\n  - {id: a, tool: log, args: {message: hello}}\n"


@dataclass(frozen=True)
class Forbidden:
    """`text` is refused where `at` first stands in it, with these words."""

    text: str
    at: str
    words: str

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, from 1."""
        before = self.text[: self.text.index(self.at)].replace("\r", "\n").split("\n")
        return len(before), len(before[-1]) + 1


def _top(table: str, at: str, words: str) -> Forbidden:
    return Forbidden(f"{HEAD}{dedent(table).strip()}\n{STEP}", at, words)


def _steps(steps: str, at: str, words: str) -> Forbidden:
    return Forbidden(f"{HEAD}steps:\n{indent(dedent(steps).strip(), '  ')}\n", at, words)


_CODE = "can't name code: use a built-in hook"
_PLANS = "can't run other plans"
_FILES = "can't name files"

FORBIDDEN: dict[str, Forbidden] = {
    "code as a tool": _top("tools: {x: {use: 'evil:x'}}", "tools", "can't have 'tools'"),
    "a built-in tool by its code": _top(
        "tools: {x: {use: 'planrunner.tools.builtin.file_writer:FileWriter'}}", "tools", "can't have 'tools'"
    ),
    "a tool of a new name": _top("tools: {x: {description: harmless}}", "tools", "can't have 'tools'"),
    "an effect lowered": _top("tools: {file_writer: {effect: read}}", "tools", "can't have 'tools'"),
    "an effect raised": _top("tools: {log: {effect: irreversible}}", "tools", "can't have 'tools'"),
    "a server to be started": _top("mcp_servers: {s: {command: touch, args: [ran]}}", "mcp_", "'mcp_servers'"),
    "a server to be called": _top("mcp_servers: {s: {url: 'http://127.0.0.1:1/'}}", "mcp_", "'mcp_servers'"),
    "a model with another address": _top(
        "models: {fast: {model: openai/x, api_base: 'http://evil'}}", "models", "can't have 'models'"
    ),
    "a secret": _top("secrets: [OPENAI_API_KEY]", "secrets", "can't have 'secrets'"),
    "tables that come by a merge": _top(
        """
        x-mine: &mine
          tools: {x: {use: 'evil:x'}}
        <<: *mine
        """,
        "tools",
        "can't have 'tools'",
    ),
    "another plan": _steps("- {id: a, plan: ./other.yml}", "plan: ./", _PLANS),
    "a plan of a package": _steps("- {id: a, plan: 'evil:other.yml'}", "plan: '", _PLANS),
    "a plan inside a group": _steps(
        """
        - id: g
          steps:
            - {id: a, plan: ./other.yml}
        """,
        "plan: ./",
        _PLANS,
    ),
    "a plan when something fails": _steps(
        "- {id: a, set: 1, on_error: [{steps: [{id: b, plan: ./other.yml}]}]}", "plan: ./", _PLANS
    ),
    "a plan among what is done at the end": Forbidden(
        f"{HEAD}{STEP}finally:\n  - {{id: z, plan: ./other.yml}}\n", "plan: ./", _PLANS
    ),
    "a file as a task": _steps("- {id: a, task: {file: /etc/passwd}}", "file", _FILES),
    "a file as instructions": _top("agents: {x: {instructions: {file: secret.txt}}}", "file", _FILES),
    "a file as instructions inline": _steps(
        "- {id: a, task: hello, agent: {instructions: {file: secret.txt}}}", "file", _FILES
    ),
    "a file as guidance": _steps("- {id: a, clarify: {type: input, guidance: {file: secret.txt}}}", "file", _FILES),
    "a tool that was not handed over": _steps(
        "- {id: a, tool: file_writer, args: {path: x, content: y}}", "file_writer", "the tool 'file_writer' was not"
    ),
    "a tool that nobody has": _steps("- {id: a, tool: shell}", "shell", "the tool 'shell' was not handed"),
    "a tool of a server": _steps("- {id: a, tool: crm.search}", "crm", "the tool 'crm.search' was not handed"),
    "a tool of a named agent": _top(
        "agents: {x: {tools: [log, file_reader]}}", "file_reader", "the tool 'file_reader' was not handed"
    ),
    "a tool of an agent inline": _steps(
        "- {id: a, task: hello, agent: {tools: [file_reader]}}", "file_reader", "the tool 'file_reader' was not handed"
    ),
    "a tool inside a case": _steps(
        "- {id: g, switch: [{when: true, steps: [{id: a, tool: file_reader, args: {path: x}}]}]}",
        "file_reader",
        "the tool 'file_reader' was not handed",
    ),
    "a model of an agent": _top("agents: {x: {model: openai/evil}}", "openai", "the model 'openai/evil' was not"),
    "a model of an agent inline": _steps(
        "- {id: a, task: hello, agent: {model: openai/evil}}", "openai", "the model 'openai/evil' was not handed"
    ),
    "a model in a list": _top("agents: {x: {model: [openai/evil]}}", "openai", "the model 'openai/evil' was not"),
    "a model for all": _top("defaults: {model: openai/evil}", "openai", "the model 'openai/evil' was not handed"),
    "code as a hook": _top("hooks: {before_tool_call: [{use: 'evil:hook'}]}", "'evil", _CODE),
    "a built-in hook by its code": _top(
        "hooks: {before_tool_call: [{use: 'planrunner.hooks.skip_step:make'}]}", "'planrunner.", _CODE
    ),
    "code that answers questions": _top(
        "hooks: {clarification_handler: {use: 'evil:Handler'}}", "clarif", "can't say who answers questions"
    ),
    "a hook that lets calls pass": _top(
        "hooks: {before_tool_call: [{use: allow_tool_calls, with: {tools: [log]}}]}", "allow", "can't bind"
    ),
    "a hook that skips steps": _top("hooks: {before_step_execution: [{use: skip_step}]}", "skip", "can't bind"),
    "a hook that hides": _top("hooks: {after_tool_call: [{use: redact, with: {fields: [a]}}]}", "redact", "can't bind"),
    "a hook that nobody has": _top(
        "hooks: {before_tool_call: [{use: approve_all}]}", "approve", "the hook 'approve_all' was not handed"
    ),
    "text that reads backwards": _top("description: pay \u202e001\u202c euros", "\u202e", "\\u202e can't be seen"),
    "a character of no width": _top("description: pay 1\u200b00 euros", "\u200b", "\\u200b can't be seen"),
    "a line that overwrites another": _top("x-a: 1  # one\rx-b: 2", "\r", "\\r can't be seen"),
    "a schema that an editor fetches": _top(
        "# yaml-language-server: $schema=http://evil/schema.json", "#", "which schema to fetch"
    ),
    "a schema that an editor fetches, behind a value": _top(
        "version: 'one' # yaml-language-server: $schema=http://evil/schema.json", " #", "which schema to fetch"
    ),
}
