"""A disk that is full, as the kernel tells it, and a record file that can't be written: through the command line."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planrunner.cli.main import main
from tests.conftest import Size
from tests.crash.project import SUMS, Project

BAD_DISK = str(Path(__file__).with_name("bad_disk.py"))
FRAME = 4096 + 24
"""Bytes that SQLite's log grows by at least."""

STEPS = 12
CHAIN = "planrunner: 1\nname: chain\nsteps:\n  - {id: s0, set: 1}\n" + "".join(
    f'  - {{id: s{n}, tool: calculator, args: {{expression: "{{{{ steps.s{n - 1}.output }}}} + 1"}}}}\n'
    for n in range(1, STEPS)
)


def test_a_full_disk_at_any_size(tmp_path: Path, size: Size) -> None:
    """The file may grow to one size, then to a larger one, until the whole run fits."""
    sizes = {"no store": 0, "no run": 0, "kept": 0}
    limit, code = 40_000, 1
    while code != 0:
        project = Project(tmp_path / f"project{limit}", CHAIN)
        told = project.call("run", "plan.yml", "--no-input", first=(BAD_DISK, str(limit)))
        code = told.code
        if code:
            sizes[_goes_on(project, told.err, code)] += 1
        limit += size(3 * FRAME + 700, FRAME // 3)
        assert limit < 2_000_000
    print(sizes)
    assert sizes["kept"] >= 2


def _goes_on(project: Project, err: str, code: int) -> str:
    assert "Traceback" not in err, err
    assert "defect" not in err, err
    kept = re.search(r"run (prun-\S+) is kept as it stands; to go on with it: planrunner resume \1$", err, re.M)
    if kept is None:
        assert code in (1, 2), err
        assert json.loads(project.call("runs", "list", "--format", "json").out) in ([], {"runs": []})
        done = project.call("run", "plan.yml")
    else:
        assert code == 1, err
        assert "could not be written" in err
        done = project.call("resume", kept[1])
    assert (done.code, done.out) == (0, f"{STEPS}\n"), done.err
    return "kept" if kept else "no store" if code == 2 else "no run"


Break = Callable[[pytest.MonkeyPatch], None]


def _fails(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


BREAKS: dict[str, Break] = {
    "open": lambda patch: patch.setattr("planrunner.record_file._created", _fails),
    "rename": lambda patch: patch.setattr("planrunner.record_file.os.replace", _fails),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_record_file_that_cant_be_written_harms_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    project = Project(tmp_path / "project", SUMS)
    monkeypatch.chdir(project.folder)
    assert main(["run", "plan.yml", "--no-input", "--format", "json"]) == 3
    run_id = json.loads(capsys.readouterr().out)["id"]
    records = project.folder / ".planrunner" / "runs"
    before = (records / f"{run_id}.json").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        BREAKS[broken](patch)
        code = main(["resume", run_id, "--answer", "ask=2"])
    told = capsys.readouterr()
    assert code in (0, 1)
    assert "can't be written" in told.err
    assert "The run itself is stored" in told.err
    assert os.strerror(errno.ENOSPC) in told.err
    assert [path.name for path in records.iterdir()] == [f"{run_id}.json"], "a draft was left behind"
    assert (records / f"{run_id}.json").read_bytes() == before
    assert main(["resume", run_id]) == 0
    assert capsys.readouterr().out == "42\n"
    assert json.loads((records / f"{run_id}.json").read_text())["state"] == "COMPLETE"
