"""The types of a plan: of each name at the place where a template stands, and so of what every template gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Final

from planrunner.document.complaints import Finding
from planrunner.document.conditions import Conditions
from planrunner.document.infer import Assumed, Inference, View
from planrunner.document.outputs import Outputs
from planrunner.document.problem import MAX_PROBLEMS, Level, Problem
from planrunner.document.rules.scope import around
from planrunner.document.schema_types import of_schema
from planrunner.document.shape import Path, Site
from planrunner.document.source import ListNode, MapNode, Node, ScalarNode, plain
from planrunner.document.tree import text_of
from planrunner.document.types import (
    ANY,
    FIRST_ROUND,
    NULL,
    TEXT,
    UNREACHED,
    WHOLE,
    Gap,
    Type,
    gap,
    list_of,
    look,
    made,
    of_kind,
    one_of,
    one_of_all,
    union,
)
from planrunner.document.view import Document, StepView, cost
from planrunner.errors import ERROR_KINDS
from planrunner.json_schema import short_form
from planrunner.run_parts import (
    COMPLETE,
    FAILED,
    IN_PROGRESS,
    NEED_CLARIFICATION,
    NOT_STARTED,
    READY_TO_RESUME,
    SKIPPED,
)
from planrunner.template import is_template, plain_path, whole_expression
from planrunner.template.syntax import TemplateSyntaxFault, parse

MAX_READING: Final = 1_000_000
"""So much is typed of the templates of one plan, by what their reading costs."""
_DEEP: Final = 40
"""Of what is computed from steps that are computed from steps, and so on, no more is known after so many."""
_STATES: Final = (NOT_STARTED, IN_PROGRESS, NEED_CLARIFICATION, READY_TO_RESUME, COMPLETE, SKIPPED, FAILED)
_COMPLEX: Final = re.compile(
    r"[=!]=(?!\s*null\b)|\bin\b|\[|[\])}]\s*\.|\{%[-+]?\s*(?:set|with)\b|\battribute\b|\|\s*(?:groupby|(?:reject|select)attr)\b"
)
"""What compares, or reads fields of what is no path."""
_ERRORS: Final = ("unknown-field", "not-in-enum")
_COUNTED: Final = re.compile(r"\{%[-+]?\s*for\b.*\bloop\b", re.DOTALL)
"""What reads the `loop` of a `for`, which is no path of the plan."""
_WITHIN: Final = ("object", "array")
_OF_LANGUAGE: Final = {"inputs": 2, "steps": 3, "context": 3, "run": 2, "loop": 2, "error": 2, "secrets": 2}
"""So many words of a path are the language's own, or are looked at by other rules."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What is known of one text: what it gives, and what is wrong in it."""

    type: Type = ANY
    findings: tuple[Finding, ...] = ()


class Types:
    """The types of one plan, each worked out when it is asked for."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.outputs = Outputs(document, self)
        self.conditions = Conditions(document)
        self.about_builtin: set[Problem] = set()
        """Problems that hold only if the Python caller puts no other tool in the place of a built-in one."""
        self._known: dict[tuple[int, Path], Typed] = {}
        self._left = MAX_READING
        self._nesting = document.nesting

    @cached_property
    def findings(self) -> tuple[tuple[Site, Finding], ...]:
        """What is wrong, in the order of the sites: all of it, or more errors than anybody reads."""
        found: list[tuple[Site, Finding]] = []
        wrong = 0
        for site in self._worth_reading:
            told = self.at(site).findings
            found += [(site, finding) for finding in told]
            wrong += sum(finding.code in _ERRORS and not finding.builtin for finding in told)
            if wrong > MAX_PROBLEMS:  # nobody reads more of them, and no warning beside them
                break
        return tuple(found)

    def problems_of(self, code: str, level: Level = "error") -> Iterator[Problem]:
        """What is wrong of one kind. Where a text stands in several places, each mistake is told of once."""
        told: set[tuple[int, int]] = set()
        for site, finding in self.findings:
            place = (id(site.node), finding.offset)
            if finding.code == code and place not in told:
                told.add(place)
                yield self.problem(site, finding, level)

    def problem(self, site: Site, finding: Finding, level: Level = "error") -> Problem:
        """A finding at its place."""
        message = finding.message + self.document.use(site)
        problem = self.document.problem_in(site, finding.offset, finding.code, message, level)
        if finding.builtin:
            self.about_builtin.add(problem)
        return problem

    @property
    def _worth_reading(self) -> Iterator[Site]:
        """The sites in which something could be wrong: most are seen to be right by the paths in them."""
        known: dict[str, bool] = {}
        for site, references in self.document.read_sites:
            if not references:
                continue
            text = site.node.value
            if text not in known:
                known[text] = _COMPLEX.search(text) is not None
            complex_ = known[text]
            read = [
                each.names for each in references if complex_ or len(each.names) > _OF_LANGUAGE.get(each.names[0], 1)
            ]
            if read:
                names = Names(self, site)
                if any(self._is_doubtful(names, path, complex_) for path in read) or _COUNTED.search(text):
                    yield site

    def _is_doubtful(self, names: Names, path: tuple[str, ...], complex_: bool) -> bool:
        """Whether reading a path could be wrong; in a `complex_` text, whether what comes of it could be."""
        walked = self._walk(names, path)
        if walked is None:
            return True
        return complex_ and (walked.bounded or not walked.kinds.isdisjoint(_WITHIN))

    def _walk(self, names: Names, path: tuple[str, ...]) -> Type | None:
        """What stands at a path; None when something on the way may not be there."""
        whole, known = names.resolve(path[0], list(path[1:]))
        for key in path[1 + known :]:
            looked = look(whole, key)
            if looked.missing or whole.gaps:
                return None
            whole = looked.type
        return whole

    def at(self, site: Site) -> Typed:
        """What is known of a text at its place."""
        key = (id(site.node), site.path)
        if key not in self._known:
            self._left -= cost(site.node.value, site.bare)
            if self._left < 0 or self._nesting.depth > _DEEP:
                return Typed()
            self._known[key] = Typed()
            self._nesting.depth += 1
            self._known[key] = self._typed(site)
            self._nesting.depth -= 1
        return self._known[key]

    def _typed(self, site: Site) -> Typed:
        path = plain_path(site.node.value, site.bare)
        plain_type = self._walk(Names(self, site), path) if path else None
        if plain_type is not None:
            return Typed(plain_type)
        try:
            tree = parse(site.node.value, site.bare)
            inference = Inference(site.node.value, Names(self, site))
            whole = tree if site.bare else whole_expression(tree)
            if whole is not None:
                return Typed(inference.of(whole, View({})), tuple(inference.findings))
            inference.body(tree.body, View({}))
            return Typed(TEXT, tuple(inference.findings))
        except (TemplateSyntaxFault, RecursionError):
            return Typed()

    @cached_property
    def _sites(self) -> dict[Path, Site]:
        return {site.path: site for site in self.document.sites}

    def of_expression(self, path: Path) -> Type:
        """What the template or expression at this place of the file gives."""
        site = self._sites.get(path)
        return ANY if site is None else self.at(site).type

    def of_path(self, site: Site, path: tuple[str, ...]) -> Type:
        """What stands at a path that is read at this place."""
        name, *keys = path
        whole, known = Names(self, site).resolve(name, list(keys))
        for key in keys[known:]:
            whole = look(whole, key).type
        return whole

    def of_node(self, node: Node | None, path: Path) -> Type:
        """The type of a value that is written in the plan, whose texts may be templates."""
        if isinstance(node, MapNode):
            return made({k: cache(partial(self.of_node, each.value, (*path, k))) for k, each in node.entries.items()})
        if isinstance(node, ListNode):
            items = node.items
            return list_of(cache(lambda: one_of_all(self.of_node(item, (*path, at)) for at, item in enumerate(items))))
        if not isinstance(node, ScalarNode):
            return ANY
        return self.of_expression(path) if is_template(str(node.value)) else one_of((node.value,))

    @cached_property
    def inputs(self) -> Type:
        """The inputs of the plan."""
        return declared(self.document.root.get("inputs"))

    @cached_property
    def additional_data(self) -> Type:
        """What the contract says of the end user's data."""
        contract = self.document.root.get("context")
        return declared(contract.get("additional_data"), True) if isinstance(contract, MapNode) else ANY


def declared(node: Node | None, extra: bool = False) -> Type:
    """The object that a schema in short form stands for."""
    if not isinstance(node, MapNode):
        return ANY
    return of_schema(short_form({key: each for key, each in plain(node).items() if not key.startswith("x-")}, extra))


class Names:
    """What the text at one place finds."""

    def __init__(self, types: Types, site: Site) -> None:
        self._types = types
        self._site = site
        self._step = types.document.step_at(site.path)

    def resolve(self, name: str, keys: list[str | int]) -> tuple[Type, int]:
        """See infer.Names. Words that other rules look at lead to ANY."""
        work = _NAMES.get(name)
        if work is not None:
            return (ANY, 0) if self._site.path[0] == "hooks" else work(self, keys)
        loop = self._loop_of(name)
        return (ANY if loop is None else self._types.of_expression((*loop.path, "foreach", "in")).item()), 0

    def is_sure(self, path: tuple[str | int, ...], gap: Gap, assumed: Assumed) -> bool:
        """See infer.Names."""
        return self._types.conditions.is_sure(self._site, self._step, path, gap, assumed)

    def _around(self, key: str) -> Iterator[StepView]:
        """The steps around this place that have this key, where it is already at work."""
        for step in around(self._step) if self._step else ():
            inside = self._site.path[len(step.path) :]
            if key in step.node.entries and inside[:1] not in (("when",), ("foreach",)):
                yield step

    def _loop_of(self, name: str) -> StepView | None:
        """The innermost loop whose items have this name."""
        for step in self._around("foreach"):
            loop = step.node.get("foreach")
            if isinstance(loop, MapNode) and (text_of(loop.get("as")) if "as" in loop.entries else "item") == name:
                return step
        return None

    def _inputs(self, keys: list[str | int]) -> tuple[Type, int]:
        whole = self._types.inputs
        if not keys or not whole.shapes:
            return (whole, 0) if not keys else (ANY, len(keys))
        found = whole.shapes[0].field(str(keys[0]))
        return (ANY, len(keys)) if found is None else (found, 1)

    def _context(self, keys: list[str | int]) -> tuple[Type, int]:
        if keys[:1] == ["end_user_id"]:
            return union(TEXT, NULL), 1
        whole = self._types.additional_data
        if len(keys) > 1 and keys[0] == "additional_data" and whole.shapes:
            return whole.shapes[0].field(str(keys[1])) or ANY, 2
        return ANY, len(keys)

    def _steps(self, keys: list[str | int]) -> tuple[Type, int]:
        step = self._types.document.by_id.get(str(keys[0])) if len(keys) > 1 else None
        if step is None:
            return ANY, len(keys)
        if keys[1] == "output":
            return self._output_of(step), 2
        if keys[1] == "state":
            return one_of(_STATES), 2
        return (_ERROR if len(keys) == 2 else _FIELDS["error"].get(str(keys[2]), ANY)), len(keys)

    def _output_of(self, step: StepView) -> Type:
        outputs = self._types.outputs
        if self._step is not None and step in around(self._step):
            inside = self._site.path[len(step.path) :]
            return outputs.of_round(step) if inside[:2] == ("repeat", "until") else ANY
        whole = outputs.of(step)
        in_finally = self._site.path[0] == "finally" and step.path[0] == "steps"
        return union(whole, gap(step.name, UNREACHED)) if in_finally and whole.shapes else whole

    def _previous(self, keys: list[str | int]) -> tuple[Type, int]:
        for step in self._around("repeat"):
            whole = self._types.outputs.of_round(step)
            return (union(whole, gap("", FIRST_ROUND)) if whole.shapes else ANY), 0
        return ANY, 0

    def _told(self, name: str, keys: list[str | int]) -> tuple[Type, int]:
        """A name whose fields the language knows."""
        return (_FIELDS[name].get(str(keys[0]), ANY), len(keys)) if keys else (of_kind("object"), 0)


_FIELDS: Final[dict[str, dict[str, Type]]] = {
    "run": {"id": TEXT, "started_at": TEXT, "state": one_of(_STATES)},
    "loop": {"index": WHOLE, "index0": WHOLE},
    "error": {"kind": one_of(ERROR_KINDS), "message": TEXT},
}
_ERROR: Final = union(NULL, of_kind("object"))
_NAMES: Final[dict[str, Any]] = {
    "inputs": Names._inputs,
    "context": Names._context,
    "steps": Names._steps,
    "previous": Names._previous,
    **{name: (lambda names, keys, name=name: names._told(name, keys)) for name in _FIELDS},
}
