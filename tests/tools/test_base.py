import pytest

from planrunner.execution_context import ExecutionContext
from planrunner.tools.base import ANY_ARGUMENTS, Tool, ToolRunContext, can_run, gravest, is_async


class Refund(Tool):
    id = "refund"
    effect = "irreversible"

    def run(self, ctx, order):
        return order


class Named(Refund):
    id = "named"
    name = "A name for people"


class Child(Named):
    id = "child"


class Async(Tool):
    id = "async"

    async def arun(self, ctx):
        return 1


def test_fields_stand_in_the_class_and_the_rest_has_defaults():
    tool = Refund()
    assert (tool.id, tool.name, tool.description, tool.effect, tool.inline) == (
        "refund",
        "refund",
        "",
        "irreversible",
        False,
    )
    assert (tool.args_schema, tool.output_schema) == (ANY_ARGUMENTS, None)


def test_fields_may_be_given_to_the_constructor():
    tool = Refund(id="other", description="d", effect="write", args_schema={"a": 1}, output_schema={}, inline=True)
    assert (tool.id, tool.name, tool.description, tool.effect, tool.inline) == ("other", "other", "d", "write", True)
    assert (tool.args_schema, tool.output_schema) == ({"a": 1}, {})
    assert Refund().id == "refund"


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        (Named(), "A name for people"),
        (Named(id="x"), "A name for people"),
        (Named(name="n"), "n"),
        (Child(), "child"),
        (Refund(id="x"), "x"),
        (Refund(id="x", name="n"), "n"),
        (Tool(id="bare"), "bare"),
    ],
)
def test_the_name_is_the_id_when_left_out(tool, name):
    assert tool.name == name


def test_a_field_that_is_none():
    with pytest.raises(TypeError, match="effects"):
        Refund(effects="read")


def test_a_constructor_of_ones_own_need_not_call_ours():
    class Own(Tool):
        id = "own"

        def __init__(self):
            self.url = "u"

        def run(self, ctx):
            return self.url

    assert (Own().id, Own().name) == ("own", "own")


def test_what_can_be_called():
    assert [(can_run(tool), is_async(tool)) for tool in (Refund(), Async(), Tool(id="x"))] == [
        (True, False),
        (True, True),
        (False, False),
    ]


def test_gravest():
    assert gravest("read") == "read"
    assert gravest("write", "read") == "write"
    assert gravest("read", "irreversible", "write") == "irreversible"


def test_the_context_as_python_callers_know_it(ctx):
    assert ctx.execution_context == ExecutionContext(end_user_id="u1")
    whole = ToolRunContext("u", {"end_user_id": "u", "additional_data": {"name": "Ada"}}, ctx.step, "r", "k", ".")
    assert whole.execution_context.additional_data == {"name": "Ada"}
    with pytest.raises(AttributeError):
        ctx.end_user_id = "other"
