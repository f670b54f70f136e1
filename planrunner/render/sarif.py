"""SARIF 2.1.0, the OASIS standard for results of static analysis: for code scanning and editors.

The document holds no time, no random id and no path of the machine for files below the root: the same files give the
same bytes everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from planrunner import __version__
from planrunner.document.facts import facts
from planrunner.document.problem import Problem
from planrunner.render import json
from planrunner.render.checked import Report
from planrunner.render.words import Style

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_ROOT_IS = "The folder in which the check was run, or the workspace of a GitHub workflow."


def problems(report: Report, _style: Style) -> str:
    """One run with all problems. Columns count characters, from 1."""
    found = [problem for file in report.files for problem in file.problems]
    places = {code: place for place, code in enumerate(sorted({problem.code for problem in found}))}
    driver = {
        "name": "planrunner",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [rule_facts(code) for code in places],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": _ROOT_IS}}},
        "results": [_result(problem, places, report) for problem in found],
    }
    return json.text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def rule_facts(code: str) -> dict[str, Any]:
    """What SARIF is told of a rule: a `reportingDescriptor`, with all that GitHub's code scanning demands of one."""
    words, told = code.split("-"), facts(code)
    if told is None:  # of a newer version, say
        return {"id": code}
    return {
        "id": code,
        # A name may not be the id over again.
        "name": "".join(word.capitalize() for word in words) + ("Problem" if len(words) == 1 else ""),
        "shortDescription": {"text": _literal(f"{told.name[0].upper()}{told.name[1:]}.")},
        "fullDescription": {"text": _literal(told.why)},
        "help": {"text": _literal(told.advice)},
        "defaultConfiguration": {"level": told.level},
    }


def _result(problem: Problem, places: Mapping[str, int], report: Report) -> dict[str, Any]:
    region = {"startLine": problem.line, "startColumn": problem.column}
    location = {"artifactLocation": _artifact(problem.file, report), "region": region}
    return {
        "ruleId": problem.code,
        "ruleIndex": places[problem.code],
        "level": problem.level,
        "message": {"text": _literal(problem.message)},
        "locations": [{"physicalLocation": location}],
    }


def _artifact(file: str, report: Report) -> dict[str, str]:
    path = report.from_root(file)
    if path is None:
        return {"uri": Path(os.path.abspath(file)).as_uri()}
    return {"uri": quote(os.fsencode(path)), "uriBaseId": _ROOT}


def _literal(text: str) -> str:
    """A text that no reader of SARIF takes for more: `{0}` is a placeholder there, and `[x](y)` a link."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "\\](")
