"""Tools written as Python functions: `@tool` makes schema and description from the signature and the docstring."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_type_hints, overload

from planrunner.errors import SchemaError, ToolSoftError, ToolUnusableError
from planrunner.jsonsafe import to_json_safe
from planrunner.tools.base import Effect, Tool, ToolRunContext
from planrunner.tools.docstring import read_docstring

if TYPE_CHECKING:
    from pydantic import BaseModel

_JSON_TYPES = (str, int, float, bool, type(None), dict, list, Any, object)
_DECIMAL = "^(?!^[-+.]*$)"
"""How some versions of pydantic begin a pattern that looks around, and that no linear matcher takes."""

_NOTHING = inspect.Parameter.empty


class FunctionTool(Tool):
    """A function as a tool. Called as the function it still is the function."""

    def __init__(self, function: Callable[..., Any], **fields: Any) -> None:
        description, about = read_docstring(function)
        self.function = function
        self._signature: Signature = read_signature(function, about)
        fields = {key: value for key, value in fields.items() if value is not None}
        made = {
            "id": function.__name__,
            "description": description,
            "args_schema": self._signature.args_schema,
            "output_schema": self._signature.output_schema,
        }
        super().__init__(**{**made, **fields})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def run(self, ctx: ToolRunContext, /, **args: Any) -> Any:
        """Call the function with the args, turned into the types that its signature names."""
        return self.function(**self._arguments(ctx, args))

    def _arguments(self, ctx: ToolRunContext, args: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._signature.arguments(ctx, args)
        except ValueError as error:
            raise ToolSoftError(f"{self.id}: {error}") from error


class AsyncFunctionTool(FunctionTool):
    """An `async def` function as a tool."""

    async def arun(self, ctx: ToolRunContext, /, **args: Any) -> Any:
        """As `run`, awaited."""
        return await self.function(**self._arguments(ctx, args))


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...


@overload
def tool(
    *,
    id: str | None = None,
    description: str | None = None,
    effect: Effect | None = None,
    args_schema: Mapping[str, Any] | None = None,
    output_schema: Mapping[str, Any] | None = None,
    inline: bool = False,
    self_contained: bool = False,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...


def tool(function: Callable[..., Any] | None = None, /, **fields: Any) -> Any:
    """Make a tool of a function: `@tool`, or `@tool(effect="read")`.

    id             the function's name when left out
    description    told to the model; the docstring up to its `Args:` when left out
    effect         `read`, `write` or `irreversible`; None: not declared, counts as `write`
    args_schema    made from the signature (type hints, `Annotated[…, Field(…)]`, defaults) and from what the docstring
                   says under `Args:`; when given here, it counts instead
    output_schema  made from the return annotation where that is a pydantic model, a dataclass or a TypedDict; no other
                   annotation is taken as a promise
    inline         True only for functions that neither wait nor compute for long
    self_contained True only for functions that touch nothing outside, not even to read: plan tests call them as they
                   are

    A parameter named `ctx`, or annotated ToolRunContext, gets the context and is no argument of the tool. Raises
    ToolUnusableError for a signature that no schema can tell.
    """
    if function is None:
        return lambda function: _made(function, fields)
    return _made(function, fields)


def _made(function: Callable[..., Any], fields: Mapping[str, Any]) -> FunctionTool:
    kind = AsyncFunctionTool if inspect.iscoroutinefunction(function) else FunctionTool
    return kind(function, **fields)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes.

    args_schema    JSON Schema of its arguments
    output_schema  JSON Schema of its result, None where the annotation promises nothing
    context        name of the parameter that gets the ToolRunContext, or None
    model          turns JSON into the annotated types; None when the arguments are plain JSON anyway
    """

    args_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None
    context: str | None
    model: type[BaseModel] | None

    def arguments(self, ctx: ToolRunContext, args: Mapping[str, Any]) -> dict[str, Any]:
        """Keyword arguments for the function. ValueError when a value can't be turned into its type."""
        given = dict(args) if self.model is None else _converted(self.model, args)
        if self.context is not None:
            given[self.context] = ctx
        return given


def read_signature(function: Callable[..., Any], about: Mapping[str, str]) -> Signature:
    """Read a function. `about` has what its docstring says of each parameter. Raises ToolUnusableError."""
    name = getattr(function, "__name__", repr(function))
    try:
        signature = inspect.signature(function)
    except ValueError:
        raise ToolUnusableError(f"{name}: Python can't tell its signature; wrap it in a function of your own") from None
    context, hints = None, {}
    for parameter in signature.parameters.values():
        _refuse(name, parameter)
        hint = _resolve(function, name, parameter.name, parameter.annotation)
        if parameter.name == "ctx" or hint is ToolRunContext:
            context = parameter.name
        else:
            hints[parameter.name] = hint
    defaults = {key: signature.parameters[key].default for key in hints}
    model = _arguments_model(name, hints, defaults)
    plain = all(_is_plain(hint) for hint in hints.values())
    return Signature(
        args_schema=_args_schema(name, model, defaults, about),
        output_schema=_output_schema(function, name, signature.return_annotation),
        context=context,
        model=None if plain else model,
    )


def _refuse(function: str, parameter: inspect.Parameter) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise ToolUnusableError(f"{function}: {parameter} can't be told in a schema; name every argument of a tool")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise ToolUnusableError(f"{function}: {parameter.name!r} is positional only; arguments of a tool go by name")
    if type(parameter.default).__name__ == "FieldInfo":
        raise ToolUnusableError(f"{function}: write {parameter.name}: Annotated[…, Field(…)] = default, not = Field(…)")


def _resolve(function: Callable[..., Any], name: str, parameter: str, annotation: Any) -> Any:
    """The annotation itself where it stands as text. ToolRunContext may be imported for type checkers only."""
    if annotation is _NOTHING:
        return Any
    names = getattr(inspect.unwrap(function), "__globals__", {})
    holder = SimpleNamespace(__annotations__={parameter: annotation})
    try:
        hints = get_type_hints(holder, names, {"ToolRunContext": ToolRunContext}, include_extras=True)
    except Exception as error:
        raise ToolUnusableError(
            f"{name}: the annotation of {parameter!r} can't be read ({error}); what it names must be there when the "
            "function is made a tool, not only for type checkers"
        ) from error
    return hints[parameter]


def _is_plain(hint: Any) -> bool:
    """Whether JSON values are already what the annotation asks for."""
    return any(hint is plain for plain in _JSON_TYPES)


def _arguments_model(function: str, hints: Mapping[str, Any], defaults: Mapping[str, Any]) -> type[BaseModel]:
    """A model with one field per argument, under a name of our own: so an argument may be called `schema`."""
    from pydantic import ConfigDict, Field, create_model
    from pydantic.errors import PydanticUserError

    fields: dict[str, Any] = {}
    for place, (name, hint) in enumerate(hints.items()):
        required = defaults[name] is _NOTHING
        fields[f"p{place}"] = (hint, Field(alias=name) if required else Field(default=None, alias=name))
    try:
        model: type[BaseModel] = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)
    except (PydanticUserError, TypeError) as error:
        raise ToolUnusableError(f"{function}: {_first_line(error)}") from error
    return model


def _args_schema(
    function: str, model: type[BaseModel], defaults: Mapping[str, Any], about: Mapping[str, str]
) -> dict[str, Any]:
    from pydantic.errors import PydanticUserError

    try:
        schema: dict[str, Any] = _tidy(model.model_json_schema())
    except PydanticUserError as error:
        raise ToolUnusableError(f"{function}: {_first_line(error)}") from error
    for name, property_ in schema.setdefault("properties", {}).items():
        if name in about:
            property_.setdefault("description", about[name])
        property_.pop("default", None)
        if defaults[name] is not _NOTHING:
            _tell_default(property_, defaults[name])
    return schema


def _tell_default(property_: dict[str, Any], default: Any) -> None:
    with suppress(SchemaError):  # Where no JSON says it, the function itself still knows it.
        property_["default"] = to_json_safe(default)


def _output_schema(function: Callable[..., Any], name: str, annotation: Any) -> dict[str, Any] | None:
    """Only what was declared as a shape of its own counts as a promise; and formats are not part of it, because a
    shape says `datetime` and a value may lack the zone that the format `date-time` demands."""
    if annotation is _NOTHING:
        return None
    from pydantic import BaseModel, TypeAdapter

    try:
        hint = _resolve(function, name, "return", annotation)
        declared = isinstance(hint, type) and (
            issubclass(hint, BaseModel) or dataclasses.is_dataclass(hint) or hasattr(hint, "__required_keys__")
        )
        return _tidy(TypeAdapter(hint).json_schema(mode="serialization"), drop="format") if declared else None
    except Exception:
        return None


def _tidy(schema: Any, drop: str = "") -> Any:
    """Without titles, which say nothing, and without pydantic's pattern of decimals, which is checked on conversion."""
    if isinstance(schema, list):
        return [_tidy(item, drop) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            kept[key] = {name: _tidy(inner, drop) for name, inner in value.items()}
        elif key in ("default", "const", "enum", "examples"):
            kept[key] = value
        elif key not in ("title", drop) and not (key == "pattern" and value.startswith(_DECIMAL)):
            kept[key] = _tidy(value, drop)
    return kept


def _converted(model: type[BaseModel], args: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic import ValidationError

    try:
        made = model.model_validate(dict(args))
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise ValueError("; ".join(wrong)) from error
    fields = type(made).model_fields
    return {fields[name].alias or name: getattr(made, name) for name in made.model_fields_set}


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
