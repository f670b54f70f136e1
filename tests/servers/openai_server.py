"""An OpenAI-compatible chat server of the tests' own: real sockets on loopback, answers as the test scripts them."""

from __future__ import annotations

import itertools
import json
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Request:
    """What a client sent. Header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body["messages"])

    @property
    def system(self) -> str:
        """The text of the system message."""
        return str(next(m["content"] for m in self.messages if m["role"] == "system"))


@dataclass(frozen=True)
class Answer:
    """How one request is answered.

    manner  `whole`; `cut` (a part of the promised body, then the connection ends); `short` (the same, no length having
            been promised: it looks like the end); `held` (a part, and the rest when `until` is set); `drip` (a byte now
            and then, without end); `trickle` (as a stream of words without end); `hang` (nothing at all); `reset` (the
            connection is torn down)
    at      how much is sent of a body that is not sent whole: bytes, or the text up to whose end it is sent; None: half
    plain   it is sent as it is, also to a client that asked for a stream
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "whole"
    at: int | str | None = None
    until: threading.Event | None = None
    plain: bool = False

    @property
    def split(self) -> tuple[bytes, bytes]:
        """The body up to `at`, and the rest."""
        at = self.at
        if isinstance(at, str):
            at = self.body.index(at.encode()) + len(at)
        elif at is None:
            at = len(self.body) // 2
        return self.body[:at], self.body[at:]


def text(content: Any, **message: Any) -> Answer:
    """The model says this."""
    return completion({"role": "assistant", "content": content, **message}, "stop")


def calls(*asked: tuple[str, Any]) -> Answer:
    """The model asks for these tools: `(name, args)`; args that are a str are sent as they are."""
    tool_calls = [
        {
            "id": f"call_{place}",
            "type": "function",
            "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
        }
        for place, (name, args) in enumerate(asked)
    ]
    return completion({"role": "assistant", "content": None, "tool_calls": tool_calls}, "tool_calls")


def completion(message: dict[str, Any], finish_reason: str) -> Answer:
    return chat([{"index": 0, "message": message, "finish_reason": finish_reason}])


def chat(choices: Any) -> Answer:
    """A chat completion with these choices, whatever they are."""
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "x", "choices": choices}
    return raw(json.dumps({**body, "usage": usage}).encode())


def raw(body: bytes) -> Answer:
    return Answer(body, headers={"content-type": "application/json"})


def sse(*parts: dict[str, Any], done: bool = True) -> Answer:
    """A stream of these chunks; `done`: with the mark that nothing follows."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "x"}
    lines = [f"data: {json.dumps({**base, **part})}\n\n" for part in parts] + ["data: [DONE]\n\n"] * done
    return Answer("".join(lines).encode(), headers={"content-type": "text/event-stream"})


def delta(finish_reason: str | None = None, **message: Any) -> dict[str, Any]:
    """One chunk of a stream."""
    return {"choices": [{"index": 0, "delta": message, "finish_reason": finish_reason}]}


def streamed(answer: Answer) -> Answer:
    """A whole chat completion as the stream that a client asked for, its text in pieces; any other answer as it is."""
    try:
        whole = json.loads(answer.body)
        choice = whole["choices"][0]
        message = choice["message"]
        content, tool_calls = message["content"], message.get("tool_calls") or []
    except (ValueError, TypeError, LookupError):
        return answer
    if answer.status != 200:
        return answer
    pieces = [content[place : place + 5] for place in range(0, len(content or ""), 5)]
    parts = [delta(role="assistant", content=None)]
    parts += [delta(content=piece) for piece in pieces]
    parts += [delta(tool_calls=[{"index": index, **call}]) for index, call in enumerate(tool_calls)]
    parts += [delta(choice["finish_reason"]), {"choices": [], "usage": whole["usage"]}]
    stream = sse(*parts)
    return replace(answer, body=stream.body, headers={**answer.headers, **stream.headers})


def failure(status: int, message: str = "no", code: str | None = None, **headers: str) -> Answer:
    """An error as the API tells it; in header names `_` stands for `-`."""
    body = {"error": {"message": message, "type": "test", "param": None, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(body).encode(), status, {"content-type": "application/json", **named})


def cut(answer: Answer, at: int | str | None = None) -> Answer:
    return replace(answer, manner="cut", at=at)


def short(answer: Answer, at: int | str | None = None) -> Answer:
    return replace(answer, manner="short", at=at)


def held(answer: Answer, at: int | str, until: threading.Event) -> Answer:
    return replace(answer, manner="held", at=at, until=until)


def drip(answer: Answer) -> Answer:
    return replace(answer, manner="drip")


def plain(answer: Answer) -> Answer:
    return replace(answer, plain=True)


TRICKLE = Answer(headers={"content-type": "text/event-stream"}, manner="trickle")
HANG = Answer(manner="hang")
RESET = Answer(manner="reset")

Script = Sequence[Answer] | Callable[[Request], Answer]


class OpenAIServer:
    """Serves `POST /v1/chat/completions` while the `with` block lasts.

    script    answers, one per request in the order of their coming, or a function from the request to its answer
    requests  everything that was asked so far
    asked     set once the first request has come
    left      set once a client has gone away while its answer was still owed (`hang`, `drip`)
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self.asked = threading.Event()
        self.left = threading.Event()
        self.closing = threading.Event()
        self.wrong: list[BaseException | None] = []
        self._script = script
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def base_url(self) -> str:
        """What goes into OPENAI_API_BASE or `api_base`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        assert not self.wrong, self.wrong

    def answer(self, request: Request) -> Answer:
        with self._lock:
            number = next(self._numbers)
            self.requests.append(request)
        self.asked.set()
        if callable(self._script):
            return self._script(request)
        if number < len(self._script):
            return self._script[number]
        return failure(400, f"the test scripts {len(self._script)} answers, and this is request {number + 1}")


class _Server(ThreadingHTTPServer):
    owner: OpenAIServer
    daemon_threads = False  # server_close() then waits for every connection: no thread outlives its test
    request_queue_size = 256

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep alive."""
        for connection in list(self._open):
            with suppress(OSError):  # the client was first
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what some tests are about; a script that is wrong is told."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.owner.wrong.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, json.loads(body))
        answer = self.server.owner.answer(request)
        if request.body.get("stream") and not answer.plain:
            answer = streamed(answer)
        getattr(self, f"_{answer.manner}")(answer)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def _head(self, answer: Answer, length: int | None) -> None:
        """Status and headers. Without a length the body ends with the connection."""
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("connection", "close")
            self.close_connection = True
        else:
            self.send_header("content-length", str(length))
        self.end_headers()

    def _whole(self, answer: Answer) -> None:
        self._head(answer, len(answer.body))
        self.wfile.write(answer.body)

    def _cut(self, answer: Answer) -> None:
        self._head(answer, len(answer.body))
        self.wfile.write(answer.split[0])
        self.close_connection = True

    def _short(self, answer: Answer) -> None:
        self._head(answer, None)
        self.wfile.write(answer.split[0])

    def _held(self, answer: Answer) -> None:
        first, rest = answer.split
        self._head(answer, len(answer.body))
        self.wfile.write(first)
        while answer.until is not None and not answer.until.is_set():
            if not self._client_stays():
                return
        self.wfile.write(rest)

    def _trickle(self, answer: Answer) -> None:
        self._head(answer, None)
        word = sse(delta(content="word "), done=False).body
        while self._client_stays():
            self.wfile.write(word)

    def _drip(self, answer: Answer) -> None:
        self._head(answer, 1_000_000)
        while self._client_stays():
            self.wfile.write(b" ")

    def _hang(self, answer: Answer) -> None:
        while self._client_stays():
            pass
        self.close_connection = True

    def _reset(self, answer: Answer) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _client_stays(self) -> bool:
        """Wait a moment; False when the client has gone, or when the test is over."""
        if self.server.owner.closing.wait(0.02):
            return False
        readable, _, _ = select.select([self.connection], [], [], 0)
        if readable and not self.connection.recv(1, socket.MSG_PEEK):
            self.server.owner.left.set()
            self.close_connection = True
            return False
        return True
