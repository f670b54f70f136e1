"""What is wrong with the one plan that a command was given, told on standard error: standard output is for results."""

from __future__ import annotations

import sys
from dataclasses import replace

from planrunner.cli.plans import Given
from planrunner.cli.streams import style, talk, talk_raw
from planrunner.render import text
from planrunner.termsafe import term_safe


def tell_not_valid(found: Given, then: str) -> None:
    """Every problem of a plan that can't be used, and what comes of it."""
    colours = style(sys.stderr)
    talk_raw(text.problems_of(found.checked, colours))
    talk(f"{colours('error:', 'red')} the plan {term_safe(found.checked.file)} is not valid: {then}")


def tell_warnings(found: Given) -> None:
    """The warnings about a plan that is used all the same."""
    warnings = tuple(problem for problem in found.checked.problems if problem.level == "warning")
    talk_raw(text.problems_of(replace(found.checked, problems=warnings), style(sys.stderr)))
