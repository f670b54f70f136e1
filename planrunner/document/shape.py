"""Holds a file against the schema of the language, in words for people: one problem per mistake, at the wrong key.

Walks the very data of `schema.plan_schema`. It knows only the words of JSON Schema that are used there
(`KEYWORDS`); on the way it gathers the texts in which templates stand, and the files that are named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from planrunner.document.advice import FREE, advice, as_name, meant, pattern_of, rewritten, value_meant
from planrunner.document.problem import MAX_PROBLEMS, Problem
from planrunner.document.source import Source
from planrunner.document.step_keys import StepKeys
from planrunner.document.tree import BrokenNode, ListNode, MapNode, Node, ScalarNode
from planrunner.document.words import found, listed, type_name

_NOTHING: Final[Mapping[str, Any]] = {}
_TELLING: Final = frozenset(("x-place", "x-expected", "x-kind"))
"""Words of a schema that say something of what lies within."""
_WORDS = """
    $schema $defs $ref title description default type enum const pattern minimum minLength minItems properties
    patternProperties additionalProperties required items anyOf if then else doNotSuggest errorMessage
    x-place x-expected x-names x-schema x-file x-kind x-decides
"""
KEYWORDS: Final = frozenset(_WORDS.split())

Path = tuple[str | int, ...]
Schema = Mapping[str, Any]


class Site(NamedTuple):
    """A text that Jinja reads: a template, or a bare expression. `file` is None for a text of the plan file itself."""

    node: ScalarNode
    bare: bool
    path: Path
    file: Source | None = None


class SchemaSite(NamedTuple):
    """A JSON Schema that the plan's author wrote."""

    node: Node
    path: Path


class FileSite(NamedTuple):
    """The name of a file (`node`), whose text stands at `path`."""

    node: ScalarNode
    path: Path


class _Around(NamedTuple):
    """What is known from further out.

    place     where texts are `template`, `expression`, `literal` or `data`
    expected  what belongs here, in a user's words
    kind      the kind of map, for hints
    what      the key it stands under, for messages
    """

    place: str = "literal"
    expected: str = ""
    kind: str = ""
    what: str = "the plan"


_LITERAL: Final = _Around()


@dataclass(frozen=True, slots=True)
class Shape:
    """What the walk brought home."""

    problems: tuple[Problem, ...]
    sites: tuple[Site, ...]
    schemas: tuple[SchemaSite, ...]
    files: tuple[FileSite, ...]


def check_shape(root: Node, schema: Schema, file: str, what: str = "the plan") -> Shape:
    """Hold the tree against the schema. `what` the whole is called in messages."""
    walk = _Walk(schema, file)
    with suppress(_FullError):
        walk.check(root, schema, (), _Around(what=what))
    return Shape(tuple(walk.problems), tuple(walk.sites), tuple(walk.schemas), tuple(walk.files))


class _FullError(Exception):
    """So many problems are told that nobody would read more."""


class _Language:
    """What is read of a schema once, for all files that are held against it."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._defs: Schema = schema.get("$defs", {})
        self.steps = StepKeys(self._defs)
        self._resolved: dict[int, Schema] = {}  # by identity: the schema lives as long as this does

    def resolved(self, schema: Schema) -> Schema:
        """The shape a `$ref` names, with what stands beside it."""
        if "$ref" not in schema:
            return schema
        known = self._resolved.get(id(schema))
        if known is None:
            target = self.resolved(self._defs[schema["$ref"].removeprefix("#/$defs/")])
            known = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
            self._resolved[id(schema)] = known
        return known


_MOST_LANGUAGES: Final = 16
_languages: dict[int, _Language] = {}


def _language(schema: Schema) -> _Language:
    known = _languages.get(id(schema))
    if known is None or known.schema is not schema:
        if len(_languages) >= _MOST_LANGUAGES:
            _languages.clear()
        known = _languages[id(schema)] = _Language(schema)
    return known


class _Walk:
    """One walk over one file."""

    def __init__(self, schema: Schema, file: str) -> None:
        language = _language(schema)
        self.steps = language.steps
        self.resolved = language.resolved
        self.file = file
        self.problems: list[Problem] = []
        self.sites: list[Site] = []
        self.schemas: list[SchemaSite] = []
        self.files: list[FileSite] = []

    def tell(self, node: Node, code: str, message: str) -> None:
        self.problems.append(Problem(self.file, node.line, node.column, code, message))
        if len(self.problems) > MAX_PROBLEMS:
            raise _FullError

    def check(self, node: Node, schema: Schema | bool, path: Path, around: _Around) -> None:
        """Hold one value against one shape."""
        if isinstance(node, BrokenNode) or isinstance(schema, bool):
            return
        schema = self.resolved(schema)
        if not schema.keys().isdisjoint(_TELLING):
            around = _Around(
                schema.get("x-place", around.place),
                around.expected or schema.get("x-expected", ""),
                schema.get("x-kind", around.kind),
                around.what,
            )
        if not self._fits_type(node, schema, around):
            return
        if "if" in schema:
            self.check(node, self._branch(node, schema), path, around)
        elif schema.get("x-schema"):
            self.schemas.append(SchemaSite(node, path))
            self._literal(node)
        elif isinstance(node, MapNode):
            self._map(node, schema, path, around)
        elif isinstance(node, ListNode):
            self._list(node, schema, path, around)
        elif isinstance(node, ScalarNode):
            self._scalar(node, schema, path, around)

    def _fits_type(self, node: Node, schema: Schema, around: _Around) -> bool:
        types = schema.get("type")
        if not isinstance(node, ScalarNode) and ("enum" in schema or "const" in schema):
            wanted = around.expected or listed(schema.get("enum", [schema.get("const")]), "or")
            self._must(node, "wrong-type", wanted, around)
            return False
        if types is None:
            return True
        if is_of_type(node, types) if isinstance(types, str) else any(is_of_type(node, one) for one in types):
            return True
        if self._misplaced(node, around):
            return False
        wanted = around.expected or listed(map(type_name, [types] if isinstance(types, str) else types), "or")
        self._must(node, "wrong-type", wanted, around, rewritten(node, types, around.what))
        return False

    def _must(self, node: Node, code: str, wanted: str, around: _Around, advice: str = "") -> None:
        self.tell(node, code, f"{around.what} must be {wanted}, found {found(node)}{advice}")

    def _branch(self, node: Node, schema: Schema) -> Schema:
        """The shape that a chain of if/then/else leads to. A loop: a step passes through eight of them."""
        while "if" in schema:
            schema = self.resolved(schema["then"] if self._holds(node, schema["if"]) else schema["else"])
            if "type" in schema:
                return schema
        return schema

    def _holds(self, node: Node, condition: Schema) -> bool:
        """Whether an `if` holds. Says nothing."""
        if "type" in condition and not is_of_type(node, condition["type"]):
            return False
        if not isinstance(node, MapNode):
            return "required" not in condition
        if not node.entries.keys() >= set(condition.get("required", ())):
            return False
        wanted = ((node.get(key), sub["const"]) for key, sub in condition.get("properties", {}).items())
        return all(isinstance(value, ScalarNode) and value.value == const for value, const in wanted)

    # lists and scalars

    def _list(self, node: ListNode, schema: Schema, path: Path, around: _Around) -> None:
        if len(node.items) < schema.get("minItems", 0):
            self.tell(node, "empty", f"{around.what} is an empty list: it needs at least {schema['minItems']} item")
        inner = _Around(around.place, what=f"an entry of {around.what}")
        items = schema.get("items", {})
        for index, item in enumerate(node.items):
            self.check(item, items, (*path, index), inner)

    def _scalar(self, node: ScalarNode, schema: Schema, path: Path, around: _Around) -> None:
        if around.place == "expression":
            self._expression(node, path)
        elif around.place == "template":
            if isinstance(node.value, str) and "{" in node.value:
                self.sites.append(Site(node, False, path))
            elif isinstance(node.value, str) and not node.value.strip() and "minLength" in schema:
                self._empty(node, around)
            return
        elif self._misplaced(node, around):
            return
        if schema.get("x-file") and node.value:
            self.files.append(FileSite(node, path[:-1]))
        self._value(node, schema, around)

    def _expression(self, node: ScalarNode, path: Path) -> None:
        if isinstance(node.value, str) and node.value.strip():
            self.sites.append(Site(node, True, path))

    def _misplaced(self, node: Node, around: _Around) -> bool:
        """Tell of a template where none may stand."""
        if around.place != "literal" or not isinstance(node, ScalarNode) or not isinstance(node.value, str):
            return False
        if "{{" not in node.value and "{%" not in node.value:
            return False
        message = "a template can't stand here, the value is taken as it is written: write the value itself"
        self.tell(node, "template-not-here", message)
        return True

    def _value(self, node: ScalarNode, schema: Schema, around: _Around) -> None:
        """Words about the value itself."""
        if "const" in schema and not _same(node.value, schema["const"]):
            self._must(node, "wrong-value", around.expected or str(schema["const"]), around)
        elif "enum" in schema and not any(_same(node.value, one) for one in schema["enum"]):
            meant = value_meant(node.value, schema["enum"], around.what) if isinstance(node.value, str) else ""
            wanted = around.expected or listed(schema["enum"], "or")
            self._must(node, "wrong-value", wanted, around, meant)
        elif isinstance(node.value, str):
            self._text(node, schema, around)
        elif "minimum" in schema and _is_number(node) and node.value < schema["minimum"]:
            wanted = around.expected or f"a number of at least {schema['minimum']}"
            self._must(node, "wrong-value", wanted, around)

    def _text(self, node: ScalarNode, schema: Schema, around: _Around) -> None:
        if len(node.value) < schema.get("minLength", 0):
            self._empty(node, around)
        elif "pattern" in schema and not pattern_of(schema["pattern"]).search(node.value):
            wanted = around.expected or f"text like {schema['pattern']}"
            self._must(node, "wrong-value", wanted, around, as_name(node.value, schema))

    def _empty(self, node: Node, around: _Around) -> None:
        self.tell(node, "empty", f"{around.what} must be {around.expected or 'text'}, found an empty text")

    def _literal(self, node: Node) -> None:
        """Look for templates in data that is taken as it is written. In a `pattern` two braces are a regex."""
        if isinstance(node, MapNode):
            for key, entry in node.entries.items():
                if key != "pattern":
                    self._literal(entry.value)
        elif isinstance(node, ListNode):
            for item in node.items:
                self._literal(item)
        else:
            self._misplaced(node, _LITERAL)

    # maps

    def _map(self, node: MapNode, schema: Schema, path: Path, around: _Around) -> None:
        if around.kind == "step" and "anyOf" in schema:
            self._without_verb(node, schema)
            return
        told = len(self.problems)
        unknown = []
        for key, entry in node.entries.items():
            sub = self._shape_of(key, schema)
            if sub is None:
                unknown.append(entry.key)
            else:
                self._entry(entry.key, entry.value, sub, (*path, key), around)
                if sub is not True and sub.get("x-decides") and len(self.problems) > told:
                    return
        self._unknown_keys(unknown, node, schema, around)
        if not unknown:
            self._one_of(node, schema, around)
        for key in schema.get("required", ()):
            if key not in node.entries and not any(meant(other.value, key, schema, around.kind) for other in unknown):
                self._missing(key, node, schema, around)

    def _entry(self, key: ScalarNode, value: Node, sub: Any, path: Path, around: _Around) -> None:
        if sub is True:
            return
        if around.place == "template" and isinstance(key.value, str) and "{{" in key.value:
            self.tell(key, "template-not-here", "a key can't be a template: only values are rendered")
        self.check(value, sub, path, _Around(around.place, what=repr(key.value)))

    def _shape_of(self, key: str, schema: Schema) -> Any:
        """The shape of the value under this key, True when it is free, None when there can be no such key."""
        properties = schema.get("properties", _NOTHING)
        if key in properties:
            return properties[key]
        for pattern, sub in schema.get("patternProperties", {}).items():
            if pattern_of(pattern).search(key):
                return sub
        more = schema.get("additionalProperties", {})
        return None if more is False else more

    def _unknown_keys(self, keys: list[ScalarNode], node: MapNode, schema: Schema, around: _Around) -> None:
        known = list(schema.get("properties", {}))
        told: Node | None = None
        for key in keys:
            if any(pattern != FREE for pattern in schema.get("patternProperties", {})):
                wanted = schema.get("x-names", "a name")
                message = f"a key of {around.what} must be {wanted}, found {key.value!r}{as_name(key.value, schema)}"
                self.tell(key, "wrong-value", message)
            elif around.kind == "step":
                said = self.steps.unknown(key, node, known)
                if said is not None and said.node is not told:
                    told = said.node
                    self.tell(*said)
            else:
                what_to_do = advice(key.value, known, node, around.kind)
                self.tell(key, "unknown-key", f"unknown key {key.value!r}{what_to_do}")

    def _one_of(self, node: MapNode, schema: Schema, around: _Around) -> None:
        """A map that needs one of several keys has one of them."""
        keys = [key for choice in schema.get("anyOf", ()) for key in choice["required"]]
        if keys and not any(key in node.entries for key in keys):
            self.tell(node, "missing-key", f"{around.what} needs one of the keys {listed(map(repr, keys), 'or')}")

    def _without_verb(self, node: MapNode, schema: Schema) -> None:
        for said in self.steps.without_verb(node):
            self.tell(*said)
        if "id" in node.entries:
            self.check(node.entries["id"].value, schema["properties"]["id"], (), _Around(what="'id'"))
        else:
            self._missing("id", node, schema, _Around(kind="step"))

    def _missing(self, key: str, node: MapNode, schema: Schema, around: _Around) -> None:
        what = schema.get("properties", {}).get(key, {}).get("description", "")
        where = "this step" if around.kind == "step" else around.what
        tail = f" ({what[0].lower() + what[1:].rstrip('.')})" if what else ""
        self.tell(node, "missing-key", f"{where} has no {key!r}{tail}: add it")


def _same(value: Any, other: Any) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _is_number(node: Node) -> bool:
    return isinstance(node, ScalarNode) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _is_whole(node: Node) -> bool:
    return isinstance(node, ScalarNode) and _is_number(node) and (node.value == int(node.value))


_TYPES: Final[Mapping[str, Callable[[Node], bool]]] = {
    "object": lambda node: isinstance(node, MapNode),
    "array": lambda node: isinstance(node, ListNode),
    "string": lambda node: isinstance(node, ScalarNode) and isinstance(node.value, str),
    "boolean": lambda node: isinstance(node, ScalarNode) and isinstance(node.value, bool),
    "null": lambda node: isinstance(node, ScalarNode) and node.value is None,
    "number": _is_number,
    "integer": _is_whole,
}


def is_of_type(node: Node, name: str) -> bool:
    """Whether a value has this type of JSON Schema."""
    return _TYPES[name](node)
