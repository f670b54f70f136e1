"""`planrunner validate`: checks plans, runs nothing, imports nothing of theirs."""

from __future__ import annotations

import gc
import os
import sys

import click

from planrunner.cli.files import UnreadableError
from planrunner.cli.options import Common, OneOf, common, once, policy_file
from planrunner.cli.plans import Projects, gather, read_plan, told_once, unreadable
from planrunner.cli.streams import data, style, talk
from planrunner.errors import EXIT_COMPLETE, EXIT_FAILED, UsageError
from planrunner.registry import load
from planrunner.render import PROBLEMS
from planrunner.render.checked import Checked, Report, tally
from planrunner.render.words import count, is_terminal

_USUAL = "text; github under GitHub Actions"
_GARBAGE = 50_000
"""So many objects come between two searches for garbage: what one plan leaves is little, and each search takes time."""


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@once(
    "--format",
    "format_",
    type=OneOf(list(PROBLEMS)),
    help="Form of the output  [default: text; github under GitHub Actions]",
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--only-plans", is_flag=True, help="Pass over files that are no plans, also when named (for hooks).")
@once("--stdin-filename", metavar="FILE", help="The file that standard input stands for (for editors).")
@policy_file
@common
def validate(
    told: Common,
    paths: tuple[str, ...],
    format_: str | None,
    strict: bool,
    only_plans: bool,
    stdin_filename: str | None,
    policy: str | None,
) -> int:
    """Check plan files, and the plans in folders and among what globs match; - is standard input.

    Problems go to standard output; exit code 1 when there are any.
    """
    if stdin_filename is not None and "-" not in paths:
        raise UsageError("--stdin-filename names what comes from standard input: give - as the PATH")
    gc.set_threshold(_GARBAGE)
    gathered = gather(paths, only_plans=only_plans)
    projects = Projects(policy)
    read = [each if isinstance(each, Checked) else _checked(each, projects, stdin_filename) for each in gathered.files]
    checked = told_once(_without_prompts(read, paths))
    prompts = len(read) - len(checked)
    report = Report(checked, gathered.passed_over + prompts, strict, _root())
    data(load(PROBLEMS[format_ or _usual_format()])(report, style(sys.stdout)))
    if not told.quiet:
        _sum_up(report, prompts, format_ or _usual_format())
    return EXIT_FAILED if any(map(report.fails, checked)) else EXIT_COMPLETE


def _checked(path: str, projects: Projects, stdin_filename: str | None) -> Checked:
    try:
        return read_plan(path, projects, stdin_filename).checked
    except UnreadableError as error:  # one that can't be read must not hide what is wrong with the others
        return unreadable(path, str(error))


def _without_prompts(checked: list[Checked], paths: tuple[str, ...]) -> list[Checked]:
    """Without files of folders that look like a plan, and are a prompt of one."""
    prompts = {os.path.normpath(prompt) for each in checked for prompt in each.prompts}
    return [each for each in checked if each.file in paths or os.path.normpath(each.file) not in prompts]


def _usual_format() -> str:
    return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"


def _root() -> str:
    """From where other programs name files: the workspace of a GitHub workflow, else the working folder."""
    try:
        return os.environ.get("GITHUB_WORKSPACE") or os.getcwd()
    except OSError:  # it was deleted
        return ""


def _sum_up(report: Report, prompts: int, format_: str) -> None:
    """`prompts`: how many of the files that were passed over are prompts of a plan."""
    problems = tally(problem for file in report.files for problem in file.problems)
    talk(f"{count(len(report.files), 'plan')} checked: {problems or 'no problems'}")
    if report.passed_over > prompts:
        others = count(report.passed_over - prompts, "other YAML file")
        talk(f"{others} passed over: no `planrunner:` at the top")
    if prompts:
        talk(f"{count(prompts, 'YAML file')} passed over: a plan has it as a prompt")
    codes = [problem.code for file in report.files for problem in file.problems]
    if codes and format_ == "text" and is_terminal(sys.stderr):  # a log needs no advice
        talk(f"planrunner explain {codes[0]} tells why, with an example")
