"""Finds the tool that a `use` names, and says in one line why it can't be had."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from planrunner.errors import PlanrunnerError, ToolUnusableError
from planrunner.registry import hint
from planrunner.tools.base import EFFECTS, Tool, can_run
from planrunner.tools.calling import error_text
from planrunner.tools.python import tool as as_function_tool
from planrunner.tools.search_path import appended_roots


def load_tool(use: str, root: str) -> Tool:
    """The tool under `package.module:name`, imported with the project root appended last to `sys.path`.

    Takes a Tool, a class of tools, or a function. Raises ToolUnusableError.
    """
    return as_tool(_load(use, root), f"use: {use!r}")


def load_function(use: str, root: str) -> Callable[..., Any]:
    """The function under `package.module:name`, found as tools are. Raises ToolUnusableError."""
    thing = _load(use, root)
    if not callable(thing):
        raise ToolUnusableError(f"use: {use!r} is a {type(thing).__name__}; expected a function")
    return thing  # type: ignore[no-any-return]


def _load(use: str, root: str) -> Any:
    module_name, colon, name = use.partition(":")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module_name.split(".")):
        raise ToolUnusableError(f"use: {use!r} is not of the form 'package.module:name'")
    module = _import(module_name, use, os.path.realpath(root))
    try:
        return getattr(module, name)
    except AttributeError:
        known = [known for known in dir(module) if not known.startswith("_")]
        raise ToolUnusableError(f"use: {use!r}: the module {module_name} has no {name!r}{hint(name, known)}") from None


def as_tool(thing: Tool | type[Tool] | Callable[..., Any], what: str) -> Tool:
    """The thing as a tool that can be called. `what` begins the message of the ToolUnusableError."""
    if isinstance(thing, type) and issubclass(thing, Tool):
        thing = _made(thing, what)
    elif inspect.isroutine(thing):
        try:
            thing = as_function_tool(thing)
        except ToolUnusableError as error:
            raise ToolUnusableError(f"{what}: {error}") from error
    if not isinstance(thing, Tool):
        raise ToolUnusableError(
            f"{what} is a {type(thing).__name__}; expected a Tool, a subclass of Tool, or a function"
        )
    wrong = _what_is_wrong(thing)
    if wrong is not None:
        raise ToolUnusableError(f"{what}: {wrong}")
    return thing


def _made(kind: type[Tool], what: str) -> Tool:
    try:
        return kind()
    except Exception as error:
        raise ToolUnusableError(f"{what}: {kind.__name__}() failed: {error_text(error)}") from error


def _what_is_wrong(tool: Tool) -> str | None:
    if not tool.id:
        return f'{type(tool).__name__} has no id; write id = "…" in the class'
    if not can_run(tool):
        return f"{tool!r} has neither run() nor arun()"
    if tool.effect is not None and tool.effect not in EFFECTS:
        return f"{tool!r} has the effect {tool.effect!r}; expected one of {', '.join(EFFECTS)}"
    for field, schema in (("args_schema", tool.args_schema), ("output_schema", tool.output_schema or {})):
        if not isinstance(schema, dict) and not hasattr(schema, "keys"):
            return f"{tool!r}: {field} is a {type(schema).__name__}; expected a JSON Schema as a mapping"
    return None


def _import(name: str, use: str, root: str) -> Any:
    from importlib import import_module, invalidate_caches

    if root not in (os.path.realpath(entry) for entry in sys.path):
        sys.path.append(root)
        appended_roots.add(root)
        invalidate_caches()
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ToolUnusableError(
                f"use: {use!r}: there is no module {error.name!r}, neither installed nor below {root}"
            ) from None
        raise _failed(use, error) from error
    except (Exception, SystemExit) as error:
        raise _failed(use, error) from error
    _refuse_foreign(module, use, root)
    return module


def _failed(use: str, error: BaseException) -> ToolUnusableError:
    text = str(error) if isinstance(error, PlanrunnerError) else error_text(error)
    return ToolUnusableError(f"use: {use!r}: importing it failed: {' '.join(text.split())}")


def _refuse_foreign(module: Any, use: str, root: str) -> None:
    """Python knows one module per name: what another project's plan imported would be served to this one silently."""
    file = getattr(module, "__file__", None)
    if file is None:
        return
    path = Path(os.path.realpath(file))
    homes = [entry for entry in map(os.path.realpath, sys.path) if path.is_relative_to(entry)]
    home = max(homes, key=len, default=root)
    if home != root and home in appended_roots:
        raise ToolUnusableError(
            f"use: {use!r} was found in another project, {home}, whose plans run in this process; "
            "give the module a name that only one of the projects has"
        )
