"""A model that costs next to nothing: OpenAI-compatible chat completions on loopback, in a process of its own.

    python benchmarks/stub_server.py    # prints its port, serves until standard input ends

`POST /wait/MS/v1/chat/completions` answers after so many milliseconds: with a call of the first tool it is offered,
and once that has been answered, or when it is offered none, with a text. `GET /heard` tells, and forgets, what it was
asked: `{at_once, bodies}`, the most requests that it was answering at one time, and the body of each.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

_USAGE = {"prompt_tokens": 40, "completion_tokens": 12, "total_tokens": 52}


def completion(message: dict[str, Any], reason: str) -> bytes:
    """The HTTP response that carries this message."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stub", "choices": [choice]}
    return response({**body, "usage": _USAGE})


def response(told: Any) -> bytes:
    """A whole HTTP response."""
    body = json.dumps(told).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


TEXT = completion({"content": "It is in stock, and is sent tomorrow."}, "stop")


def tool_call(name: str) -> bytes:
    """The HTTP response that asks for this tool."""
    function = {"name": name, "arguments": '{"sku": "A-1"}'}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    return completion({"content": None, "tool_calls": calls}, "tool_calls")


class Heard:
    """What was asked of all connections since somebody wanted to know."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.open = 0
        self.at_once = 0
        self.tool_calls: dict[str, bytes] = {}

    def tell(self) -> bytes:
        """`GET /heard`."""
        told, self.bodies, self.at_once = {"at_once": self.at_once, "bodies": self.bodies}, [], self.open
        return response(told)

    def answer(self, body: bytes) -> bytes:
        """What the model says to a request."""
        self.bodies.append(body.decode())
        asked = json.loads(body)
        if not asked.get("tools") or asked["messages"][-1]["role"] == "tool":
            return TEXT
        name = asked["tools"][0]["function"]["name"]
        if name not in self.tool_calls:
            self.tool_calls[name] = tool_call(name)
        return self.tool_calls[name]


class Connection(asyncio.Protocol):
    """One client, kept alive. It sends its next request when it has read the answer to the last."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1].decode()
        if path == "/heard":
            self._transport.write(self._heard.tell())
            return
        self._heard.open += 1
        self._heard.at_once = max(self._heard.at_once, self._heard.open)
        seconds = int(path.split("/")[2]) / 1000
        answer = self._heard.answer(body)
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes) -> None:
        self._heard.open -= 1
        self._transport.write(answer)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def serve() -> None:
    """Serve until standard input ends, with the process that began this one at the latest."""
    heard, loop = Heard(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(heard), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
