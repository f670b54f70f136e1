"""The current weather of a place, from the open-meteo API, which needs no key."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any, Final

from planrunner.errors import ToolHardError, ToolSoftError
from planrunner.tools.base import Tool, ToolRunContext

URL_VARIABLE: Final = "PLANRUNNER_OPEN_METEO_URL"
"""Environment variable with the address of a server that answers for both of open-meteo's."""

GEOCODING_URL: Final = "https://geocoding-api.open-meteo.com"
FORECAST_URL: Final = "https://api.open-meteo.com"
TIMEOUT = 20.0
"""Seconds for one request with its whole answer."""

_MAX_BYTES: Final = 1024 * 1024


class Weather(Tool):
    """Looks the place up, then asks for its weather now."""

    id = "weather"
    description = "The current weather of a city or place: temperature in degrees Celsius, and conditions in words."
    args_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1, "maxLength": 200, "description": "City or place, e.g. Oslo"}
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    output_schema: Mapping[str, Any] | None = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The place that was found"},
            "country": {"type": ["string", "null"]},
            "temperature_c": {"type": "number"},
            "conditions": {"type": "string", "description": "e.g. light snow"},
            "text": {"type": "string", "description": "All of it as one sentence"},
        },
        "required": ["city", "temperature_c", "conditions", "text"],
        "additionalProperties": False,
    }
    effect = "read"

    def run(self, ctx: ToolRunContext, city: str) -> dict[str, Any]:
        """The weather. ToolSoftError for an unknown place and for failures that may pass, ToolHardError for others."""
        place = _place(city)
        now = _current(place)
        conditions = CONDITIONS.get(now["weather_code"], f"unknown (WMO code {now['weather_code']})")
        degrees = now["temperature_2m"]
        return {
            "city": place["name"],
            "country": place.get("country"),
            "temperature_c": degrees,
            "conditions": conditions,
            "text": f"{place['name']}: {conditions}, {degrees} °C",
        }


def _place(city: str) -> dict[str, Any]:
    """The best match for the name: `name`, `country`, `latitude`, `longitude`."""
    answer = _ask(GEOCODING_URL, "/v1/search", {"name": city, "count": 1, "language": "en", "format": "json"})
    places = answer.get("results", [])
    if places == []:
        raise ToolSoftError(f"open-meteo knows no place {city!r}; try another spelling or a larger place nearby")
    place = places[0] if isinstance(places, list) else None
    if not isinstance(place, dict) or not isinstance(place.get("name"), str):
        raise _not_understood("a place without a name")
    if not (_is_number(place.get("latitude")) and _is_number(place.get("longitude"))):
        raise _not_understood("a place without latitude and longitude")
    return place


def _current(place: Mapping[str, Any]) -> dict[str, Any]:
    """`temperature_2m` in degrees Celsius and `weather_code`, of now."""
    query = {key: place[key] for key in ("latitude", "longitude")}
    answer = _ask(FORECAST_URL, "/v1/forecast", {**query, "current": "temperature_2m,weather_code"})
    now = answer.get("current")
    if not isinstance(now, dict) or not _is_number(now.get("temperature_2m")):
        raise _not_understood("a forecast without the current temperature")
    if not isinstance(now.get("weather_code"), int):
        raise _not_understood("a forecast without a weather code")
    return now


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _not_understood(what: str) -> ToolHardError:
    return ToolHardError(f"open-meteo answered {what}; its API may have changed")


def _ask(server: str, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object that the server answers."""
    from urllib.parse import urlencode

    base = os.environ.get(URL_VARIABLE) or server
    if not base.startswith(("https://", "http://")):
        raise ToolHardError(f"{URL_VARIABLE} is {base!r}; expected an address that begins with https:// or http://")
    text = _fetch(f"{base.rstrip('/')}{path}?{urlencode(query)}")
    try:
        answer = json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        raise _not_understood("what is not JSON") from error
    if not isinstance(answer, dict):
        raise _not_understood("JSON that is no object")
    return answer


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _fetch(url: str) -> bytes:
    """The body of the answer; failures that may pass are soft."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import urlopen

    deadline = time.monotonic() + TIMEOUT
    try:
        with urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310  the scheme was checked
            return _read(response, deadline)
    except HTTPError as error:
        error.close()
        kind = ToolSoftError if error.code >= 500 or error.code == 429 else ToolHardError
        raise kind(f"open-meteo answered with HTTP status {error.code} {error.reason}".rstrip()) from error
    except TimeoutError as error:
        raise _too_slow() from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise _too_slow() from error
        raise ToolSoftError(f"open-meteo can't be reached: {reason or type(reason).__name__}") from error


def _read(response: Any, deadline: float) -> bytes:
    """The whole body. The socket's timeout bounds each wait; the deadline bounds a server that drips."""
    body = b""
    while chunk := response.read1(65536):
        body += chunk
        if len(body) > _MAX_BYTES:
            raise _not_understood(f"more than {_MAX_BYTES // 1024} KiB")
        if time.monotonic() > deadline:
            raise TimeoutError
    if response.length:
        raise ToolSoftError("open-meteo's answer was cut off")
    return body


def _too_slow() -> ToolSoftError:
    return ToolSoftError(f"open-meteo did not answer within {TIMEOUT:g} seconds")


CONDITIONS: Final[dict[int, str]] = {
    0: "clear sky",
    1: "mainly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    48: "fog with rime",
    51: "light drizzle",
    53: "drizzle",
    55: "dense drizzle",
    56: "light freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light rain showers",
    81: "rain showers",
    82: "violent rain showers",
    85: "light snow showers",
    86: "snow showers",
    95: "thunderstorm",
    96: "thunderstorm with light hail",
    99: "thunderstorm with heavy hail",
}
"""WMO weather interpretation codes, as open-meteo uses them, in words."""
