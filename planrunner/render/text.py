"""For people: problems with their source line and a caret, runs as short tables. Whatever came from outside is made
safe for a terminal first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from planrunner.document.problem import Problem
from planrunner.render import questions
from planrunner.render.checked import Checked, Report
from planrunner.render.words import Style, clip, count, pad, took, width
from planrunner.termsafe import term_safe
from planrunner.times import utc

if TYPE_CHECKING:
    from planrunner.events import Event
    from planrunner.journal.base import RunSummary
    from planrunner.plan_run import LlmCallRecord, PlanRun, StepRecord, ToolCallRecord
    from planrunner.tools.base import Tool

_EXCERPT = 120
_LEAD = 60
_KIND = len("effect_finished")
_EFFECT = len("irreversible")
MARKS = {
    "COMPLETE": "✓",
    "FAILED": "✗",
    "SKIPPED": "-",
    "IN_PROGRESS": "…",
    "NEED_CLARIFICATION": "?",
    "NOT_STARTED": " ",
}
_COLUMNS = ("RUN", "STATE", "PLAN", "END USER", "STARTED", "TOOK")


def problems(report: Report, style: Style) -> str:
    """`FILE:LINE:COLUMN: level: message [code]`, the source line, a caret under the place."""
    return "".join(problems_of(file, style) for file in report.files)


def problems_of(file: Checked, style: Style) -> str:
    """As `problems`, of one file."""
    return "".join(_problem(problem, file.lines_of(problem.file), style) for problem in file.problems)


def _problem(problem: Problem, lines: Sequence[str], style: Style) -> str:
    level = style(problem.level, "red" if problem.level == "error" else "yellow")
    place = style(f"{term_safe(problem.file)}:{problem.line}:{problem.column}:", "bold")
    head = f"{place} {level}: {term_safe(problem.message)} {style(f'[{problem.code}]', 'dim')}\n"
    if not 1 <= problem.line <= len(lines):
        return head
    return head + _excerpt(lines[problem.line - 1], problem, style)


def _excerpt(line: str, problem: Problem, style: Style) -> str:
    """The line around the place. A line may be 4 MiB long: only a window of it is looked at."""
    place = min(problem.column - 1, len(line))
    first = max(0, place - _LEAD) if len(line) > _EXCERPT else 0
    before, after = _shown(line[first:place]), _shown(line[place : first + _EXCERPT])
    before = ("…" if first else "") + before
    after += "…" if len(line) > first + _EXCERPT else ""
    gutter = f"{problem.line:>5} | "
    caret = " " * (len(gutter) - 2) + "| " + " " * width(before) + style("^", "green")
    return f"{gutter}{before}{after}\n{caret}\n"


def _shown(text: str) -> str:
    return term_safe(text.replace("\t", "    "))


def record(plan_run: PlanRun, style: Style) -> str:
    """State, for whom, steps, questions to people, and what came of it."""
    parts = (_facts(plan_run, style), _steps(plan_run, style), _questions(plan_run, style), _ending(plan_run, style))
    return "\n\n".join("\n".join(lines) for lines in map(tuple, parts) if lines) + "\n"


def _facts(plan_run: PlanRun, style: Style) -> Iterator[str]:
    plan, usage = plan_run.plan, plan_run.usage
    version = f" {plan.version}" if plan.version else ""
    spent = (plan_run.updated_at - plan_run.created_at).total_seconds()
    user = plan_run.execution_context.end_user_id
    yield f"run       {plan_run.id}"
    yield f"state     {style.state(plan_run.state)}"
    yield f"plan      {term_safe(plan.name + version)}"
    yield f"end user  {'-' if user is None else term_safe(user)}"
    yield f"started   {_moment(plan_run.created_at.timestamp())}"
    yield f"took      {took(spent)}"
    calls = f"{count(usage.llm_calls, 'LLM call')}, {count(usage.tool_calls, 'tool call')}"
    yield f"calls     {calls}, {usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens, ${usage.usd:.4f}"


def _steps(plan_run: PlanRun, style: Style) -> Iterator[str]:
    yield "steps"
    listed = list(_listed(plan_run.steps, 0))
    longest = max((2 * depth + width(step.path) for step, depth in listed), default=0)
    for step, depth in listed:
        mark = style.state(step.state, MARKS.get(step.state, "?"))
        yield f"  {'  ' * depth}{mark} {pad(step.path, longest - 2 * depth)}  {_step(step)}".rstrip()


def _listed(steps: Sequence[StepRecord], depth: int) -> Iterator[tuple[StepRecord, int]]:
    """Every step, each with those inside of it below it."""
    for step in steps:
        yield step, depth
        yield from _listed(step.steps, depth + 1)


def _step(step: StepRecord) -> str:
    told = [step.state if step.state not in ("COMPLETE", "IN_PROGRESS") else ""]
    if step.started_at and step.finished_at:
        told.append(took((step.finished_at - step.started_at).total_seconds()))
    told += [count(step.items.total, "item")] if step.items else []
    told += [count(len(calls), name) for calls, name in _calls(step) if calls]
    if step.error:
        told.append(f"{step.error.kind}: {clip(term_safe(step.error.message), 100)}")
    told.append(clip(term_safe(" ".join((getattr(step, "description", None) or "").split())), 80))
    return "  ".join(part for part in told if part)


def _calls(step: StepRecord) -> tuple[tuple[Sequence[Any], str], ...]:
    made: list[LlmCallRecord | ToolCallRecord] = [*step.llm_calls, *step.tool_calls]
    failed = [attempt for call in made for attempt in call.failed_attempts]
    calls = (step.llm_calls, "LLM call"), (step.tool_calls, "tool call")
    return *calls, (failed, "failed attempt"), (step.refused_calls, "refused call")


def _questions(plan_run: PlanRun, style: Style) -> Iterator[str]:
    if plan_run.clarifications:
        yield "questions"
    for question in plan_run.clarifications:
        yield from (f"  {line}" for line in questions.told(question, plan_run.execution_context.end_user_id, style))


def _ending(plan_run: PlanRun, style: Style) -> Iterator[str]:
    if plan_run.error:
        yield failure(plan_run, style)
    elif plan_run.final_output is not None:
        yield "final output"
        yield from (f"  {line}" for line in term_safe(value(plan_run.final_output.value), lines=True).splitlines())
    else:
        yield "no final output yet"


def failure(plan_run: PlanRun, style: Style) -> str:
    """Why a run failed: `step letter: model_error: …`; further lines of the message stand below it, indented."""
    error = plan_run.error
    if error is None:
        return ""
    step = f"step {error.path}: " if error.path else ""
    message = term_safe(error.message.rstrip(), lines=True).replace("\n", "\n  ")
    return f"{style('failed', 'red')}: {term_safe(step)}{error.kind}: {message}"


def value(data: Any) -> str:
    """An output: a text as it is, everything else as JSON. Not yet safe for a terminal: it may go elsewhere."""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)


def runs(summaries: Sequence[RunSummary], style: Style) -> str:
    """A table, newest first."""
    rows = [_COLUMNS, *(_row(summary) for summary in summaries)]
    widths = [max(width(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    lines = ["  ".join(map(pad, row, widths)).rstrip() for row in rows]
    return "\n".join((style(lines[0], "dim"), *lines[1:])) + "\n"


def _row(summary: RunSummary) -> tuple[str, ...]:
    user = "-" if summary.end_user_id is None else clip(term_safe(summary.end_user_id), 32)
    spent = took(summary.updated_at - summary.created_at)
    return summary.id, summary.state, clip(term_safe(summary.plan_name), 32), user, _moment(summary.created_at), spent


def events(happened: Sequence[Event], style: Style) -> str:
    """One line per event: when, what, whom it concerns, and the beginning of the rest."""
    return "".join(_event(event, style) for event in happened)


def _event(event: Event, style: Style) -> str:
    rest = clip(term_safe(json.dumps(event.body, ensure_ascii=False)), 200) if event.body else ""
    line = f"{pad(event.kind, _KIND)} {term_safe(event.key)}"
    return f"{style(utc(event.at), 'dim')}  {line}  {rest}".rstrip() + "\n"


def tools(found: Mapping[str, Tool | str], style: Style) -> str:
    """A table of names, effects and first lines of descriptions."""
    longest = max((width(name) for name in found), default=0)
    return "".join(f"{pad(term_safe(name), longest)}  {_summary(each, style)}\n" for name, each in found.items())


def _summary(tool: Tool | str, style: Style) -> str:
    if isinstance(tool, str):
        return style(term_safe(tool), "red")
    description = tool.description.strip().partition("\n")[0].partition(". ")[0]
    return f"{pad(tool.effect or 'write', _EFFECT)}  {clip(term_safe(description), 100)}".rstrip()


def tool(shown: Tool, style: Style) -> str:
    """What a tool does, its effect, its arguments and its result."""
    result = shown.output_schema
    parts = (
        f"{style(term_safe(shown.id), 'bold')}  {shown.effect or 'write'}",
        term_safe(shown.description.strip(), lines=True),
        f"args_schema\n{_indented(shown.args_schema)}",
        "output_schema  not declared" if result is None else f"output_schema\n{_indented(result)}",
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _indented(schema: Mapping[str, Any]) -> str:
    lines = term_safe(value(dict(schema)), lines=True).splitlines()
    return "\n".join(f"  {line}" for line in lines)


def _moment(seconds: float) -> str:
    return f"{utc(seconds)[:19].replace('T', ' ')} UTC"
