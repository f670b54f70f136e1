"""What tools and their children print is talk: standard output holds the result and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = '''
import os
print("while importing")
def loud(n: int) -> int:
    """Prints."""
    print("a line\\x1b[31m")
    os.system("echo from a child")
    print("no end", end="")
    return n
'''
PLAN = """
planrunner: 1
name: loud
tools: {loud: {use: "loud_tools:loud", effect: read}}
steps: [{id: a, tool: loud, args: {n: 7}}]
"""


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_standard_output_is_kept_for_the_result(tmp_path: Path, form: str) -> None:
    (tmp_path / "loud_tools.py").write_text(TOOLS, encoding="utf-8")
    (tmp_path / "plan.yml").write_text(PLAN, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "planrunner", "run", "plan.yml", "--format", form],
        cwd=tmp_path, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    if form == "text":
        assert done.stdout == "7\n"
    else:
        documents = [json.loads(line) for line in done.stdout.splitlines()] if form == "jsonl" else [
            json.loads(done.stdout)
        ]  # fmt: skip
        assert documents
    for printed in ("while importing", "a line\\x1b[31m", "from a child", "no end"):
        assert printed in done.stderr
    assert "\x1b" not in done.stderr
