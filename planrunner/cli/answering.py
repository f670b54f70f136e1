"""Answers from the command line: what was typed becomes an answer, and finds the question it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planrunner.answers import answer_of_text, checked_answer
from planrunner.cli.values import pairs
from planrunner.errors import AnswerError, UsageError
from planrunner.plan import MISSING
from planrunner.registry import hint
from planrunner.render import questions
from planrunner.run_state import ENDED

if TYPE_CHECKING:
    from planrunner.clarification import Clarification
    from planrunner.plan import Plan
    from planrunner.plan_run import PlanRun

_ID = "clar-"
_UNSEEN = "an approval is never given unseen"


@dataclass(frozen=True, slots=True)
class Typed:
    """Text that a person typed; which value it means is for the question to say."""

    text: str


def given_answers(words: Iterable[str]) -> dict[str, Any]:
    """`--answer`: clarification id or step path → Typed, or the value of a `K:=JSON`."""
    return pairs("--answer", words, lambda _, text: Typed(text))


def answer_to(question: Clarification, given: Any) -> Any:
    """The answer as it is recorded. AnswerError when the question does not take it."""
    known = questions.fields(question)
    return checked_answer(known, answer_of_text(known, given.text) if isinstance(given, Typed) else given)


def is_of_clarify_step(question: Clarification) -> bool:
    """Whether the plan's author wrote the question down; only such a one may be answered without naming its id."""
    return question.source == "step" and question.call is None


class Ahead:
    """Answers to clarify steps that have not asked yet, by step path."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = dict(answers)
        self._used: set[str] = set()

    def add(self, answers: Mapping[str, Any]) -> None:
        """Know these too."""
        self._answers.update(answers)

    def answer(self, question: Clarification) -> Any:
        """The answer that was given to this question; MISSING when there is none. AnswerError as `answer_to`."""
        path = question.path
        if path not in self._answers or not is_of_clarify_step(question):
            return MISSING
        self._used.add(path)
        return answer_to(question, self._answers[path])

    @property
    def unused(self) -> list[str]:
        """The steps that did not ask."""
        return [path for path in self._answers if path not in self._used]


def ahead_of_run(plan: Plan, answers: Mapping[str, Any]) -> Ahead:
    """The answers for a new run. UsageError for one that no clarify step of the plan can take."""
    verbs = {step.path: step.verb for step in plan.walk()}
    asking = [path for path, verb in verbs.items() if verb == "clarify"]
    for name in answers:
        if name.startswith(_ID):
            raise UsageError(f"--answer {name}: a new run has asked nothing yet; name the clarify step: STEP=VALUE")
        if name not in verbs:
            known = hint(name, asking) or f"; its clarify steps: {', '.join(asking) or 'none'}"
            raise UsageError(f"--answer {name}: the plan has no such step{known}")
        if verbs[name] != "clarify":
            raise UsageError(
                f"--answer {name}: that is a {verbs[name]} step, and only clarify steps are answered ahead: {_UNSEEN}"
            )
    return Ahead(answers)


def settled(run: PlanRun, answers: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answers for a run that waits: those to its questions by clarification id, checked; and those by step path
    to clarify steps that have not asked yet.

    UsageError for a name that is no question and no step still to come, AnswerError for a value that is refused.
    """
    found: dict[str, Any] = {}
    ahead: dict[str, Any] = {}
    for name, given in answers.items():
        question = question_named(run, name, "--answer ")
        if question is None:
            ahead[name] = given
        elif question.id in found:
            raise UsageError(f"--answer {name}: {question.id} is answered twice; answer it once")
        else:
            found[question.id] = given if question.resolved else checked(question, given)
    return found, ahead


def checked(question: Clarification, given: Any) -> Any:
    """As `answer_to`, with an error that says which question refused."""
    try:
        return answer_to(question, given)
    except AnswerError as error:
        raise AnswerError(f"{question.id}, which {question.path} asks, stays open: {error}") from None


def question_named(run: PlanRun, name: str, flag: str = "") -> Clarification | None:
    """The question of this id, or the newest that the clarify step of this path asked; None: the step is still to come.

    UsageError when the name is neither, and for the path of a step in which a hook or a tool asks.
    """
    for question in run.clarifications:
        if question.id == name:
            return question
    at_path = [question for question in run.clarifications if question.path == name]
    own = [question for question in at_path if is_of_clarify_step(question)]
    if own:
        return own[-1]
    still_open = [question.id for question in at_path if not question.resolved]
    if still_open:
        raise UsageError(
            f"{flag}{name}: not a clarify step but {_who_asks(at_path[-1], ' there')}; "
            f"name the question by its id: {', '.join(still_open)}"
        )
    states = {step.path: step.state for step in run.steps}
    if states.get(name) in ENDED:
        raise UsageError(f"{flag}{name}: the step has ended, it asks nothing more")
    if name not in states:
        asked = [question.id for question in run.get_outstanding_clarifications()]
        known = hint(name, [*asked, *states]) or f"; open questions: {', '.join(asked) or 'none'}"
        raise UsageError(f"{flag}{name}: run {run.id} has no such question or step{known}")
    return None


def _who_asks(question: Clarification, where: str = "") -> str:
    """Why a question is answered by its id alone."""
    if question.source == "agent":
        return f"an agent asks{where}, and it may ask anything"
    return f"a {question.source} asks{where}, and {_UNSEEN}"


def only_question(run: PlanRun) -> Clarification:
    """The one open question, when none was named. UsageError when that does not say which."""
    still_open = run.get_outstanding_clarifications()
    if len(still_open) == 1 and is_of_clarify_step(still_open[0]):
        return still_open[0]
    if not still_open:
        raise UsageError(f"run {run.id} asks nothing (it is {run.state})")
    listed = "".join(f"\n  {question.id}  {question.path}" for question in still_open)
    why = _who_asks(still_open[0]) if len(still_open) == 1 else f"{len(still_open)} questions are open"
    raise UsageError(f"which question? {why}. Name its id before the value:{listed}")
