"""How cases are carried: nothing real is called, nobody real is asked, time is virtual."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testing.conftest import Carry, told

REAL = '''
"""Tools and hooks that leave a trace on disk when they are really called."""

from pathlib import Path

from planrunner import ClarificationHandler, Tool, UserVerificationClarification, tool
from planrunner.tools.base import ReadyResponse

HERE = Path(__file__).parent


@tool(effect="read")
def look(ctx, q: str = "") -> dict:
    """Looks."""
    (HERE / "looked").touch()


@tool(effect="irreversible")
def pay(n: int) -> str:
    """Pays."""
    (HERE / "paid").touch()


@tool(effect="read", self_contained=True)
def double(n: int) -> int:
    """Doubles."""
    return 2 * n


class Login(Tool):
    """Needs somebody to sign in."""

    id = "login"
    effect = "read"
    output_schema = {"type": "integer"}

    def ready(self, ctx):
        (HERE / "asked-ready").touch()
        return ReadyResponse(False)

    def run(self, ctx):
        (HERE / "called").touch()


class Channel(ClarificationHandler):
    """Would ask somebody for real."""

    def __init__(self):
        (HERE / "connected").touch()

    def handle_multiple_choice_clarification(self, clarification, on_resolution, on_error):
        (HERE / "asked").touch()
        on_resolution(clarification, "pay")


def limit(tool, args, plan_run, step, *, most):
    """A guard."""
    if args["n"] > most:
        raise ValueError(f"more than {most}")


def look_again(tool, output, plan_run, step):
    """Asks when it is told something odd."""
    asked = plan_run.get_clarification_for_step("User Verification")
    if output == "odd" and asked is None:
        return UserVerificationClarification(plan_run_id=plan_run.id, user_guidance="That is odd. Go on?")
'''

TRACES = ("looked", "paid", "asked-ready", "called", "connected", "asked")


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module beside the plan; afterwards nothing in it has left a trace."""
    monkeypatch.setattr(sys, "path", [*sys.path])  # each test is a project of its own
    (tmp_path / "planrunner.toml").touch()
    (tmp_path / "real_ones.py").write_text(REAL, "utf-8")
    yield tmp_path
    sys.modules.pop("real_ones", None)
    assert [trace for trace in TRACES if (tmp_path / trace).exists()] == []


SHOP = """
tools:
  look: {use: "real_ones:look"}
  pay: {use: "real_ones:pay"}
  double: {use: "real_ones:double"}
  login: {use: "real_ones:Login"}
hooks:
  clarification_handler: {use: "real_ones:Channel"}
  before_tool_call:
    - {use: "real_ones:limit", with: {most: 100}, match: {tool: pay}}
    - {use: clarify_on_tool_calls, with: {tools: [pay]}}
  after_tool_call:
    - {use: "real_ones:look_again", match: {tool: look}}
agents:
  clerk: {tools: [look, pay]}
"""


def one(case: str) -> str:
    return f"- {{name: one, {case}}}"


def test_what_is_self_contained_runs_as_it_is_and_does_not_count(real: Path, carry: Carry) -> None:
    plan = f"""{SHOP}
steps:
  - {{id: a, tool: double, args: {{n: 4}}}}
  - {{id: b, tool: log, args: {{message: hello}}}}
"""
    real_one, scripted = carry(
        plan,
        """
        - {name: real, expect: {output: hello, tool_calls: [], steps: {a: COMPLETE}, that: steps.a.output == 8}}
        - name: scripted
          tools: {double: {returns: 9}}
          expect: {tool_calls: [{tool: double, args: {n: 4}}], that: steps.a.output == 9}
        """,
    )
    assert (told(real_one), told(scripted)) == ([], [])


def test_a_tool_that_is_not_scripted_is_an_error_and_stays_uncalled(real: Path, carry: Carry) -> None:
    plan = f"{SHOP}\nsteps: [{{id: a, tool: look, args: {{q: x}}}}]"
    (case,) = carry(plan, one("expect: {state: FAILED}"))
    assert case.state == "error"
    assert told(case) == [
        'a calls look with the args {"q":"x"}, and no answer is scripted. Add under `tools`:\n  look: {returns: null}'
    ]


def test_an_error_can_not_be_hidden_by_an_agent(real: Path, carry: Carry) -> None:
    plan = f"{SHOP}\nsteps: [{{id: a, task: Look it up, agent: clerk}}]"
    replies = "replies: {a: [{tool_calls: [{tool: look, args: {q: x}}]}, done]}"
    unscripted, ended, scripted = carry(
        plan,
        f"""
        - {{name: unscripted, {replies}}}
        - {{name: ended, tools: {{look: {{returns: 1}}}}, replies: {{a: [{{tool_calls: [{{tool: look}}]}}]}}}}
        - {{name: scripted, {replies}, tools: {{a: {{returns: 1}}}}, expect: {{output: done}}}}
        """,
    )
    assert (unscripted.state, ended.state, scripted.state) == ("error", "error", "passed")
    assert told(unscripted)[0].startswith("a calls look with the args")
    assert told(ended)[0].startswith(
        "the script has no reply for turn 2 of a, it ends after reply 1. Add under `replies`"
    )


def test_a_question_without_an_answer_is_an_error(real: Path, carry: Carry) -> None:
    plan = f"{SHOP}\nsteps: [{{id: a, clarify: {{type: multiple_choice, guidance: Which?, options: [x, y]}}}}]"
    none, refused, again = carry(
        plan,
        """
        - {name: none, expect: {state: NEED_CLARIFICATION}}
        - {name: refused, answers: {a: z}}
        - {name: again, answers: {a: [z, y]}, expect: {output: y, asked: [{id: a, answer: y}]}}
        """,
    )
    assert told(none) == [
        "a asks 'Which?', which takes one of: x, y, and no answer is scripted. Add under `answers`:\n"
        "  a: THE ANSWER    # or {never: true}: nobody answers"
    ]
    assert told(refused) == [
        "a asks 'Which?', which takes one of: x, y. The answer under `answers`, a, is refused: z was not offered; "
        "expected one of: x, y"
    ]
    assert (again.state, none.state, refused.state) == ("passed", "error", "error")


PAY = f"{SHOP}\nsteps: [{{id: a, tool: pay, args: {{n: 5}}}}]"


@pytest.mark.parametrize(
    "case",
    [
        "tools: {pay: {returns: paid}}, answers: {a/pay: yes}, expect: {output: paid, asked: [a/pay]}",
        "tools: {a: {returns: paid}}, answers: {a/pay: y}, expect: {tool_calls: [{tool: pay, args: {n: 5}}]}",
        "answers: {a/pay: no}, expect: {error: {kind: rejected, step: a}, never: [pay], tool_calls: []}",
        "answers: {a/pay: {never: true}}, expect: {state: NEED_CLARIFICATION, steps: {a: NEED_CLARIFICATION}}",
    ],
)
def test_approvals_are_given_by_step_and_tool(real: Path, carry: Carry, case: str) -> None:
    (tested,) = carry(PAY, one(case))
    assert told(tested) == []


def test_guards_of_the_plan_are_the_real_ones(real: Path, carry: Carry) -> None:
    (case,) = carry(
        PAY.replace("n: 5", "n: 500"),
        one("expect: {error: {kind: hook_error, message: more than 100}, asked: [], never: [pay]}"),
    )
    assert told(case) == []


def test_what_a_hook_asks_after_a_call_is_answered_in_the_same_way(real: Path, carry: Carry) -> None:
    plan = f"{SHOP}\nsteps: [{{id: a, tool: look, args: {{q: x}}}}]"
    calm, odd = carry(
        plan,
        """
        - {name: calm, tools: {look: {returns: even}}, expect: {output: even, asked: []}}
        - name: odd
          tools: {look: {returns: odd}}
          answers: {a/look: yes}
          expect: {output: odd, asked: [{path: a, tool: look, guidance: That is odd. Go on?}], tool_calls: [look]}
        """,
    )
    assert (told(calm), told(odd)) == ([], [])


def test_a_scripted_tool_is_not_made_ready(real: Path, carry: Carry) -> None:
    plan = f"{SHOP}\nsteps: [{{id: a, tool: login}}]"
    good, wrong = carry(
        plan,
        """
        - {name: good, tools: {login: {returns: 1}}, expect: {output: 1}}
        - {name: wrong, tools: {login: {returns: x}}, expect: {error: {kind: schema_error, step: a}}}
        """,
    )
    assert (told(good), told(wrong)) == ([], [])


def test_args_are_held_against_the_real_tools_schema(real: Path, carry: Carry) -> None:
    plan = f"{SHOP}\nsteps: [{{id: a, tool: pay, args: {{n: \"{{{{ 'five' }}}}\"}}}}]"
    (case,) = carry(plan, one("tools: {pay: {returns: 1}}, expect: {error: {kind: schema_error}, never: [pay]}"))
    assert told(case) == []


def test_a_tool_that_nobody_provides_is_played_from_the_script_alone(carry: Carry) -> None:
    plan = """
    inputs: {sku: {}}
    tools:
      stock: {effect: read, args_schema: {type: object, properties: {sku: {type: string}}}}
      send: {}
    steps:
      - {id: a, tool: stock, args: {sku: "{{ inputs.sku }}"}}
      - {id: b, tool: send, args: {n: "{{ steps.a.output }}"}}
    """
    good, wrong = carry(
        plan,
        """
        - {name: good, inputs: {sku: X}, expect: {tool_calls: [stock, {tool: send, args: {n: 3}}]}}
        - {name: wrong, inputs: {sku: 1}, expect: {error: {kind: schema_error, step: a}, never: [stock, send]}}
        """,
        "given: {tools: {stock: {returns: 3}, send: {returns: ok}}}\n",
    )
    assert (told(good), told(wrong)) == ([], [])


def test_a_tool_that_can_not_be_had_is_an_error_of_every_case(real: Path, carry: Carry) -> None:
    plan = 'tools: {t: {use: "no_such_module:t"}}\nsteps: [{id: a, tool: t}]'
    (case,) = carry(plan, one("tools: {t: {returns: 1}}, expect: {state: FAILED}"))
    assert case.state == "error"
    assert told(case)[0].startswith("use: 'no_such_module:t': there is no module 'no_such_module'")


WAITING = """
steps:
  - {id: a, clarify: {type: input, guidance: First?, timeout: 2d, on_timeout: {answer: none}}}
  - {id: b, clarify: {type: input, guidance: Second?, timeout: 1h}}
"""


def test_nobody_answers_for_days_and_that_takes_no_time(carry: Carry) -> None:
    begun = time.monotonic()
    first, second, neither = carry(
        WAITING,
        """
        - name: first
          answers: {a: {never: true}, b: here}
          expect: {output: here, asked: [{id: a, answer: none}, {id: b, answer: here}], that: run.seconds == 172800}
        - name: second
          answers: {a: [x], b: [{never: true}]}
          expect:
            error: {kind: timeout, step: b}
            that: ["run.started_at == '2026-01-01T00:00:00.000Z'", "steps.a.output == 'x' and run.seconds == 3600"]
        - name: neither
          answers: {a: {never: true}, b: {never: true}}
          expect: {error: {kind: timeout, step: b}, that: run.seconds == 176400}
        """,
    )
    assert (told(first), told(second), told(neither)) == ([], [], [])
    assert time.monotonic() - begun < 30, "three days and more were waited for"


def test_of_two_questions_side_by_side_each_has_its_own_time(carry: Carry) -> None:
    plan = """
    steps:
      - {id: a, needs: [], clarify: {type: input, guidance: A?, timeout: 2h, on_timeout: {answer: late}}}
      - {id: b, needs: [], clarify: {type: input, guidance: B?, timeout: 1h, on_timeout: {answer: later}}}
      - {id: c, needs: [], clarify: {type: input, guidance: C?}}
      - {id: d, needs: [b], set: "{{ run.state }}"}
    """
    (case,) = carry(
        plan,
        """
        - name: one
          answers: {a: {never: true}, b: {never: true}, c: {never: true}}
          expect:
            state: NEED_CLARIFICATION
            steps: {a: COMPLETE, b: COMPLETE, c: NEED_CLARIFICATION, d: COMPLETE}
            that: run.seconds == 7200
        """,
    )
    assert told(case) == []


def test_replies_of_a_model_that_fails_and_answers_in_no_shape(carry: Carry) -> None:
    plan = "steps: [{id: a, task: Count, returns: {n: {type: integer}}}]"
    asked_again, fails = carry(
        plan,
        """
        - name: asked again
          replies: {a: [many, {output: {n: many}}, {output: {n: 3}}]}
          expect: {output: {n: 3}, that: "'does not meet the schema' in prompts.a[1] and prompts.a | length == 3"}
        - {name: fails, replies: {a: {raise: rate_limited, message: slow down}}, expect: {error: {kind: rate_limited}}}
        """,
    )
    assert (told(asked_again), told(fails)) == ([], [])


def test_what_users_tools_and_models_say_is_never_a_template(carry: Carry) -> None:
    plan = """
    inputs: {text: {type: string}}
    context: {additional_data: {name: {type: string}}}
    tools: {t: {effect: read}}
    steps:
      - {id: a, tool: t, args: {x: "{{ inputs.text }}"}}
      - {id: b, task: "{{ steps.a.output }}"}
    output: ["{{ steps.a.output }}", "{{ steps.b.output }}", "{{ context.additional_data.name }}"]
    """
    (case,) = carry(
        plan,
        """
        - name: one
          inputs: {text: "{{ 7*7 }}"}
          context: {end_user_id: u1, additional_data: {name: "{% raw %}"}}
          tools: {t: {returns: "{{ 6*6 }}"}}
          replies: {b: "{{ 5*5 }}"}
          expect:
            output: {equals: ["{{ 6*6 }}", "{{ 5*5 }}", "{% raw %}"]}
            tool_calls: [{tool: t, args: {x: "{{ 7*7 }}"}}]
        """,
    )
    assert told(case) == []


def test_what_is_given_holds_for_all_and_each_case_may_say_otherwise(carry: Carry) -> None:
    plan = """
    inputs: {a: {}, b: {}}
    tools: {t: {effect: read}}
    steps: [{id: s, tool: t}]
    output: {a: "{{ inputs.a }}", b: "{{ inputs.b }}", data: "{{ context.additional_data }}", t: "{{ steps.s.output }}"}
    """
    given = """
    given:
      inputs: {a: 1, b: {x: 1}}
      context: {end_user_id: u1, additional_data: {name: Ada, mail: a@example.org}}
      tools: {t: {returns: {x: 1}}}
      expect: {that: "context.end_user_id == 'u1'", tool_calls: [t]}
    """
    plain, other = carry(
        plan,
        """
        - name: plain
          expect: {output: {equals: {a: 1, b: {x: 1}, data: {name: Ada, mail: a@example.org}, t: {x: 1}}}}
        - name: other
          inputs: {b: {y: 2}}
          context: {additional_data: {name: Bob}}
          tools: {t: {returns: {y: 2}}}
          expect: {output: {equals: {a: 1, b: {y: 2}, data: {name: Bob, mail: a@example.org}, t: {y: 2}}}}
        """,
        given,
    )
    assert (told(plain), told(other)) == ([], [])


def test_cases_do_not_see_each_other(carry: Carry) -> None:
    cases = "\n".join(
        f'- {{name: c{n}, tools: {{t: [{{returns: {n}}}]}}, expect: {{output: {n}, that: "run.seconds == 0"}}}}'
        for n in range(30)
    )
    tested = carry("tools: {t: {effect: read}}\nsteps: [{id: a, tool: t}]", cases)
    assert [case.state for case in tested] == ["passed"] * 30


def test_waits_between_attempts_take_no_time(carry: Carry) -> None:
    plan = """
    tools: {t: {effect: read}}
    steps:
      - {id: a, tool: t, retry: {max_attempts: 3, delay: 2h, backoff: constant}}
      - {id: b, task: Say it, retry: {max_attempts: 2, delay: 100s, backoff: constant}}
    """
    begun = time.monotonic()
    good, fails = carry(
        plan,
        """
        - name: the third attempt is good
          tools: {t: [{raise: transient}, {raise: timeout}, {returns: 1}]}
          replies: {b: [{raise: rate_limited}, said]}
          expect:
            output: said
            tool_calls: [t, t, t]
            that: ["run.seconds == 2 * 7200 + 100", "prompts.b | length == 1"]
        - name: none is good
          tools: {t: {raise: transient, message: no line}}
          expect: {error: {kind: transient, step: a, message: no line}, tool_calls: [t, t, t], never: []}
        """,
    )
    assert (told(good), told(fails)) == ([], [])
    assert time.monotonic() - begun < 60


def test_what_an_agent_asks_is_answered_by_its_step(carry: Carry) -> None:
    plan = """
    agents: {clerk: {ask: true}}
    steps: [{id: a, task: Find out, agent: clerk}]
    """
    (case,) = carry(
        plan,
        """
        - name: one
          replies: {a: [{tool_calls: [{tool: clarify, args: {question: Which one?}}]}, the red one]}
          answers: {a: red}
          expect: {output: the red one, asked: [{id: a, guidance: Which one?}], that: "'red' in prompts.a[1]"}
        """,
    )
    assert told(case) == []


def test_limits_hold(carry: Carry) -> None:
    plan = """
    limits: {llm_calls: 2}
    tools: {t: {effect: read}}
    agents: {clerk: {tools: [t]}}
    steps: [{id: a, task: Go on, agent: clerk}]
    """
    (case,) = carry(
        plan,
        """
        - name: one
          tools: {t: {returns: 1}}
          replies: {a: {tool_calls: [{tool: t}]}}
          expect: {error: {kind: limit_exceeded, step: a}, tool_calls: [t, t]}
        """,
    )
    assert told(case) == []


def test_a_pause_uses_no_answer_up_twice_nor_gives_one_twice(carry: Carry) -> None:
    """Also in a loop, whose items a run forgets once they are done."""
    plan = """
    tools: {t: {effect: read}}
    steps:
      - {id: a, foreach: {in: "[1, 2]"}, tool: t}
      - {id: b, foreach: {in: "[1, 2]"}, task: Say it}
      - {id: wait, clarify: {type: input, guidance: How long?, timeout: 1d, on_timeout: {answer: long}}}
      - {id: c, foreach: {in: "[1, 2]"}, tool: t}
      - {id: d, foreach: {in: "[1, 2]"}, clarify: {type: input, guidance: And?}}
    output: ["{{ steps.a.output }}", "{{ steps.b.output }}", "{{ steps.c.output }}", "{{ steps.d.output }}"]
    """
    (case,) = carry(
        plan,
        """
        - name: one
          tools: {t: [{returns: 1}, {returns: 2}, {returns: 3}, {returns: 4}]}
          replies: {b: [x, y]}
          answers: {wait: {never: true}, d: [p, q]}
          expect: {output: [[1, 2], [x, y], [3, 4], [p, q]], tool_calls: [t, t, t, t]}
        """,
    )
    assert told(case) == []
