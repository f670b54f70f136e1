"""The rules of a project's owner, which stand outside of every plan: a plan can be stricter, never less strict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Final

from planrunner.plan import HookEntry, Limits
from planrunner.registry import split_package

NO_LIMITS: Final = Limits()
_ELSEWHERE: Final = ("api_base", "base_url", "custom_llm_provider", "fallbacks", "model_list")
"""Parameters by which a call goes elsewhere than the name of its model says."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a policy says; by default nothing.

    approve  globs of tools: a person approves each call
    deny     globs of tools that are never called
    models   globs of litellm names; None: any model
    limits   ceilings of every run, whatever its plan says
    hooks    fired before every other
    approving_hooks  functions (`package.module:name`) that count as an approval where they stand before a call
    imports  modules that a `use`, and packages that a `plan` may name, those below them included; globs; None: any
    root     the folder in which its own hooks are looked for, after what is installed
    """

    approve: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    limits: Limits = NO_LIMITS
    hooks: tuple[HookEntry, ...] = ()
    approving_hooks: tuple[str, ...] = ()
    imports: tuple[str, ...] | None = None
    root: str = "."

    @property
    def lists(self) -> tuple[tuple[HookEntry, ...], ...]:
        """Its bindings in three lists, of which each speaks for itself: what is denied, what is approved, its hooks."""
        return _on("deny_tool_calls", self.deny), _on("clarify_on_tool_calls", self.approve), self.hooks

    def denies(self, names: Iterable[str]) -> bool:
        """Whether a tool with these names is never called."""
        return _any(self.deny, names)

    def model_refusal(self, model: str) -> str | None:
        """Why this litellm name is not allowed; None when it is."""
        if self.models is None or _any(self.models, (model,)):
            return None
        return f"the policy does not allow the model {model!r}: {_allowed('it allows', self.models)}"

    def parameter_refusal(self, parameters: Mapping[str, Any]) -> tuple[str, str] | None:
        """The first parameter of a plan's own model that would let it be another than its name says, and why not."""
        key = next((key for key in parameters if key in _ELSEWHERE), None)
        if self.models is None or key is None:
            return None
        return key, f"the policy names the models that may be called, and {key!r} could lead elsewhere: leave it out"

    def import_refusal(self, use: str) -> str | None:
        """Why a `use` may not name this; None when it may."""
        module = use.partition(":")[0]
        if self.imports is None or _any([*self.imports, *(f"{glob}.*" for glob in self.imports)], (module,)):
            return None
        return f"the policy does not allow to import {module!r}: {_allowed('a `use` may name', self.imports)}"

    def package_refusal(self, written: str) -> str | None:
        """Why a `plan` may not name this file; None when it may, as every file of the project."""
        package = split_package(written)[0]
        if not package or self.import_refusal(package) is None:
            return None
        may = _allowed("a `plan` may name those of", self.imports or ())
        return f"the policy does not allow plans of the package {package!r}: {may}"

    def limit_refusals(self, limits: Mapping[str, Any]) -> dict[str, str]:
        """Limit → why it is too high, of those that are above the ceiling."""
        told = {}
        for name, ceiling in self.ceilings.items():
            if limits.get(name) is not None and limits[name] > ceiling:
                unit = " seconds" if name == "duration" else ""
                told[name] = f"the policy's ceiling for {name} is {ceiling:.12g}{unit}: name at most that"
        return told

    @property
    def ceilings(self) -> dict[str, float]:
        """The limits that it has."""
        values = {field.name: getattr(self.limits, field.name) for field in fields(Limits)}
        return {name: value for name, value in values.items() if value is not None}


NO_POLICY: Final = Policy()


def _on(hook: str, tools: tuple[str, ...]) -> tuple[HookEntry, ...]:
    return (HookEntry("before_tool_call", hook, with_={"tools": list(tools)}),) if tools else ()


def _any(globs: Iterable[str], names: Iterable[str]) -> bool:
    known = tuple(names)
    return any(fnmatchcase(name, glob) for glob in globs for name in known)


def _allowed(begins: str, globs: tuple[str, ...]) -> str:
    return f"{begins} {', '.join(globs)}" if globs else f"{begins} none"
