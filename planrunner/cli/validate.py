"""`planrunner validate`: checks plans, runs nothing, imports nothing of theirs."""

from __future__ import annotations

import os
import sys

import click

from planrunner.cli.files import UnreadableError
from planrunner.cli.options import Common, common, formats
from planrunner.cli.plans import gather, read_plan, told_once, unreadable
from planrunner.cli.streams import data, style, talk
from planrunner.errors import EXIT_COMPLETE, EXIT_FAILED
from planrunner.registry import load
from planrunner.render import PROBLEMS
from planrunner.render.checked import Checked
from planrunner.render.words import count


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@formats(*PROBLEMS)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@common
def validate(told: Common, paths: tuple[str, ...], format_: str, strict: bool) -> int:
    """Check plan files, and the plans in folders. Problems go to standard output; exit code 1 when there are any."""
    gathered = gather(paths)
    read = [each if isinstance(each, Checked) else _checked(each) for each in gathered.files]
    checked = told_once(_without_prompts(read, paths))
    prompts = len(read) - len(checked)
    data(load(PROBLEMS[format_])(checked, style(sys.stdout), gathered.passed_over + prompts))
    if not told.quiet:
        talk(_summary(checked))
        if gathered.passed_over:
            talk(f"{count(gathered.passed_over, 'other YAML file')} passed over: no `planrunner:` at the top")
        if prompts:
            talk(f"{count(prompts, 'YAML file')} passed over: a plan has it as a prompt")
    counted = ("error", "warning") if strict else ("error",)
    found = any(problem.level in counted for file in checked for problem in file.problems)
    return EXIT_FAILED if found else EXIT_COMPLETE


def _checked(path: str) -> Checked:
    try:
        return read_plan(path).checked
    except UnreadableError as error:  # one that can't be read must not hide what is wrong with the others
        return unreadable(path, str(error))


def _without_prompts(checked: list[Checked], paths: tuple[str, ...]) -> list[Checked]:
    """Without files of folders that look like a plan, and are a prompt of one."""
    prompts = {os.path.normpath(prompt) for each in checked for prompt in each.prompts}
    return [each for each in checked if each.file in paths or os.path.normpath(each.file) not in prompts]


def _summary(checked: list[Checked]) -> str:
    levels = [problem.level for file in checked for problem in file.problems]
    told = [count(levels.count(level), level) for level in ("error", "warning") if level in levels]
    return f"{count(len(checked), 'plan')} checked: {', '.join(told) or 'no problems'}"
