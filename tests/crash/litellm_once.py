"""A process that has litellm imported, and carries out command lines in forks of itself: `litellm_once.py`.

Reads lines of JSON, `{"words": […], "cwd": …, "env": {…}, "out": FILE}`; answers each with the id of the process that
carries it out, and with its exit code (negative: the signal that ended it) once that has ended.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from planrunner.cli.main import main as planrunner
from planrunner.models import litellm
from planrunner.models.litellm import LitellmModel


def fork(words: list[str], cwd: str, env: dict[str, str], out: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.chdir(cwd)
        os.environ.update(env)
        for number, name in ((1, out), (2, f"{out}.err")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = planrunner(words)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    LitellmModel().warm()
    assert litellm._imported is not None
    litellm._imported.result()
    print("ready", flush=True)
    while line := sys.stdin.readline():
        told: dict[str, Any] = json.loads(line)
        pid = fork(**told)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
