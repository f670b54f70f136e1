"""SIGINT and SIGTERM at any moment of `planrunner run`: the exit code says so, and the run can be gone on with."""

from __future__ import annotations

import json
import random
import re
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Size
from tests.crash.project import Project, Told, ended, wait_for_command

SIGNALS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}


def took(project: Project) -> float:
    """Seconds from the first line of our code to the moment when the slow tool is called."""
    process = project.begin("run", "plan.yml", "--no-input")
    wait_for_command(process)
    began = time.monotonic()
    project.wait_for_calls(1)
    seconds = time.monotonic() - began
    ended(process, signal.SIGINT)
    return seconds


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to see whether our code runs already")
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_stopped_at_any_moment(tmp_path: Path, size: Size, number: signal.Signals) -> None:
    longest = 1.5 * took(Project(tmp_path / "first"))
    code, word = SIGNALS[number]
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, kept, in_call = random.Random(seed), 0, 0
    for turn in range(size(60, 100)):
        if kept and in_call and turn >= size(12, 100):
            break
        project = Project(tmp_path / f"project{turn}")
        process = project.begin("run", "plan.yml", "--no-input")
        wait_for_command(process)
        time.sleep(chance.uniform(0, longest))
        told = ended(process, number)
        assert "Traceback" not in told.err, told.err
        assert "Exception ignored" not in told.err, told.err
        # Python ends by SIGINT itself when ^C hit code that it had compiled at run time; a shell tells 130 of both.
        assert told.code in ((code, -number) if number == signal.SIGINT else (code,)), told.err
        assert told.out == ""
        assert word in told.err
        in_call += bool(project.made())
        kept += _goes_on(project, told)
    print(f"{kept} of {turn + 1} runs were there to go on with, {in_call} stopped in a call")
    assert kept
    assert in_call


def _goes_on(project: Project, told: Told) -> bool:
    """Go on with the run as the message says; False when there is none yet, of which the message says nothing."""
    listed = json.loads(project.call("runs", "list", "--format", "json").out)
    found = re.search(r"run (prun-\S+) is kept as it stands; to go on with it: planrunner resume \1$", told.err, re.M)
    runs = [run["id"] for run in (listed["runs"] if isinstance(listed, dict) else listed)]
    if not runs:
        assert found is None
        assert project.made() == []
        return False
    assert found is not None, told.err
    assert runs == [found[1]]
    calls = project.made()
    project.let_go("first", "second")
    assert project.call("resume", found[1], "--no-input").code == 3
    done = project.call("resume", found[1], "--answer", "ask=now")
    assert (done.code, done.out) == (0, "before, now\n"), done.err
    keys = [json.loads(line)[1] for line in project.made()]
    assert len(set(keys)) == 2
    assert len(keys) <= 2 + len(calls), "more than the call in flight was repeated"
    return True
