"""A session with the real yaml-language-server, over standard input and output, as an editor holds one."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

WAIT = 60
"""Seconds that one answer may take on a slow machine."""


class LanguageServer:
    """A running server. Places are 0-based and count UTF-16 code units, as in the protocol."""

    def __init__(self, command: list[str], folder: Path, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._marks: dict[str, queue.Queue[list[dict[str, Any]]]] = {}
        self._ids = count(1)
        self._configured = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        root = folder.as_uri()
        self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "workspaceFolders": [{"uri": root, "name": folder.name}],
                "capabilities": {
                    "workspace": {"configuration": True},
                    "textDocument": {
                        "hover": {"contentFormat": ["plaintext"]},
                        "completion": {"completionItem": {"snippetSupport": True}},
                    },
                },
            },
        )
        self._notify("initialized", {})
        # Before it has our settings it goes by its own, and looks for schemas on the network.
        assert self._configured.wait(WAIT), "the server did not ask for its settings"

    def open(self, file: Path, text: str | None = None) -> list[dict[str, Any]]:
        """Open a file (with a text that is not saved yet) and wait for its diagnostics."""
        self.show(file, text)
        return self.marks(file)

    def show(self, file: Path, text: str | None = None) -> None:
        """Open a file; its diagnostics come when they come."""
        content = file.read_text("utf-8") if text is None else text
        self._marks[file.as_uri()] = queue.Queue()  # before the server can know of the file
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": content}
        self._notify("textDocument/didOpen", {"textDocument": document})

    def marks(self, file: Path) -> list[dict[str, Any]]:
        """The diagnostics of a file that was opened."""
        return self._marks[file.as_uri()].get(timeout=WAIT)

    def complete(self, file: Path, line: int, character: int) -> list[dict[str, Any]]:
        """What may be typed at this place."""
        found = self.request("textDocument/completion", self._place(file, line, character))
        return list(found["items"] if isinstance(found, dict) else found or ())

    def hover(self, file: Path, line: int, character: int) -> str:
        """What is told of the thing at this place."""
        found = self.request("textDocument/hover", self._place(file, line, character))
        return "" if found is None else _text(found["contents"])

    def close(self) -> None:
        """End the session in the way the protocol asks for."""
        with contextlib.suppress(OSError, queue.Empty):
            self.request("shutdown", None)
            self._notify("exit", None)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def request(self, method: str, params: Any) -> Any:
        """Ask and wait for the answer."""
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while True:
            answer = self._answers.get(timeout=WAIT)
            if answer["id"] == number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    @staticmethod
    def _place(file: Path, line: int, character: int) -> dict[str, Any]:
        return {"textDocument": {"uri": file.as_uri()}, "position": {"line": line, "character": character}}

    def _notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        for message in _messages(self._process.stdout):
            if "method" not in message:
                self._answers.put(message)
            elif message["method"] == "textDocument/publishDiagnostics":
                told = message["params"]
                self._marks.setdefault(told["uri"], queue.Queue()).put(told["diagnostics"])
            elif "id" in message:
                self._send({"id": message["id"], "result": self._answer(message)})

    def _answer(self, asked: dict[str, Any]) -> Any:
        """What an editor says when the server asks it."""
        if asked["method"] != "workspace/configuration":
            return None
        self._configured.set()
        return [self._settings.get(item.get("section"), {}) for item in asked["params"]["items"]]


def _messages(stream: Any) -> Iterator[dict[str, Any]]:
    while True:
        length = 0
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if not length:
            return
        yield json.loads(stream.read(length))


def _text(contents: Any) -> str:
    if isinstance(contents, str):
        return contents
    return str(contents["value"]) if isinstance(contents, dict) else "\n".join(map(_text, contents))
