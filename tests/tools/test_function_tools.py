import dataclasses
import datetime
import enum
import functools
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import pytest
from annotated_types import Ge
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema
from typing_extensions import TypedDict

from planrunner.errors import ToolHardError, ToolSoftError, ToolUnusableError
from planrunner.json_schema import check_schema, compile_schema
from planrunner.jsonsafe import to_json_safe
from planrunner.tools.base import ToolRunContext
from planrunner.tools.python import FunctionTool, tool


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: int = 1


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Row(TypedDict):
    name: str


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("it is odd")
    return value


NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("annotation", "schema", "given", "arrives"),
    [
        (str, {"type": "string"}, "x", "x"),
        (int, {"type": "integer"}, 3, 3),
        (float, {"type": "number"}, 3, 3),
        (bool, {"type": "boolean"}, True, True),
        (dict, {"type": "object", "additionalProperties": True}, {"a": [1]}, {"a": [1]}),
        (list, {"type": "array", "items": {}}, [1, "x"], [1, "x"]),
        (Any, {}, {"a": None}, {"a": None}),
        ("str", {"type": "string"}, "x", "x"),
        (list[int], {"type": "array", "items": {"type": "integer"}}, [1], [1]),
        (dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}, {"a": True}, {"a": True}),
        (tuple[int, str], None, [1, "x"], (1, "x")),
        (set[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [1, 2], {1, 2}),
        (str | None, {"anyOf": [{"type": "string"}, NULL]}, None, None),
        (Optional[int], {"anyOf": [{"type": "integer"}, NULL]}, 3, 3),  # noqa: UP045
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}, "a", "a"),
        (Annotated[int, Ge(1)], {"type": "integer", "minimum": 1}, 1, 1),
        (
            Annotated[str, Field(max_length=3, description="d")],
            {"type": "string", "maxLength": 3, "description": "d"},
            "x",
            "x",
        ),
        (Colour, None, "red", Colour.RED),
        (Address, None, {"street": "s"}, Address(street="s")),
        (list[Address], None, [{"street": "s", "number": 2}], [Address(street="s", number=2)]),
        (Point, None, {"x": 1}, Point(1)),
        (Row, None, {"name": "n"}, {"name": "n"}),
        (Decimal, None, "1.10", Decimal("1.10")),
        (datetime.date, {"type": "string", "format": "date"}, "2026-01-05", datetime.date(2026, 1, 5)),
        (uuid.UUID, {"type": "string", "format": "uuid"}, str(uuid.UUID(int=7)), uuid.UUID(int=7)),
    ],
)
def test_annotation_to_schema_and_json_to_annotation(call, annotation, schema, given, arrives):
    seen = []

    def taking(value):
        seen.append(value)

    taking.__annotations__ = {"value": annotation}
    made = tool(taking)
    assert check_schema(made.args_schema) == []
    assert made.args_schema["required"] == ["value"]
    assert made.args_schema["additionalProperties"] is False
    if schema is not None:
        assert made.args_schema["properties"]["value"] == schema
    checker = compile_schema(made.args_schema)
    assert checker.valid({"value": given})
    assert not checker.valid({})
    assert not checker.valid({"value": given, "more": 1})
    call(made, value=given)
    assert seen == [arrives]
    assert type(seen[0]) is type(arrives)


def test_defaults_stand_in_the_schema_and_hold(call):
    @tool
    def f(a, b: int = 3, *, c: str | None = None, d: Colour = Colour.RED, e: Any = object):
        return [a, b, c, d, e is object]

    properties = f.args_schema["properties"]
    assert f.args_schema["required"] == ["a"]
    assert {name: of["default"] for name, of in properties.items() if "default" in of} == {
        "b": 3,
        "c": None,
        "d": "red",
    }
    assert call(f, a=1) == [1, 3, None, Colour.RED, True]
    assert call(f, a=1, b=4, c="x", d="blue", e=2) == [1, 4, "x", Colour.BLUE, False]


@pytest.mark.parametrize(
    "name", ["schema", "json", "copy", "model_config", "self", "cls", "tool", "args", "p0", "from_"]
)
def test_any_name_may_be_an_argument(call, name):
    namespace = {}
    exec(f"def f({name}: 'dict[str, int]'): return {name}", namespace)
    made = tool(namespace["f"])
    assert list(made.args_schema["properties"]) == [name]
    assert call(made, **{name: {"a": 1}}) == {"a": 1}


def test_no_arguments(call):
    made = tool(lambda: 7)
    assert made.args_schema == {"type": "object", "properties": {}, "additionalProperties": False}
    assert call(made) == 7


def test_the_pattern_of_decimals_that_some_versions_of_pydantic_write_is_left_out():
    told = {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}

    @tool
    def f(a: Annotated[Decimal, WithJsonSchema(told)], b: Annotated[str, Field(pattern="^A-")]):
        pass

    assert check_schema(f.args_schema) == []
    assert f.args_schema["properties"] == {"a": {"type": "string"}, "b": {"type": "string", "pattern": "^A-"}}


def test_the_context_is_no_argument(ctx, call):
    @tool
    def by_name(ctx, a: int):
        return ctx, a

    @tool
    def by_annotation(a: int, where: ToolRunContext):
        return where, a

    @tool
    def by_text(a: int, where: "ToolRunContext"):
        return where, a

    for made in (by_name, by_annotation, by_text):
        assert list(made.args_schema["properties"]) == ["a"]
        assert call(made, a=1) == (ctx, 1)


GOOGLE = """Find a thing.

    It may take long.

    Args:
        name: what to look for
        limit (int): at most so many,
            the best ones

    Returns:
        the things
    """
SPHINX = """Find a thing.

    It may take long.

    :param name: what to look for
    :param int limit: at most so many,
        the best ones
    :returns: the things
    """


@pytest.mark.parametrize("docstring", [GOOGLE, SPHINX])
def test_the_docstring_describes_tool_and_arguments(docstring):
    def find(name: str, limit: Annotated[int, Field(ge=1)] = 5, other: Annotated[str, Field(description="own")] = ""):
        pass

    find.__doc__ = docstring
    made = tool(find)
    assert (made.id, made.name) == ("find", "find")
    assert made.description == "Find a thing.\n\nIt may take long."
    assert made.args_schema["properties"] == {
        "name": {"type": "string", "description": "what to look for"},
        "limit": {"type": "integer", "minimum": 1, "default": 5, "description": "at most so many, the best ones"},
        "other": {"type": "string", "default": "", "description": "own"},
    }


def test_what_is_said_in_the_decorator_counts():
    given = {"type": "object", "properties": {"a": {"type": "integer"}}}

    @tool(id="other", description="said", effect="irreversible", args_schema=given, output_schema={}, inline=True)
    def f(a: str) -> str:
        """Not this."""

    assert (f.id, f.name, f.description, f.effect, f.inline) == ("other", "other", "said", "irreversible", True)
    assert (f.args_schema, f.output_schema) == (given, {})


def test_bare_and_undeclared():
    @tool
    def f():
        """Doc."""

    assert isinstance(f, FunctionTool)
    assert (f.effect, f.inline, f.description) == (None, False, "Doc.")


def test_the_tool_is_still_the_function():
    @tool
    def add(a: int, b: int = 2) -> int:
        return a + b

    assert add(1) == add(1, 2) == add(b=2, a=1) == 3


@pytest.mark.parametrize("annotation", [Address, Point, Row])
def test_a_shape_as_return_annotation_is_a_promise(annotation):
    def f():
        pass

    f.__annotations__ = {"return": annotation}
    made = tool(f)
    assert made.output_schema is not None
    assert check_schema(made.output_schema) == []
    assert set(made.output_schema["properties"]) == set(annotation.__annotations__)


@pytest.mark.parametrize(
    "annotation", [int, str, None, list[int], dict[str, int], Address | None, "Nowhere", object, Any]
)
def test_any_other_return_annotation_promises_nothing(annotation):
    def f():
        pass

    f.__annotations__ = {"return": annotation}
    assert tool(f).output_schema is None


class Meeting(BaseModel):
    at: datetime.datetime
    by: Address
    colour: Colour = Colour.RED


def test_a_promised_value_keeps_the_promise(call):
    """A time without zone is no `date-time` to JSON Schema; it must not fail a call."""

    @tool
    def meet() -> Meeting:
        return Meeting(at=datetime.datetime(2026, 1, 5, 12), by=Address(street="s"))

    assert compile_schema(meet.output_schema).valid(to_json_safe(call(meet)))
    assert not compile_schema(meet.output_schema).valid({"at": "2026"})


def test_a_value_that_does_not_convert_goes_back_to_the_model(call):
    @tool
    def f(number: Annotated[int, AfterValidator(_even)], day: datetime.date):
        pass

    with pytest.raises(ToolSoftError, match=r"f: number: .*it is odd; day: .*valid date"):
        call(f, number=3, day="2026-02-31")


def _star(*args): ...


def _stars(**kwargs): ...


def _positional(a, /): ...


def _unknown(a: "Nowhere"): ...  # noqa: F821


def _field_default(a: int = Field(3)): ...


class _Opaque:
    pass


def _opaque(a: _Opaque): ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (_star, "_star: *args can't be told in a schema; name every argument"),
        (_stars, "_stars: **kwargs can't be told in a schema"),
        (_positional, "'a' is positional only"),
        (_unknown, "the annotation of 'a' can't be read (name 'Nowhere' is not defined)"),
        (_field_default, "write a: Annotated["),
        (_opaque, "_Opaque"),
    ],
)
def test_a_signature_that_no_schema_tells_is_refused_with_words(function, words):
    with pytest.raises(ToolUnusableError) as caught:
        tool(function)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_async_functions_methods_and_wrapped_ones(call):
    class Shop:
        def price(self, name: str) -> int:
            return len(name)

    def doubled(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return 2 * function(*args, **kwargs)

        return wrapper

    @tool
    async def later(a: int):
        return a

    assert call(tool(Shop().price), name="abc") == 3
    assert call(tool(doubled(Shop().price)), name="abc") == 6
    assert call(later, a=5) == 5


def test_wrong_calls_from_python_are_tool_errors(call):
    with pytest.raises(ToolHardError, match="TypeError"):
        call(tool(lambda a: a), b=1)
