"""A process of its own that carries a run: `carrier.py FOLDER [LEASE_SECONDS]`, then commands, line by line.

    run               begin the plan
    resume RUN        carry the run on
    race RUN MOMENT   the same at a moment (seconds since 1970)

Each command is answered by one line of JSON: `{"state": …}` or `{"error": NAME, "says": …, "code": …}`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from planrunner import PlanrunnerError
from planrunner.events import Event
from planrunner.journal import base

folder = Path(sys.argv[1])
if len(sys.argv) > 2:
    base.RENEW_SECONDS = float(sys.argv[2]) / 3
    base.LEASE_SECONDS = float(sys.argv[2])

import planrunner.journal.sqlite  # noqa: E402 - reads the lease when it is imported
import planrunner.steps.clarify  # noqa: E402
import planrunner.steps.set  # noqa: E402
import planrunner.steps.task  # noqa: E402
import planrunner.steps.tool  # noqa: E402, F401 - so that a life of this process is a life of the run
from tests.crash.work import Workshop, load  # noqa: E402


class Heard:
    """Keeps what the listener of a run is told, and so what is acknowledged."""

    def __init__(self) -> None:
        self.file = os.open(folder / "heard", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __call__(self, event: Event) -> None:
        os.write(self.file, (json.dumps(event) + "\n").encode())


def carry(runner: Workshop, command: str, *words: str) -> dict[str, Any]:
    try:
        if command == "run":
            run = runner.run(load(), on_event=Heard())
        else:
            if command == "race":
                while time.time() < float(words[1]):
                    pass
            run = runner.resume(words[0], on_event=Heard())
    except PlanrunnerError as error:
        return {"error": type(error).__name__, "says": str(error), "code": error.exit_code}
    return {"state": run.state, "run": run.id}


def main() -> None:
    print("ready", flush=True)
    runner = None
    while line := sys.stdin.readline():
        runner = runner or Workshop(folder)
        print(json.dumps(carry(runner, *line.split())), flush=True)
    if runner is not None:
        runner.close()


if __name__ == "__main__":
    main()
