"""In a process of its own: litellm reads no .env, prints nothing, leaves no file and reaches no other machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.servers.openai_server import RESET, OpenAIServer, calls, chat, failure, raw, text

PROGRAM = """
import asyncio, os, sys

reached = []

def watch(event, args):
    if event == "socket.connect":
        reached.append(str(args[1]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        reached.append(f"{event} {args}")

sys.addaudithook(watch)

from planrunner.errors import StepError
from planrunner.models.base import ModelRequest
from planrunner.models.litellm import LitellmModel

base, count = sys.argv[1], int(sys.argv[2])
tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
model = LitellmModel()
model.warm()

async def ask():
    request = ModelRequest("openai/gpt-4o-mini", [{"role": "user", "content": "q"}], [tool], {"api_base": base})
    try:
        await model.complete(request)
    except StepError:
        pass

for _ in range(count):
    asyncio.run(ask())

strange = [place for place in reached if "'127.0.0.1'" not in place]
assert not strange, strange
assert reached
assert "OPENAI_API_KEY" not in os.environ
assert "HOSTILE" not in os.environ
"""


def test_nothing_is_read_printed_left_or_reached(tmp_path: Path) -> None:
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / ".env").write_text("OPENAI_API_KEY=sk-hostile-0123456789\nHOSTILE=1\nLITELLM_LOG=DEBUG\n")
    answers = [text("hi"), calls(("weather", {})), failure(401), failure(500), chat([]), chat(3), raw(b"{"), RESET]
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "TMPDIR")}
    with OpenAIServer(answers) as server:
        done = subprocess.run(
            [sys.executable, "-B", "-W", "error", "-c", PROGRAM, server.base_url, str(len(answers))],
            cwd=folder,
            env={**kept, "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 0)
    assert len(server.requests) == len(answers)
    assert {seen.headers["authorization"] for seen in server.requests} == {"Bearer none"}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".env"]
