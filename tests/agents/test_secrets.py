"""A server that repeats the keys it is called with, in every way it can: none of them is written anywhere."""

from __future__ import annotations

import base64
import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from planrunner.cli.main import main
from planrunner.models.masking import MASK
from tests.agents.bench import KEY
from tests.cli.commands import environment, process
from tests.servers.openai_server import Answer, OpenAIServer, Request, calls, completion, delta, failure, sse, text

TOML_KEY = "tk_in/the+toml-file~0123456789"
HEADER_KEY = "hk-of-a-header-0123456789"

PLAN = """
planrunner: 1
name: echo
agents:
  it: {model: MODEL, tools: [log]}
steps:
  - {id: work, task: "Go.", agent: it, retry: {delay: 10ms}}
  - {id: shape, task: "Go on.", agent: {model: MODEL}, returns: {words: {type: string}}, retry: {delay: 10ms}}
"""
TOML = f"""
[models.mine]
model = "openai/x"
api_key = "{TOML_KEY}"
[models.mine.extra_headers]
X-Proxy-Authorization = "Bearer {HEADER_KEY}"
"""


def spellings(header: str) -> list[str]:
    """A header, or a key, as a server may write it."""
    data = header.encode()
    coded = [base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode(), quote(header, safe="")]
    return [header, *coded, header.replace("/", "\\/"), data.hex()]


def needles() -> list[bytes]:
    """What must be found nowhere: the keys, and the middle of each of their spellings."""
    found = {KEY, TOML_KEY, HEADER_KEY}
    for key in (KEY, TOML_KEY, HEADER_KEY):
        for before in ("", "Bearer ", "x"):
            found |= {told[len(told) // 2 - 8 : len(told) // 2 + 12] for told in spellings(before + key)}
    return [each.encode() for each in found]


def echo(request: Request) -> list[str]:
    """All that the server was told and should keep to itself."""
    secrets = [request.headers["authorization"], request.headers.get("x-proxy-authorization", "")]
    secrets += [secret.removeprefix("Bearer ") for secret in secrets]
    return [told for secret in secrets if secret for told in spellings(secret)]


def good(request: Request) -> Answer:
    """Keys in words and calls, made and refused; then in the answer."""
    said, turn = " ".join(echo(request)), sum(m["role"] == "assistant" for m in request.messages)
    if "Go on." in request.messages[1]["content"]:
        return text(json.dumps({"words": said}))
    if turn == 0:
        asked = json.loads(calls(("log", {"message": said}), (f"no_{said}", {"a": said}), ("log", {said: said})).body)
        message = asked["choices"][0]["message"]
        message["content"] = said
        message["tool_calls"][0]["id"] = echo(request)[0]
        return completion(message, "tool_calls")
    return text(f"The key is {said}.")


def bad(request: Request) -> Answer:
    """Keys in errors of every kind."""
    said = " ".join(echo(request))
    answers = [failure(500, said), failure(429, said, retry_after="0"), failure(401, said, code=said)]
    answer = answers[next(FAILURES) % 3]  # the third ends the run
    return replace(answer, headers={**answer.headers, "x-echo": said})


def in_pieces(request: Request) -> Answer:
    """As `good`, in pieces of three characters, if a stream was asked for; the log call too."""
    whole = json.loads(good(request).body)["choices"][0]
    message = whole["message"]
    words = message["content"] or ""
    parts: list[dict[str, Any]] = [delta(content=words[place : place + 3]) for place in range(0, len(words), 3)]
    for index, call in enumerate(message.get("tool_calls") or ()):
        told = call["function"].pop("arguments")
        parts.append(delta(tool_calls=[{"index": index, **call}]))
        parts += [
            delta(tool_calls=[{"index": index, "function": {"arguments": told[place : place + 3]}}])
            for place in range(0, len(told), 3)
        ]
    return sse(*parts, delta(whole["finish_reason"]))


def broken_off(request: Request) -> Answer:
    """Words with keys, and then an error in the middle of the stream."""
    said = " ".join(echo(request))
    body = sse(delta(content=said[: len(said) // 2]), done=False).body
    return Answer(body + f"data: {json.dumps({'error': {'message': said}})}\n\n".encode(), headers=sse().headers)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "planrunner.toml").write_text(TOML)
    for model in ("openai/x", "mine"):
        (folder / f"{model.rpartition('/')[2]}.yml").write_text(PLAN.replace("MODEL", model))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return folder


def written(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in root.rglob("*"):
        if path.is_file() and path.name != "planrunner.toml":
            yield str(path), path.read_bytes()


def hits(told: dict[str, bytes]) -> list[tuple[str, bytes]]:
    return [(where, needle) for where, what in told.items() for needle in needles() if needle in what]


FAILURES = itertools.count()
SHOWN = (
    [],
    ["--events"],
    ["--prompts"],
    ["--format", "json"],
    ["--events", "--format", "json"],
    ["--prompts", "--format", "json"],
)


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
@pytest.mark.parametrize("model", ["x", "mine"])
@pytest.mark.parametrize("server_is", [good, bad, in_pieces, broken_off])
def test_no_key_is_written_anywhere(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    form: str,
    model: str,
    server_is: Callable[[Request], Answer],
) -> None:
    if server_is in (in_pieces, broken_off) and form != "jsonl":
        pytest.skip("only jsonl hears streams here")
    told: dict[str, bytes] = {}
    with OpenAIServer(server_is) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
        code = main(["run", f"{model}.yml", "-vvv", "--debug", "--format", form])
        out, err = capfd.readouterr()
        told |= {"stdout": out.encode(), "stderr": err.encode()}
        told |= dict(written(folder.parent))  # while the write-ahead log is still there, if it is
        assert len(server.requests) >= 1
        assert any(KEY in request.headers["authorization"] for request in server.requests) == (model == "x")
    assert code == (0 if server_is in (good, in_pieces) else 1), err
    (record,) = (folder / ".planrunner" / "runs").glob("*.json")
    for words in SHOWN:
        assert main(["runs", "show", record.stem, *words]) == 0
        told[f"show {words}"] = capfd.readouterr().out.encode()
    assert hits(told) == []
    masks = sum(what.count(MASK.encode()) for what in told.values())
    assert masks > 10, "nothing was masked: the server did not repeat the keys"


def test_no_key_is_written_by_a_process_of_its_own(folder: Path) -> None:
    with OpenAIServer(bad) as server:
        env = environment(OPENAI_API_KEY=KEY, HOME=str(folder), OPENAI_API_BASE=server.base_url)
        done = process("run", "mine.yml", "-vvv", "--debug", "--no-input", cwd=folder, env=env)
    assert done.code == 1, done.err
    assert hits({"stdout": done.out.encode(), "stderr": done.err.encode(), **dict(written(folder.parent))}) == []
    assert MASK in done.err


def test_a_key_is_given_to_no_tool_and_stands_in_no_request_body(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer([text("hi"), text('{"words": "hi"}')]) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
        assert main(["run", "mine.yml", "-q"]) == 0
    assert [request.headers["authorization"] for request in server.requests] == [f"Bearer {TOML_KEY}"] * 2
    assert [request.headers["x-proxy-authorization"] for request in server.requests] == [f"Bearer {HEADER_KEY}"] * 2
    assert hits({"bodies": json.dumps([request.body for request in server.requests]).encode()}) == []
    assert os.environ["OPENAI_API_KEY"] == KEY
