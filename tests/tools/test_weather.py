import socket
import struct
from collections.abc import Iterator

import pytest

from planrunner.errors import ToolHardError, ToolSoftError
from planrunner.tools.builtin import weather
from planrunner.tools.builtin.weather import CONDITIONS, Weather
from tests.servers.open_meteo import Handler, Server, open_meteo


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    with open_meteo() as server:
        monkeypatch.setenv(weather.URL_VARIABLE, server.url + "/")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


def test_looks_the_place_up_and_asks_for_its_weather(server, call):
    assert call(Weather(), city="Svalbard & Jan Mayen?") == {
        "city": "Svalbard",
        "country": "Norway",
        "temperature_c": -11.5,
        "conditions": "light snow",
        "text": "Svalbard: light snow, -11.5 °C",
    }
    (search, place), (forecast, now) = server.asked
    assert (search, place["name"], place["count"]) == ("/v1/search", ["Svalbard & Jan Mayen?"], ["1"])
    assert (forecast, now) == (
        "/v1/forecast",
        {"latitude": ["78.0"], "longitude": ["16.0"], "current": ["temperature_2m,weather_code"]},
    )


@pytest.mark.parametrize("code", [*CONDITIONS, 42])
def test_conditions(server, call, code):
    server.answers["/v1/forecast"] = {"current": {"temperature_2m": 3, "weather_code": code}}
    found = call(Weather(), city="x")
    assert found["conditions"] == CONDITIONS.get(code, "unknown (WMO code 42)")
    assert found["temperature_c"] == 3


@pytest.mark.parametrize("answer", [{}, {"results": []}, {"generationtime_ms": 0.5}])
def test_an_unknown_place_is_soft(server, call, answer):
    server.answers["/v1/search"] = answer
    with pytest.raises(ToolSoftError, match=r"knows no place 'Nowhere'; try another spelling"):
        call(Weather(), city="Nowhere")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/forecast"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, ToolHardError) for status in (400, 401, 404)),
        *((status, ToolSoftError) for status in (429, 500, 503)),
    ],
)
def test_statuses(server, call, path, status, kind):
    server.answers[path] = lambda handler: handler.send(status, b"{}")
    with pytest.raises(kind, match=f"HTTP status {status}") as caught:
        call(Weather(), city="x")
    assert type(caught.value) is kind


GARBAGE = [b"", b"<html>", b"[]", b"null", b'{"results": ', b"\xff\xfe\x00", b'{"results": NaN}', b"x" * 2_000_000]


@pytest.mark.parametrize("body", GARBAGE)
@pytest.mark.parametrize("path", ["/v1/search", "/v1/forecast"])
def test_garbage_is_hard(server, call, path, body):
    server.answers[path] = body
    with pytest.raises(ToolHardError, match="open-meteo answered"):
        call(Weather(), city="x")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/search", {"results": "x"}),
        ("/v1/search", {"results": [7]}),
        ("/v1/search", {"results": [{"latitude": 1, "longitude": 2}]}),
        ("/v1/search", {"results": [{"name": "x", "latitude": "1", "longitude": 2}]}),
        ("/v1/search", {"results": [{"name": "x", "latitude": 1}]}),
        ("/v1/forecast", {}),
        ("/v1/forecast", {"current": []}),
        ("/v1/forecast", {"current": {"temperature_2m": None, "weather_code": 1}}),
        ("/v1/forecast", {"current": {"temperature_2m": True, "weather_code": 1}}),
        ("/v1/forecast", {"current": {"temperature_2m": 1.5}}),
        ("/v1/forecast", {"current": {"temperature_2m": 1.5, "weather_code": "1"}}),
    ],
)
def test_json_of_another_shape_is_hard(server, call, path, answer):
    server.answers[path] = answer
    with pytest.raises(ToolHardError, match="its API may have changed"):
        call(Weather(), city="x")


def _hang(handler: Handler) -> None:
    handler.server.released.wait(30)


def _drip(handler: Handler) -> None:
    handler.send(200, b"{", length=100_000)
    while not handler.server.released.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


@pytest.mark.parametrize("slow", [_hang, _drip])
def test_a_slow_server_is_given_up(server, call, monkeypatch, slow):
    monkeypatch.setattr(weather, "TIMEOUT", 0.3)
    server.answers["/v1/forecast"] = slow
    with pytest.raises(ToolSoftError, match=r"did not answer within 0\.3 seconds"):
        call(Weather(), city="x")


def _reset(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def _close(handler: Handler) -> None:
    handler.close_connection = True


def _cut(handler: Handler) -> None:
    handler.send(200, b'{"results": [', length=1000)
    handler.close_connection = True


@pytest.mark.parametrize("breaking", [_close, _cut, _reset])
def test_a_connection_that_breaks_is_soft(server, call, breaking):
    server.answers["/v1/search"] = breaking
    server.handle_error = lambda *_: None  # a handler that closed its own connection
    with pytest.raises(ToolSoftError, match=r"can't be reached|was cut off"):
        call(Weather(), city="x")


def test_no_server_is_soft(call, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv(weather.URL_VARIABLE, f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(ToolSoftError, match="can't be reached"):
        call(Weather(), city="x")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1", "127.0.0.1"])
def test_an_address_of_another_kind_is_refused(call, monkeypatch, url):
    monkeypatch.setenv(weather.URL_VARIABLE, url)
    with pytest.raises(ToolHardError, match="expected an address that begins with https"):
        call(Weather(), city="x")
