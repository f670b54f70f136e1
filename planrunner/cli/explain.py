"""`planrunner explain`: why a check is made, a plan that breaks it, and the mend."""

from __future__ import annotations

import sys

import click

from planrunner.cli.options import Common, common, formats
from planrunner.cli.streams import data, style, talk
from planrunner.cli.values import utf8
from planrunner.document.facts import CODES, facts, grouped
from planrunner.errors import EXIT_COMPLETE, UsageError
from planrunner.registry import hint, load
from planrunner.render import CHECK, CHECKS


@click.command()
@click.argument("code", metavar="[CODE]", type=utf8, required=False)
@formats(*CHECK)
@common
def explain(told: Common, code: str | None, format_: str) -> int:
    """Tell of a check: why it is made, a plan that breaks it, and the mend.

    CODE is the word in brackets at the end of a problem. Without it all checks are listed.
    """
    if code is None:
        data(load(CHECKS[format_])(grouped(), style(sys.stdout)))
        if format_ == "text" and not told.quiet:
            talk("planrunner explain CODE tells of one")
        return EXIT_COMPLETE
    known = facts(code.strip("[]"))
    if known is None:
        raise UsageError(f"there is no check {code!r}{hint(code, CODES)} (planrunner explain lists them all)")
    data(load(CHECK[format_])(known, style(sys.stdout)))
    return EXIT_COMPLETE
