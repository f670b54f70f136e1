"""planrunner: declarative, YAML-driven plans for AI agents that act for many end users.

Public names are exactly `__all__`; each is imported when it is first touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planrunner.document.load import load_plan as load_plan
    from planrunner.document.script import load_script as load_script
    from planrunner.errors import *  # noqa: F403 - every error is public
    from planrunner.execution_context import ExecutionContext as ExecutionContext
    from planrunner.execution_context import execution_context as execution_context
    from planrunner.execution_context import get_execution_context as get_execution_context
    from planrunner.open_source_tools.registry import example_tool_registry as example_tool_registry
    from planrunner.plan import Plan as Plan
    from planrunner.plan import Step as Step
    from planrunner.plan_run import Output as Output
    from planrunner.plan_run import PlanRun as PlanRun
    from planrunner.plan_run import PlanRunOutputs as PlanRunOutputs
    from planrunner.plan_run import PlanRunState as PlanRunState
    from planrunner.tools.base import Tool as Tool
    from planrunner.tools.base import ToolRunContext as ToolRunContext
    from planrunner.tools.python import tool as tool
    from planrunner.wire import Runner as Runner

__version__ = "0.1.0"

_HOMES = {
    "ExecutionContext": "planrunner.execution_context",
    "Output": "planrunner.plan_run",
    "Plan": "planrunner.plan",
    "PlanRun": "planrunner.plan_run",
    "PlanRunOutputs": "planrunner.plan_run",
    "PlanRunState": "planrunner.plan_run",
    "Runner": "planrunner.wire",
    "Step": "planrunner.plan",
    "Tool": "planrunner.tools.base",
    "ToolRunContext": "planrunner.tools.base",
    "example_tool_registry": "planrunner.open_source_tools.registry",
    "execution_context": "planrunner.execution_context",
    "get_execution_context": "planrunner.execution_context",
    "load_plan": "planrunner.document.load",
    "load_script": "planrunner.document.script",
    "tool": "planrunner.tools.python",
}
_ERRORS = (
    "ContextError",
    "InputsError",
    "InvalidPlanError",
    "InvalidPlanRunStateError",
    "LeaseLostError",
    "ModelNotConfiguredError",
    "PlanRunNotFoundError",
    "PlanrunnerError",
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
