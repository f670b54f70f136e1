"""Files of planrunner that grow from the shapes of the language, choice by choice, with something odd now and then."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Protocol, TypeVar

from planrunner.document.later import TOP
from planrunner.document.schema import plan_schema
from planrunner.document.script import DEFS as SCRIPT_DEFS
from planrunner.document.script import PARTS
from planrunner.policy_file import _SCHEMA as POLICY
from planrunner.testing.schema import plan_test_schema

T = TypeVar("T")
_DEEP: Final = 7
_ODD: Final = (0, 16, 60)
"""In a file one value in so many is of another kind than it should be; in a third of the files none is."""


class Choices(Protocol):
    """Where choices come from: chance, hypothesis, or the bytes of a fuzzer."""

    def below(self, end: int) -> int:
        """A number from 0 on."""
        ...


class Chance:
    """Choices by chance, the same ones for the same seed."""

    def __init__(self, seed: object) -> None:
        self._random = random.Random(repr(seed))

    def below(self, end: int) -> int:
        return int(self._random.random() * end)


_NAMES: Final = (
    "a", "b", "c", "pay", "each", "x", "item", "loop", "default", "w-1", "calculator", "csv_reader",
)  # fmt: skip
_ODD_TEXTS: Final = (
    "", " ", "{{", "{%", "}}", "{{ a", "{# x #}", "{{ '", "null", "~", "é", "𝄞", "\n", "\t", "\u2028", "\x1b[31m",
    "\x7f", "\x00", "\u202e", "a" * 300, "../x", "/etc/passwd", "~root", "a:b:c", ":", "*", "[", "[!", "a[b-",
    "**/x", "9" * 40, "-0", "1e999", ".inf", ".nan", "0x1F", "1_000", "2024-01-01", "yes", "<<", "&a", "*a", "!x",
    "#", "- a", "a: b", "%", "{{ range(9**9) }}", "{{ a.__class__ }}", "{% include 'x' %}", "${{ a }}",
    "{%- if a -%}", "\ud800",
)  # fmt: skip
_TEXTS: Final = (
    "Read it", "word", "3s", "1h", "p.md", "q.yml", "m:f", "m:pay", "a*", "openai/x", "COMPLETE", "timeout",
)  # fmt: skip
_USES: Final = (
    "clarify_on_tool_calls", "clarify_on_all_tool_calls", "deny_tool_calls", "allow_tool_calls", "skip_step",
)  # fmt: skip
_SIGNS: Final = ("+", "-", "*", "/", "//", "%", "**", "~", "and", "or", "==", "!=", "<", ">=", "in", "not in", "|")
_FILTERS: Final = ("default('x')", "d", "length", "first", "map(attribute='a')", "tojson", "sort", "join(',')", "nope")
_TESTS: Final = ("defined", "none", "mapping", "divisibleby(3)", "nope")
_FIELDS: Final = (
    "output", "state", "error", "a", "b", "kind", "additional_data", "end_user_id", "id", "index", "nope",
)  # fmt: skip
_ROOTS: Final = (
    "inputs", "steps", "context", "run", "loop", "item", "error", "previous", "secrets", "a", "tool", "null",
)  # fmt: skip
_WORDS: Final = (
    "type", "properties", "items", "enum", "const", "required", "anyOf", "oneOf", "allOf", "not", "$ref", "$defs",
    "pattern", "minimum", "default", "format", "additionalProperties", "patternProperties", "if", "then", "typ",
    "nullable", "uniqueItems", "prefixItems", "$schema", "$id", "$dynamicRef",
)  # fmt: skip
_REFERENCES: Final = ("#", "#/$defs/a", "#/properties/a", "#/$defs/nope", "x", "#a", "#/anyOf/0", "#/%ff")
_KINDS: Final = ("string", "integer", "number", "boolean", "object", "array", "null", "text", 7)
_SNIPPETS: Final = (
    b"{{ ", b" }}", b"{% ", b" %}", b"&a ", b"*a", b"<<: ", b"- ", b": ", b"? ", b"|\n", b">-\n", b"!x ", b"#",
    b"\t", b"'", b'"', b"\n  ", b"\r\n", b"\r", b"---\n", b"...\n", b"[", b"]", b"{", b"}", b",", b"\xc3\xa9",
    b"\xff", b"\xe2\x80\xa8", b"\\u", b"\\", b"\x00", b"null", b"0x1F", b".inf", b"%TAG ! x:\n", b"\xef\xbb\xbf",
    b"steps.a.output", b"planrunner: 1\n",
)  # fmt: skip


@cache
def _fitting(pattern: str) -> tuple[str, ...]:
    """The texts that fit a pattern; all where none does."""
    texts = (*_NAMES, *_TEXTS, *_USES)
    return tuple(text for text in texts if re.search(pattern, text)) or texts


class Growth:
    """One value after another, of the shapes of one schema."""

    def __init__(self, schema: Mapping[str, Any], choices: Choices) -> None:
        self._defs = schema.get("$defs", {})
        self._choices = choices
        self._below = choices.below
        self._often = self.pick(_ODD)
        self._ids = 0

    def pick(self, among: Sequence[T]) -> T:
        """One of them."""
        return among[self._below(len(among))]

    def once_in(self, often: int) -> bool:
        """True once in so many times, and never where no choice is left: then what is made stays small."""
        return self._below(often) == often - 1

    def oddly(self) -> bool:
        """Whether something odd comes now."""
        return self._often > 0 and self.once_in(self._often)

    def value(self, schema: Any, depth: int = 0) -> Any:
        """A value of this shape, most often."""
        if schema is True or not isinstance(schema, Mapping):
            return self.odd(depth)
        if self.oddly():
            return self.odd(depth)
        while "$ref" in schema or "if" in schema:
            if "$ref" in schema:
                target = self._defs[schema["$ref"].removeprefix("#/$defs/")]
                schema = {**target, **{key: each for key, each in schema.items() if key != "$ref"}}
            else:
                schema = schema["then"] if self.once_in(3) else schema["else"]
            if not isinstance(schema, Mapping):
                return self.odd(depth)
        return self._shaped(schema, depth)

    def _shaped(self, schema: Mapping[str, Any], depth: int) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.pick(schema["enum"])
        if schema.get("x-schema"):
            return self.json_schema(depth)
        if schema.get("x-place") == "expression":
            return self.expression(3)
        kinds = schema.get("type")
        kind = kinds if isinstance(kinds, str) else self.pick(kinds) if kinds else None
        if kind is None:
            kind = "object" if "properties" in schema or "patternProperties" in schema else "string"
        return _GROWERS[kind](self, schema, depth)

    def map(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Keys that must be there, some that may, and now and then one that may not."""
        made: dict[str, Any] = {}
        properties = schema.get("properties", {})
        one_of = [key for choice in schema.get("anyOf", ()) for key in choice.get("required", ())]
        needed = {*schema.get("required", ()), *([self.pick(one_of)] if one_of else ())}
        for key, sub in properties.items():
            wanted = not self.oddly() if key in needed else depth < _DEEP and self.once_in(4)
            if wanted:
                made[key] = self._id() if key == "id" else self.value(sub, depth + 1)
        more = next((sub for name, sub in schema.get("patternProperties", {}).items() if name != "^x-"), None)
        more = more or (schema.get("additionalProperties") or None)
        for _ in range(self._below(4) if more is not None and depth < _DEEP else 0):
            made[self.pick(_NAMES)] = self.value(more, depth + 1)
        if self.oddly():
            made[self.pick((*properties, *_NAMES, "x-a", self.text()))] = self.odd(depth + 1)
        return made

    def _id(self) -> str:
        """The id of one more step; now and then one that was there before."""
        self._ids += 1
        return _NAMES[0] if self.oddly() else "abcdefghijklmnop"[self._ids % 16] + str(self._ids // 16 or "")

    def list(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        """A few items."""
        most = 5 if depth < 3 else 3
        count = self._below(most) if depth < _DEEP else 0
        return [self.value(schema.get("items", True), depth + 1) for _ in range(max(count, schema.get("minItems", 0)))]

    def text_of(self, schema: Mapping[str, Any], depth: int) -> str:
        """A text: a name, a template where one may stand, or any."""
        if schema.get("x-place") in ("template", "data"):
            return self.template() if self.once_in(3) else self.pick(_TEXTS)
        if self.oddly():
            return self.text()
        return self.pick(_fitting(schema.get("pattern", "")))

    def number(self, schema: Mapping[str, Any], depth: int) -> float:
        """A small number, or an odd one."""
        return self.pick((1, 2, 3, 0, -1, 1.5, 10**30, 1e308)) if self.oddly() else 1 + self._below(9)

    def text(self) -> str:
        """Any text."""
        return self.pick(_ODD_TEXTS)

    def odd(self, depth: int) -> Any:
        """A value of any kind."""
        if depth < _DEEP and self.once_in(3):
            inner = [self.odd(depth + 2) for _ in range(self._below(3))]
            return inner if self.once_in(2) else dict(zip((*_NAMES, "x"), inner, strict=False))
        return self.pick((None, True, 0, -1, 1.5, "", self.text(), self.pick(_NAMES), self.template(), [], {}))

    def path(self) -> str:
        """`steps.a.output`."""
        first = self.pick(_ROOTS)
        keys = [self.pick(_NAMES), "output"] if first == "steps" and not self.once_in(6) else []
        keys += [self.pick((*_FIELDS, *_NAMES)) for _ in range(self._below(3))]
        return ".".join((first, *keys)) + (
            f"[{self.pick(('0', '-1', 'a', '1:2', repr('a')))}]" if self.once_in(9) else ""
        )

    def expression(self, depth: int) -> str:
        """An expression of Jinja, most often a right one."""
        if depth <= 0 or self.once_in(3):
            return self.pick(("1", "'a'", "true", "null", "[1, 'a']", "{'a': 1}")) if self.once_in(3) else self.path()
        one, other = self.expression(depth - 1), self.expression(depth - 1)
        return self.pick((
            f"{one} {self.pick(_SIGNS)} {other}", f"not {one}", f"({one})", f"{one} | {self.pick(_FILTERS)}",
            f"{one} is {self.pick(_TESTS)}", f"{one} if {other} else {one}", f"[{one}, {other}]", f"range({one})",
            f"{one}[{other}]", f"-{one}", f"{one} == 'a'", f"{one} != null",
        ))  # fmt: skip

    def template(self) -> str:
        """A text with templates in it."""
        inside = self.expression(2)
        return self.pick((
            f"{{{{ {inside} }}}}", f"{{{{ {self.path()} }}}}", f"a {{{{ {inside} }}}} b", inside, "{{ " + inside,
            f"{{% if {inside} %}}{{{{ {self.path()} }}}}{{% elif {self.path()} %}}x{{% else %}}y{{% endif %}}",
            f"{{% for a in {inside} %}}{{{{ a.b }}}}{{{{ loop.index }}}}{{% endfor %}}",
            f"{{% set a = {inside} %}}{{{{ a }}}}",
            f"{{% with a = {inside} %}}{{{{ a.x }}}}{{% endwith %}}", "{% raw %}{{ x }}{% endraw %}", self.text(),
            f"{{% filter upper %}}{inside}{{% endfilter %}}",
        ))  # fmt: skip

    def json_schema(self, depth: int) -> Any:
        """A JSON Schema, now and then a wrong one, or one that stands in itself."""
        if self.oddly():
            return self.odd(depth)
        made: dict[str, Any] = (
            {"type": self.pick(_KINDS if self._often else _KINDS[:-2])} if not self.once_in(4) else {}
        )
        for _ in range(self._below(3) if depth < _DEEP and self._often else 0):
            word = self.pick(_WORDS)
            made[word] = self._said_by(word, depth)
        return made

    def _said_by(self, word: str, depth: int) -> Any:
        if word in ("properties", "$defs", "patternProperties"):
            return {self.pick(_NAMES): self.json_schema(depth + 1) for _ in range(self._below(3))}
        if word in ("anyOf", "oneOf", "allOf", "prefixItems"):
            return [self.json_schema(depth + 1) for _ in range(1 + self._below(3))]
        if word in ("items", "not", "if", "then", "additionalProperties"):
            return self.json_schema(depth + 1)
        if word == "$ref":
            return self.pick(_REFERENCES)
        if word == "enum":
            return [self.pick(("a", "b", 1, True, None, 1.0, [])) for _ in range(self._below(4))]
        return self.pick(
            ("a", 1, True, [], ["a"], "^[a-z]+$", "(?=a)", "(a+)+", "date", "https://json-schema.org/draft-07/schema#")
        )


_GROWERS: Final[dict[str, Callable[[Growth, Mapping[str, Any], int], Any]]] = {
    "object": Growth.map,
    "array": Growth.list,
    "string": Growth.text_of,
    "number": Growth.number,
    "integer": Growth.number,
    "boolean": lambda growth, schema, depth: growth.once_in(2),
    "null": lambda growth, schema, depth: None,
}
_SCRIPT: Final = {
    "type": "object", "properties": {"planrunner_script": {"const": 1}, **PARTS}, "required": ["planrunner_script"],
    "$defs": SCRIPT_DEFS,
}  # fmt: skip
_SETTINGS: Final = {
    "type": "object",
    "properties": {
        "store": {"type": "string"}, "model": {"type": "string"}, "synchronous": {"enum": ["FULL", "NORMAL", "OFF"]},
        "large_output_tokens": {"type": "integer"}, "policy": POLICY, "models": plan_schema()["properties"]["models"],
    },
    "$defs": plan_schema()["$defs"],
}  # fmt: skip

_PLAIN: Final = ("a", "b", "c", "pay", "each", "x")
_DECLARED: Final = {
    "inputs": {name: {"type": "object"} for name in _PLAIN},
    "tools": {name: {"use": f"m:{name}", "effect": "irreversible"} for name in _PLAIN},
    "agents": {name: {"model": "openai/x", "tools": ["pay"]} for name in _PLAIN},
}
"""What a plan declares in which most names lead somewhere."""

SHAPES: Final[dict[str, Mapping[str, Any]]] = {
    "plan": plan_schema(),
    "test": plan_test_schema(),
    "script": _SCRIPT,
    "policy": POLICY,
    "settings": _SETTINGS,
}
"""Kind of file → the schema that its values grow from."""
TOML: Final = ("policy", "settings")


def grown(kind: str, choices: Choices) -> bytes:
    """A file of this kind: its structure as YAML or TOML, now and then with bytes changed."""
    growth = Growth(SHAPES.get(kind, {}), choices)
    if kind == "prompt":
        text = "\n".join(growth.template() for _ in range(1 + choices.below(4)))
        return _changed(text.encode("utf-8", "surrogatepass"), choices)
    value = growth.value(SHAPES[kind])
    if kind == "plan" and isinstance(value, dict) and choices.below(3) == 0:
        value = {key: each for key, each in value.items() if key not in TOP} | _DECLARED
    if kind in TOML:
        return _changed(_toml(value), choices)
    text = json.dumps(value, ensure_ascii=choices.below(2) == 0, indent=choices.below(2) or None, allow_nan=True)
    return _changed(text.encode("utf-8", "surrogatepass"), choices)


def _changed(text: bytes, choices: Choices) -> bytes:
    """The same, in one of six cases with a few bytes changed."""
    if choices.below(6):
        return text
    changed = bytearray(text)
    for _ in range(1 + choices.below(3)):
        start = choices.below(len(changed) + 1)
        changed[start : start + choices.below(8)] = _SNIPPETS[choices.below(len(_SNIPPETS))]
    return bytes(changed)


def _toml(table: Any) -> bytes:
    """TOML in its inline form: a line for each key at the top."""
    lines = (
        (f"{json.dumps(key)} = {_inline(value)}\n" for key, value in table.items()) if isinstance(table, dict) else ()
    )
    return "".join(lines).encode("utf-8", "surrogatepass")


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return "nan" if value is None else json.dumps(value)


def signs(choices: Choices) -> bytes:
    """Bytes that mean something to YAML, one after another."""
    return b"".join(_SNIPPETS[choices.below(len(_SNIPPETS))] for _ in range(choices.below(30)))


def any_bytes(choices: Choices) -> bytes:
    """Bytes that mean nothing."""
    return bytes(choices.below(256) for _ in range(choices.below(120)))
