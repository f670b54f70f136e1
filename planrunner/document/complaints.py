"""What is said of a field that is not there, a value that never comes, and null where an object is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from planrunner.document.types import Gap, Type
from planrunner.document.words import TYPES, listed, near
from planrunner.schema_words import path_text, shown

_LISTED: Final = 12
_KINDS: Final = {**TYPES, "object": "an object"}


class Finding(NamedTuple):
    """Something wrong in a text. `builtin`: unless the Python caller puts a tool in the place of a built-in one."""

    code: str
    offset: int
    message: str
    builtin: bool = False


def in_words(told: Type) -> str:
    """`text or a whole number`."""
    return listed([_KINDS[kind] for kind in _KINDS if kind in told.kinds], "or")


def called(path: Iterable[str | int]) -> str:
    """A path as the plan has it; what is none is `this value`."""
    text = path_text(tuple(path))
    return repr(text) if text else "this value"


def no_field(whole: Type, path: tuple[str | int, ...], key: str | int, offset: int, name: str = "") -> Finding:
    """Of a key that surely leads to nothing. `name`: what the whole is called, if not by its path."""
    some = whole.without("null")
    name = name or called(path)
    if isinstance(key, int):
        message = f"{name} is {in_words(some)}, which has no items by number{_fields(some.names)}"
    elif "object" in some.kinds:
        message = f"{name} has no field {key!r}{near(key, some.names) or _fields(some.names)}"
    else:
        message = f"{name} is {in_words(some)}, which has no field {key!r}{_instead(some, path, key)}"
    return Finding("unknown-field", offset, message, whole.builtin)


def _fields(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    told = listed(names[:_LISTED], "and") if not more else ", ".join(names[:_LISTED])
    return f"; its fields are {told}{more}" if len(names) > 1 else f"; its only field is {told}"


def _instead(some: Type, path: tuple[str | int, ...], key: str) -> str:
    if key in ("length", "size", "count"):
        return f": write {path_text(path) or '…'} | length"
    if some.kinds == {"array"}:
        item = f"{path_text(path) or '…'}[0].{key}"
        return f": take an item by its number ({item}), or map(attribute={key!r}) over it"
    if some.kinds == {"string"} and path[:1] == ("steps",) and path[2:] == ("output",):
        return f": an object comes of a task with 'returns', as in returns: {{{key}: {{type: string}}}}"
    return ""


def not_among(what: str, value: Any, told: Type, offset: int) -> Finding:
    """Of a comparison with a value that the other side, called `what`, never has."""
    some = [each for each in told.values or () if each is not None]
    words = [each for each in some if isinstance(each, str)]
    advice = near(value, words) if isinstance(value, str) else ""
    if {type(each) for each in some} == {bool}:
        advice = advice or "; it is true or false" + (", without quotes" if isinstance(value, str) else "")
    elif not advice:
        most = [shown(each) for each in some[:_LISTED]]
        more = [f"{len(some) - _LISTED} more"] if len(some) > _LISTED else []
        advice = f"; it is {'' if len(some) == 1 else 'one of '}{listed([*most, *more], 'or')}"
    return Finding("not-in-enum", offset, f"{what} is never {shown(value)}{advice}", told.builtin)


def may_be_null(path: tuple[str | int, ...], gap: Gap, offset: int) -> Finding:
    """Of a field that is read of what may be null."""
    name = path_text(path)
    then = f"guard it, as in '{name} != null and …', or end with | default(…)"
    return Finding("may-be-null", offset, f"{name!r} may be null here, because {gap.why}: {then}")
