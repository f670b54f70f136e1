"""planrunner: declarative, YAML-driven plans for AI agents that act for many end users.

Public names are exactly `__all__`; each is imported when it is first touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planrunner.clarification import ActionClarification as ActionClarification
    from planrunner.clarification import Clarification as Clarification
    from planrunner.clarification import ClarificationCategory as ClarificationCategory
    from planrunner.clarification import CustomClarification as CustomClarification
    from planrunner.clarification import InputClarification as InputClarification
    from planrunner.clarification import MultipleChoiceClarification as MultipleChoiceClarification
    from planrunner.clarification import UserVerificationClarification as UserVerificationClarification
    from planrunner.clarification import ValueConfirmationClarification as ValueConfirmationClarification
    from planrunner.clarification_handler import ClarificationHandler as ClarificationHandler
    from planrunner.config import default_config as default_config
    from planrunner.document.load import load_plan as load_plan
    from planrunner.document.script import load_script as load_script
    from planrunner.errors import AnswerError as AnswerError
    from planrunner.errors import ContextError as ContextError
    from planrunner.errors import InputsError as InputsError
    from planrunner.errors import InvalidPlanError as InvalidPlanError
    from planrunner.errors import InvalidPlanRunStateError as InvalidPlanRunStateError
    from planrunner.errors import LeaseLostError as LeaseLostError
    from planrunner.errors import ModelNotConfiguredError as ModelNotConfiguredError
    from planrunner.errors import NotScriptedError as NotScriptedError
    from planrunner.errors import PlannerError as PlannerError
    from planrunner.errors import PlanrunnerError as PlanrunnerError
    from planrunner.errors import PlanRunNotFoundError as PlanRunNotFoundError
    from planrunner.errors import PolicyError as PolicyError
    from planrunner.errors import RunBusyError as RunBusyError
    from planrunner.errors import RunFinishedError as RunFinishedError
    from planrunner.errors import StepError as StepError
    from planrunner.errors import StoreError as StoreError
    from planrunner.errors import StoreUnusableError as StoreUnusableError
    from planrunner.errors import ToolHardError as ToolHardError
    from planrunner.errors import ToolSoftError as ToolSoftError
    from planrunner.errors import ToolUnusableError as ToolUnusableError
    from planrunner.errors import UnknownToolError as UnknownToolError
    from planrunner.errors import UsageError as UsageError
    from planrunner.execution_context import ExecutionContext as ExecutionContext
    from planrunner.execution_context import execution_context as execution_context
    from planrunner.execution_context import get_execution_context as get_execution_context
    from planrunner.execution_hooks import BeforeStepExecutionOutcome as BeforeStepExecutionOutcome
    from planrunner.execution_hooks import ExecutionHooks as ExecutionHooks
    from planrunner.execution_hooks import clarify_on_all_tool_calls as clarify_on_all_tool_calls
    from planrunner.execution_hooks import clarify_on_tool_calls as clarify_on_tool_calls
    from planrunner.execution_hooks import log_step_outputs as log_step_outputs
    from planrunner.log import logger as logger
    from planrunner.open_source_tools.registry import example_tool_registry as example_tool_registry
    from planrunner.plan import Plan as Plan
    from planrunner.plan import Step as Step
    from planrunner.plan_run import Output as Output
    from planrunner.plan_run import PlanRun as PlanRun
    from planrunner.plan_run import PlanRunOutputs as PlanRunOutputs
    from planrunner.plan_run import PlanRunState as PlanRunState
    from planrunner.plan_run import ReadOnlyPlanRun as ReadOnlyPlanRun
    from planrunner.tools.base import Tool as Tool
    from planrunner.tools.base import ToolRunContext as ToolRunContext
    from planrunner.tools.python import tool as tool
    from planrunner.wire import Runner as Runner

__version__ = "0.1.0"

_HOMES = {
    "ActionClarification": "planrunner.clarification",
    "BeforeStepExecutionOutcome": "planrunner.execution_hooks",
    "Clarification": "planrunner.clarification",
    "ClarificationCategory": "planrunner.clarification",
    "ClarificationHandler": "planrunner.clarification_handler",
    "CustomClarification": "planrunner.clarification",
    "ExecutionContext": "planrunner.execution_context",
    "ExecutionHooks": "planrunner.execution_hooks",
    "InputClarification": "planrunner.clarification",
    "MultipleChoiceClarification": "planrunner.clarification",
    "Output": "planrunner.plan_run",
    "Plan": "planrunner.plan",
    "PlanRun": "planrunner.plan_run",
    "PlanRunOutputs": "planrunner.plan_run",
    "PlanRunState": "planrunner.plan_run",
    "ReadOnlyPlanRun": "planrunner.plan_run",
    "Runner": "planrunner.wire",
    "Step": "planrunner.plan",
    "Tool": "planrunner.tools.base",
    "ToolRunContext": "planrunner.tools.base",
    "UserVerificationClarification": "planrunner.clarification",
    "ValueConfirmationClarification": "planrunner.clarification",
    "clarify_on_all_tool_calls": "planrunner.execution_hooks",
    "clarify_on_tool_calls": "planrunner.execution_hooks",
    "default_config": "planrunner.config",
    "example_tool_registry": "planrunner.open_source_tools.registry",
    "execution_context": "planrunner.execution_context",
    "get_execution_context": "planrunner.execution_context",
    "load_plan": "planrunner.document.load",
    "load_script": "planrunner.document.script",
    "log_step_outputs": "planrunner.execution_hooks",
    "logger": "planrunner.log",
    "tool": "planrunner.tools.python",
}
_ERRORS = (
    "AnswerError",
    "ContextError",
    "InputsError",
    "InvalidPlanError",
    "InvalidPlanRunStateError",
    "LeaseLostError",
    "ModelNotConfiguredError",
    "NotScriptedError",
    "PlanRunNotFoundError",
    "PlannerError",
    "PlanrunnerError",
    "PolicyError",
    "RunBusyError",
    "RunFinishedError",
    "StepError",
    "StoreError",
    "StoreUnusableError",
    "ToolHardError",
    "ToolSoftError",
    "ToolUnusableError",
    "UnknownToolError",
    "UsageError",
)
_HOMES.update(dict.fromkeys(_ERRORS, "planrunner.errors"))

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'planrunner' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(home)
    if name == "execution_context":  # a module and a function under one name: the module can be called
        return module
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
