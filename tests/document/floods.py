"""Plans of which one part is very long: what is done for each of many things must not be done for each pair of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_HEAD: Final = "planrunner: 1\nname: flood\n"
_PAY: Final = "tools: {pay: {use: 'm:pay', effect: irreversible}}\n"
_ONE: Final = "steps:\n  - {id: only, set: 1}\n"


def _lines(count: int, line: str) -> str:
    """The line so often, with each number in the place of N and the next one in that of M."""
    return "".join(line.replace("<N>", str(number)).replace("<M>", str(number + 1)) + "\n" for number in range(count))


def _steps(*lines: tuple[int, str]) -> str:
    return "steps:\n" + "".join(_lines(count, f"  - {line}") for count, line in lines)


def _gates_and_calls(n: int) -> str:
    gate = "{id: g<N>, clarify: {type: user_verification, guidance: x}}"
    return _PAY + _steps((n, gate), (n, "{id: c<N>, needs: [], tool: pay}"))


def _open_gates_and_calls(n: int) -> str:
    gate = "{id: g<N>, when: context.end_user_id != null, clarify: {type: user_verification, guidance: x}}"
    return _PAY + _steps((n, gate), (n, "{id: c<N>, tool: pay}"))


def _hooks_and_calls(n: int) -> str:
    hooks = "hooks:\n  before_tool_call:\n" + _lines(n, "    - {use: deny_tool_calls, with: {tools: [t<N>]}}")
    tools = "tools:\n" + _lines(n, "  t<N>: {use: 'm:t<N>', effect: irreversible}")
    return tools + hooks + _steps((n, "{id: c<N>, tool: t<N>}"))


def _tools_of_one_origin(n: int) -> str:
    tools = "tools:\n" + _lines(n, "  t<N>: {use: 'm:t', effect: irreversible}")
    return tools + _steps((n, "{id: c<N>, tool: t<N>}"))


def _choices(n: int) -> str:
    choice = "{id: g<N>, clarify: {type: multiple_choice, guidance: x, options: [a, b]}}"
    return _PAY + _steps((n, choice), (n, "{id: c<N>, when: steps.g<N>.output == 'a', tool: pay}"))


def _inputs(n: int) -> str:
    inputs = "inputs:\n" + _lines(n, "  i<N>: {type: string}")
    return inputs + _steps((n, "{id: s<N>, set: '{{ inputs.i<N>.b }}'}"))


def _secrets(n: int) -> str:
    names = ", ".join(f"S{number}" for number in range(n))
    return f"secrets: [{names}]\n" + _steps((n, "{id: s<N>, tool: m, args: {a: '{{ secrets.S<N> }}'}}"))


def _enum(n: int, word: str) -> str:
    values = ", ".join(f"e{number}" for number in range(3 * n))
    return f"inputs: {{x: {{enum: [{values}]}}}}\n" + _steps(
        (n, f"{{id: s<N>, when: inputs.x == '{word}<N>', set: 1}}")
    )


def _args_of_one_tool(n: int) -> str:
    properties = ", ".join(f"a{number}: {{type: integer}}" for number in range(n))
    tool = f"tools: {{t: {{use: 'm:t', args_schema: {{type: object, properties: {{{properties}}}}}}}}}\n"
    return tool + _steps((n, "{id: s<N>, tool: t, args: {a<N>: 1}}"))


def _schema_words(n: int) -> str:
    return "inputs:\n  x:\n    properties:\n" + _lines(n, "      p<N>: {typ<N>e: string, propertys: 1}") + _ONE


def _cases(n: int) -> str:
    case = "      - {when: inputs.a == 'x<N>', steps: [{id: s<N>, set: '{{ steps.t.output.a }}'}]}"
    first = "inputs: {a: {type: string}}\nsteps:\n  - {id: t, when: inputs.a == 'z', set: {a: 1}}\n"
    return first + "  - id: w\n    switch:\n" + _lines(n, case)


def _fields(n: int) -> str:
    group = "steps:\n  - id: w\n    steps:\n" + _lines(n, "      - {id: s<N>, set: 1}")
    return group + _lines(n, "  - {id: r<N>, set: '{{ steps.w.output.t<N>.b }}'}")


def _items(n: int) -> str:
    values = ", ".join(map(str, range(3 * n)))
    return f"steps:\n  - {{id: w, set: [{values}]}}\n" + _lines(n, "  - {id: r<N>, set: '{{ steps.w.output[0].b }}'}")


def _ways_out(n: int) -> str:
    return "inputs: {a: {type: string}}\n" + _steps(
        (n, "{id: e<N>, when: inputs.a == 'x<N>', exit: {state: COMPLETE}}"),
        (n, "{id: t<N>, when: inputs.a == 'z', set: {a: 1}}"),
        (n, "{id: s<N>, when: inputs.a == 'y', set: '{{ steps.t<N>.output.a }}'}"),
    )


def _agents(n: int) -> str:
    agents = "agents:\n" + _lines(n, "  a<N>: {model: m, instructions: '{{ steps.s<N>.output }}'}")
    return agents + _steps((n, "{id: s<N>, task: x, agent: a<N>}"))


def _needs(n: int) -> str:
    return _steps((1, "{id: s<N>, set: 1}"), (n, "{id: s<M>, needs: [s<N>], set: 1}"))


FLOODS: Final[dict[str, Callable[[int], str]]] = {
    "gates and calls": _gates_and_calls,
    "open gates and calls": _open_gates_and_calls,
    "hooks and calls": _hooks_and_calls,
    "tools of one origin": _tools_of_one_origin,
    "choices and calls": _choices,
    "inputs": _inputs,
    "secrets": _secrets,
    "values of an enum": lambda n: _enum(n, "e"),
    "values that no enum has": lambda n: _enum(n, "f"),
    "args of one tool": _args_of_one_tool,
    "misspelt words of a schema": _schema_words,
    "cases of a switch": _cases,
    "fields that a group lacks": _fields,
    "items of a list": _items,
    "ways out": _ways_out,
    "agents": _agents,
    "needs in a row": _needs,
}
"""What there is much of → the plan with so much of it, without its head."""


def flood(name: str, count: int) -> bytes:
    """The whole plan."""
    return (_HEAD + FLOODS[name](count)).encode()
