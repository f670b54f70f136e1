"""The one way into JSON: a plain copy of a value, or a typed error that says where in it something can't be told."""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable, Collection, Mapping
from math import isfinite
from typing import Any, Final, NoReturn

from planrunner.errors import SchemaError

MAX_DEPTH: Final = 200
MAX_VALUES: Final = 5_000_000
"""Values within values, counted with repetition: a list that holds one list twice, forty times over, is refused."""
MAX_DIGITS: Final = 4000
_HUGE: Final = 10**MAX_DIGITS


class _RefusedError(Exception):
    """On its way out; every level adds its key. `culprit` is the container that was too deep."""

    def __init__(self, reason: str, culprit: Any = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.keys: list[str | int] = []
        self.culprit = culprit

    def pass_through(self, container: Any, key: str | int) -> None:
        """Note the level that is being left; meeting the culprit again on its own way in means a cycle."""
        self.keys.append(key)
        if container is self.culprit:
            self.reason = "it contains itself"


def to_json_safe(value: Any, what: str = "output", *, max_values: int = MAX_VALUES) -> Any:
    """A copy made of dict, list, str, int, float, bool and None alone, which nobody else holds.

    Takes mappings with string keys, lists and tuples, pydantic models, dataclasses, enums (their value), datetimes,
    dates, times and UUIDs (their ISO form), and paths. `what` names the value in errors: `output.items[3].price`.
    Raises SchemaError for everything else: NaN and infinity, lone surrogates, bytes, sets, other objects, keys that
    are not strings, cycles, depth over MAX_DEPTH, more than `max_values` values, numbers over MAX_DIGITS digits.
    """
    try:
        return _copy(value, 0, [max_values])
    except _RefusedError as refused:
        raise SchemaError(f"{what}{_path(refused.keys[::-1])}: {refused.reason}") from None
    except RecursionError:
        raise SchemaError(f"{what}: it is nested too deeply") from None
    except RuntimeError as error:  # another thread still writes to it
        raise SchemaError(f"{what}: it can't be read: {error}") from None


def _path(keys: list[str | int]) -> str:
    shown = "".join(_path_part(key) for key in keys[:12])
    return shown + "…" if len(keys) > 12 else shown


def _path_part(key: str | int) -> str:
    if isinstance(key, str) and key.isidentifier():
        return f".{key}"
    return f"[{key!r}]" if len(str(key)) < 60 else "[…]"


def _copy(value: Any, depth: int, left: list[int]) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if -_HUGE < value < _HUGE else _refuse(f"it is a number of more than {MAX_DIGITS:,} digits")
    if kind is float:
        return value if isfinite(value) else _refuse(f"it is {value}, which JSON can't tell")
    if kind is dict:
        return _mapping(value, value.items(), depth, left)
    if kind is list or kind is tuple:
        return _list(value, depth, left)
    return _other(value, depth, left)


def _refuse(reason: str) -> NoReturn:
    raise _RefusedError(reason)


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        _refuse(f"it holds half a character (the lone surrogate U+{code:04X}, at {error.start})")
    return value


def _enter(value: Any, size: int, depth: int, left: list[int]) -> None:
    """Count what a container brings before it is copied."""
    if depth >= MAX_DEPTH:
        raise _RefusedError(f"it is nested more than {MAX_DEPTH} levels deep", value)
    left[0] -= size
    if left[0] < 0:
        _refuse("there are too many values in it")


def _mapping(value: Any, pairs: Collection[tuple[Any, Any]], depth: int, left: list[int]) -> dict[str, Any]:
    _enter(value, len(pairs), depth, left)
    copy: dict[str, Any] = {}
    key: Any = ""
    try:
        for key, item in pairs:
            if type(key) is not str or not key.isascii():
                copy[_key(key)] = _copy(item, depth + 1, left)
            else:
                copy[key] = _copy(item, depth + 1, left)
    except _RefusedError as refused:
        refused.pass_through(value, key if isinstance(key, str) else repr(key))
        raise
    return copy


def _key(key: Any) -> str:
    if isinstance(key, str):
        return _text(str.__str__(key))
    return _refuse(f"its key is {_kind(key)}; JSON has only strings as keys")


def _list(value: Any, depth: int, left: list[int]) -> list[Any]:
    _enter(value, len(value), depth, left)
    copy: list[Any] = []
    try:
        for item in value:
            copy.append(_copy(item, depth + 1, left))  # noqa: PERF401 - its length is the index of what is refused
    except _RefusedError as refused:
        refused.pass_through(value, len(copy))
        raise
    return copy


def _other(value: Any, depth: int, left: list[int]) -> Any:
    """The way for everything that is not exactly one of JSON's own types. It may run foreign code."""
    try:
        plain = _unwrap(value)
    except _RefusedError:
        raise
    except Exception as error:
        _refuse(f"it is {_kind(value)} that can't be read: {error}")
    if isinstance(plain, dict):
        return _mapping(value, plain.items(), depth, left)
    if isinstance(plain, list):
        return _list(plain, depth, left)
    return _copy(plain, depth, left)


def _unwrap(value: Any) -> Any:
    """One layer of a foreign type taken off: a str, int, float, dict, list, or what an enum holds."""
    from enum import Enum

    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, (list, tuple)):
        return list(value)
    return _unwrap_object(value)


def _unwrap_object(value: Any) -> Any:
    from dataclasses import fields, is_dataclass
    from datetime import date, time
    from pathlib import PurePath
    from uuid import UUID

    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (UUID, PurePath)):
        return str(value)
    if not isinstance(value, type):
        if callable(getattr(value, "model_dump", None)):
            return dict(value.model_dump(mode="json"))
        if is_dataclass(value):
            return {field.name: getattr(value, field.name) for field in fields(value)}
    _refuse(f"it is {_kind(value)}, which JSON can't tell{_advice(value)}")


def _kind(value: Any) -> str:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"an object of type {name}"


def _advice(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return "; decode it, or encode it as base64"
    if isinstance(value, (set, frozenset)):
        return "; make it a list"
    return ""


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is too large for a number")
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _encoder() -> Callable[[Any], str]:
    """The standard library's compiled encoder, made once: json.dumps makes a new one in every call."""
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)
    compiled: Any = getattr(json.encoder, "c_make_encoder", None)  # an interpreter without the C module has none
    if compiled is None:
        return encoder.encode
    make = compiled(None, encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    join = "".join
    return lambda value: join(make(value, 0))


_encode: Final = _encoder()
_decoder: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_constant)


def dumps(value: Any) -> str:
    """Compact JSON of a value that has passed `to_json_safe`: no spaces, non-ASCII kept, keys in their order."""
    return _encode(value)


def loads(text: str | bytes) -> Any:
    """The value of a JSON text (UTF-8 if bytes). ValueError for anything else: NaN, 1e999 and hopeless depth too."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise ValueError("the JSON text is nested too deeply") from None
