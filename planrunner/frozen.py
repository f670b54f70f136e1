"""Values that can't be changed, at any depth, and are otherwise what they were: lists, mappings and models."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, NoReturn

from pydantic import BaseModel


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("this is a read-only view of the run; it can't be changed")


class FrozenList(list[Any]):
    """A list that refuses to change."""

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        """A list of one's own, which may be changed."""
        return [deepcopy(item, memo) for item in self]


class FrozenDict(dict[str, Any]):
    """A mapping that refuses to change."""

    pop = popitem = clear = update = setdefault = _refuse
    __setitem__ = __delitem__ = __ior__ = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        """A mapping of one's own, which may be changed."""
        return {name: deepcopy(item, memo) for name, item in self.items()}


def frozen(value: Any) -> Any:
    """The value with every list, mapping and model in it frozen. Models are frozen in place."""
    if isinstance(value, list):
        return FrozenList(frozen(item) for item in value)
    if isinstance(value, dict):
        return FrozenDict((name, frozen(item)) for name, item in value.items())
    if isinstance(value, BaseModel):
        return _frozen_model(value)
    return value


def _frozen_model(model: BaseModel) -> BaseModel:
    for name, value in list(model.__dict__.items()):
        model.__dict__[name] = frozen(value)
    kind = type(model)
    if not kind.model_config.get("frozen"):
        # Same fields, same answers to isinstance; only setting is refused.
        model.__class__ = _frozen_kind(kind)
    return model


@cache
def _frozen_kind(kind: type[BaseModel]) -> type[BaseModel]:
    return type(kind.__name__, (kind,), {"__setattr__": _refuse, "__delattr__": _refuse})
