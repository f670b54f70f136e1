"""A server on loopback that answers like open-meteo, or as a test wants it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SVALBARD = {"name": "Svalbard", "country": "Norway", "latitude": 78.0, "longitude": 16.0}
PLACES = {"results": [SVALBARD]}
NOW = {"current": {"temperature_2m": -11.5, "weather_code": 71}}


class Server(ThreadingHTTPServer):
    """Answers like open-meteo, or as a test wants it; `asked` keeps what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, object] = {"/v1/search": PLACES, "/v1/forecast": NOW}
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.asked.append((url.path, parse_qs(url.query)))
        answer = self.server.answers[url.path]
        if callable(answer):
            answer(self)
        else:
            self.send(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def send(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def open_meteo() -> Iterator[Server]:
    """The server, while the `with` block lasts."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()
