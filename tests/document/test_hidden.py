"""A key that stands in a plan is refused, and is shown by nothing that tells so."""

from __future__ import annotations

from pathlib import Path

import pytest

from planrunner import InvalidPlanError, load_plan
from planrunner.document.load import Loaded, load_document
from planrunner.registry import load as load_named
from planrunner.render import PROBLEMS
from planrunner.render.checked import Report, as_checked
from planrunner.render.words import Style

KEY = "sk-proj-0123456789abcdef"
HEAD = "planrunner: 1\nname: keys\n"
STEPS = "steps: [{id: a, task: x, agent: {model: mine}}]\n"


def check(text: str, folder: Path = Path()) -> Loaded:
    return load_document(text.encode(), "plan.yml", path=str(folder / "plan.yml"), root=str(folder))


def shown(loaded: Loaded) -> str:
    """What every reporter says, and the object itself."""
    report = Report([as_checked(loaded)], root=".")
    return "\n".join(
        [repr(loaded), *loaded.source.lines, *(load_named(PROBLEMS[name])(report, Style()) for name in PROBLEMS)]
    )


PLACES = {
    "plain": f"models: {{mine: {{model: openai/x, api_key: {KEY}}}}}\n",
    "quoted": f"models: {{mine: {{model: openai/x, api_key: '{KEY}'}}}}\n",
    "beside another mistake": f"models: {{mine: {{model: openai/x, api_key: {KEY}}}}}\nstep: 1\n",
    "on the line of another mistake": f"models: {{mine: {{api_key: {KEY}, model: 3}}, mine: {{model: b/c}}}}\n",
    "block": f"models:\n  mine:\n    model: openai/x\n    api_key: |\n      {KEY}\n",
    "folded": f"models:\n  mine:\n    model: openai/x\n    api_key: >-\n\n      {KEY}\n    colour: blue\n",
    "header": f"models: {{mine: {{model: openai/x, extra_headers: {{Authorization: Bearer {KEY}}}}}}}\n",
    "alias": f"x-key: &key {KEY}\nmodels: {{mine: {{model: openai/x, api_key: *key}}}}\n",
    "anchor": f"models: {{mine: {{model: openai/x, api_key: &key {KEY}}}}}\n",
    "list": f"models: {{mine: {{model: openai/x, tokens: [one, {KEY}]}}}}\n",
    "not readable": f"models: {{mine: {{model: openai/x, api_key: {KEY}}}}}\n\tbroken: [\n",
    "not readable, on its line": f"models: {{mine: {{model: openai/x, api_key: '{KEY}', }}}}]\n",
    "a list": f"- models: {{mine: {{api_key: {KEY}}}}}\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_no_form_of_the_result_shows_the_key(place: str) -> None:
    text = PLACES[place] if place == "a list" else HEAD + PLACES[place] + STEPS
    loaded = check(text)
    assert loaded.plan is None
    assert loaded.problems
    assert KEY not in shown(loaded)
    assert KEY[8:] not in shown(loaded)


def test_a_key_that_is_written_in_escapes_or_over_several_lines_is_hidden_too() -> None:
    escaped = "".join(f"\\x{ord(letter):02x}" for letter in KEY)
    text = f'{HEAD}models: {{mine: {{model: openai/x, api_key: "{escaped}"}}}}\n{STEPS}'
    assert escaped[:40] not in shown(check(text))
    text = f'{HEAD}models:\n  mine:\n    model: openai/x\n    api_key: "{KEY[:12]}\\\n      {KEY[12:]}"\n{STEPS}'
    assert KEY[:12] not in shown(check(text))
    assert KEY[12:] not in shown(check(text))


def test_all_else_stays_where_it_is() -> None:
    loaded = check(
        HEAD + f"models: {{mine: {{model: openai/x, api_key: {KEY}, max_tokens: 9, top_p: 1}}}} # end\n" + STEPS
    )
    stars = "*" * len(KEY)
    assert (
        loaded.source.lines[2]
        == f"models: {{mine: {{model: openai/x, api_key: {stars}, max_tokens: 9, top_p: 1}}}} # end"
    )
    assert [problem.place for problem in loaded.problems] == [("plan.yml", 3, 43)]


def test_a_plan_without_keys_is_shown_as_it_is() -> None:
    text = HEAD + "models: {mine: {model: openai/x, api_key: EMPTY}}\nsteps: [{id: a, set: 1}]\nstep: 1\n"
    assert check(text).source.text == text


def test_a_sub_plan_hides_its_own(tmp_path: Path) -> None:
    (tmp_path / "inner.yml").write_text(HEAD + PLACES["plain"] + STEPS)
    loaded = check(HEAD + "steps: [{id: a, plan: ./inner.yml}]\n", tmp_path)
    assert "key-in-plan" in [problem.code for problem in loaded.problems]
    assert KEY not in shown(loaded)


def test_the_error_of_python_callers_holds_none(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text(HEAD + PLACES["plain"] + STEPS)
    with pytest.raises(InvalidPlanError) as raised:
        load_plan(tmp_path / "plan.yml")
    assert KEY not in f"{raised.value!r} {raised.value} {raised.value.problems}"
