"""Everything planrunner raises, as one tree.

    PlanrunnerError                     exit 1
    ├── UsageError                      exit 2: found before a run exists, nothing was recorded
    │   ├── InputsError                 inputs that the plan does not take
    │   ├── ContextError                an execution context that breaks the plan's contract
    │   ├── ModelNotConfiguredError     a task step, and no model named anywhere
    │   ├── UnknownToolError            the plan names a tool that nobody provides
    │   ├── ToolUnusableError           a tool that can't be imported or contradicts its declaration
    │   ├── PlanRunNotFoundError        no such run in this store
    │   ├── PolicyError                 what the policy of the project does not allow
    │   ├── AnswerError                 an answer that the question does not take; it stays open
    │   └── StoreUnusableError          a store that can't be opened
    ├── InvalidPlanError                a plan with problems; `.problems` has them all
    ├── PlannerError                    a planner wrote no valid plan; `.text` is its best try
    ├── InvalidPlanRunStateError        the run is not in a state that allows this
    │   ├── RunBusyError                another process carries the run
    │   └── RunFinishedError            the run has ended
    ├── NotScriptedError                a plan test reached something that its case does not script
    ├── StoreError                      the store failed in the middle
    │   └── LeaseLostError              another process took the run over; nothing was written
    └── StepError                       fails a step; `.kind` is one of ERROR_KINDS
        ├── TransientError, RateLimitedError, DeadlineError, ModelError        (models)
        ├── ToolSoftError, ToolHardError                                       (tools)
        ├── SchemaError, TemplateError                                         (values)
        └── RejectedError, LimitExceededError, ExhaustedError, HookError,
            PlanError, ExitError, RunCancelledError                            (control)

Exit codes are those of the command line: 0 complete, 1 failed or not valid, 2 wrong usage, 3 waiting for a
person, 70 a defect of planrunner, 130 and 143 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from planrunner.document.problem import Problem

EXIT_COMPLETE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_WAITING = 3
EXIT_DEFECT = 70
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class PlanrunnerError(Exception):
    """The root. Its text is written for the person who reads it: what, where, what was expected, what to do."""

    exit_code: ClassVar[int] = EXIT_FAILED


class UsageError(PlanrunnerError):
    """Asked for something that can't be begun. Nothing ran and nothing was recorded."""

    exit_code = EXIT_USAGE


class InputsError(UsageError):
    """The inputs given to a run are not those the plan declares."""


class ContextError(UsageError):
    """The execution context does not meet the plan's `context` block."""


class ModelNotConfiguredError(UsageError):
    """A task step needs a model and none is named in the plan, the settings or the call."""


class UnknownToolError(UsageError):
    """A tool is named that no source provides."""


class ToolUnusableError(UsageError):
    """A tool was found but can't serve: its module fails to import, or its entry contradicts it."""


class PlanRunNotFoundError(UsageError):
    """No run with this id is in the store."""


class PolicyError(UsageError):
    """The policy does not allow it, whatever the plan says."""


class AnswerError(UsageError):
    """The question does not take this answer. It stays open."""


class StoreUnusableError(UsageError):
    """The store can't be opened or created."""


class InvalidPlanError(PlanrunnerError):
    """The plan has problems. `problems` holds every one of them, in file order."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[Problem, ...] = tuple(problems)


class PlannerError(PlanrunnerError):
    """A planner wrote no valid plan, and nothing ran.

    reason    why it was let be
    text      its best try, the one with the fewest problems
    problems  what is wrong with that
    """

    def __init__(self, reason: str, text: str, problems: Sequence[Problem]) -> None:
        super().__init__(reason, text, problems)
        self.reason = reason
        self.text = text
        self.problems: tuple[Problem, ...] = tuple(problems)

    def __str__(self) -> str:
        lines = "".join(f"\n  {problem.file}:{problem}" for problem in self.problems)
        return f"{self.reason}\nits best try has these problems:{lines}"


class InvalidPlanRunStateError(PlanrunnerError):
    """What was asked of a run does not fit the state it is in."""


class RunBusyError(InvalidPlanRunStateError):
    """The run is carried by another process whose lease has not ended."""


class RunFinishedError(InvalidPlanRunStateError):
    """The run is COMPLETE or FAILED; there is nothing left to carry."""


class NotScriptedError(PlanrunnerError):
    """Under a strict script a run called, or asked, what the script has no answer for. Nothing real was called."""


class StoreError(PlanrunnerError):
    """The store failed while a run was going on. What was acknowledged before is kept."""


class LeaseLostError(StoreError):
    """Another process took the run over. The write was refused; this process must stop carrying it."""


class StepError(PlanrunnerError):
    """What fails a step. `kind` is the word that records, `on_error` and `retry` use."""

    kind: ClassVar[str]


class TransientError(StepError):
    """A connection that broke, or a server's 5xx: the same call may succeed later."""

    kind = "transient"


class RateLimitedError(StepError):
    """429. `retry_after` is the server's wish in seconds, None when it said nothing."""

    kind = "rate_limited"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineError(StepError):
    """A deadline of ours passed, or a question expired."""

    kind = "timeout"


class ToolSoftError(StepError):
    """Raised by a tool: this call failed and may be tried again. An agent's model sees the message."""

    kind = "tool_soft_error"


class ToolHardError(StepError):
    """Raised by a tool: this call failed for good. Every other exception of a tool counts as this."""

    kind = "tool_error"


class SchemaError(StepError):
    """An output, rendered args or a final value does not meet its schema, or can't be told in JSON."""

    kind = "schema_error"


class TemplateError(StepError):
    """A template could not be rendered, or an expression gave what its place can't take."""

    kind = "template_error"


class ModelError(StepError):
    """Every failure of a model that repeating will not mend: auth, bad request, content filter, context window."""

    kind = "model_error"


class RejectedError(StepError):
    """A person said no, or a rule denied the call."""

    kind = "rejected"


class LimitExceededError(StepError):
    """A limit of the run is reached."""

    kind = "limit_exceeded"


class ExhaustedError(StepError):
    """A bounded loop came to its bound without an end."""

    kind = "exhausted"


class HookError(StepError):
    """A hook failed."""

    kind = "hook_error"


class PlanError(StepError):
    """A sub-plan can't be loaded."""

    kind = "plan_error"


class ExitError(StepError):
    """An `exit` step ended the plan with state FAILED."""

    kind = "exit"


class RunCancelledError(StepError):
    """The run was cancelled."""

    kind = "cancelled"


_BY_KIND: dict[str, type[StepError]] = {
    error.kind: error
    for error in (
        TransientError,
        RateLimitedError,
        DeadlineError,
        ToolSoftError,
        ToolHardError,
        SchemaError,
        TemplateError,
        ModelError,
        RejectedError,
        LimitExceededError,
        ExhaustedError,
        HookError,
        PlanError,
        ExitError,
        RunCancelledError,
    )
}

ERROR_KINDS: tuple[str, ...] = tuple(_BY_KIND)
"""The closed list of error kinds."""


def step_error(kind: str, message: str) -> StepError:
    """The error of that kind, as it was when it was recorded."""
    return _BY_KIND[kind](message)
