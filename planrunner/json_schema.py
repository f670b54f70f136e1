"""JSON Schema as plans use it: a fast verdict, and mistakes told in planrunner's own words.

Patterns run in linear time, formats are checked, and nothing is ever fetched: a `$ref` may only point into its own
schema. The only home of jsonschema_rs, which is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NoReturn

from planrunner.errors import SchemaError
from planrunner.jsonsafe import dumps, loads, to_json_safe
from planrunner.registry import hint, uninterrupted
from planrunner.schema_parts import MANY, MAX_SPELLED, NAMED, ONE, Path, can_tell, is_too_large, subschemas, words
from planrunner.schema_words import TYPES, SchemaProblem, shown, told

MAX_PROBLEMS: Final = 50

_2020: Final = "https://json-schema.org/draft/2020-12/schema"
_DRAFTS: Final = {
    _2020: "Draft202012Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "http://json-schema.org/draft-06/schema": "Draft6Validator",
    "http://json-schema.org/draft-04/schema": "Draft4Validator",
}
_PLAIN: Final = words(
    "$schema $id $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment type enum const multipleOf maximum",
    "exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains",
    "minContains maxProperties minProperties required dependentRequired title description default deprecated readOnly",
    "writeOnly examples format contentEncoding contentMediaType",
)
_LONGEST_PATTERN: Final = 10_000
_MOST_PATTERNS: Final = 200
_FAR: Final = 8
_OPENAPI: Final = words("nullable example discriminator xml externalDocs")
_KEYWORDS: Final = tuple(sorted(ONE | MANY | NAMED | _PLAIN))
_KNOWN: Final = _OPENAPI.union(_KEYWORDS)


class Checker:
    """A compiled schema. Values must be plain JSON (see `to_json_safe`)."""

    def __init__(self, schema: dict[str, Any] | bool) -> None:
        self._schema: Final = schema
        self._validator: Final = _compiled(schema)
        self.valid: Final = self._validator.is_valid
        """`valid(value) -> bool`: the verdict alone, in about a microsecond."""

    def problems(self, value: Any) -> list[SchemaProblem]:
        """Every mistake in the value, at most MAX_PROBLEMS; empty when it is valid."""
        if self.valid(value):
            return []
        if not can_tell(self._schema, value):
            return [
                SchemaProblem((), "is not what its schema asks for, which has too many forms to tell what is wrong")
            ]
        found = (problem for error in self._validator.iter_errors(value) for problem in told(error, self._schema))
        return list(islice(found, MAX_PROBLEMS))


_by_identity: dict[int, tuple[Any, Checker]] = {}


def compile_schema(schema: Mapping[str, Any] | bool) -> Checker:
    """The checker of a schema, which must not be changed afterwards. SchemaError when it is no usable schema."""
    known = _by_identity.get(id(schema))
    if known is not None and known[0] is schema:
        return known[1]
    checker = _by_content(dumps(to_json_safe(schema, "the schema")))
    if len(_by_identity) >= 1024:
        _by_identity.clear()
    _by_identity[id(schema)] = schema, checker
    return checker


@lru_cache(maxsize=512)
def _by_content(text: str) -> Checker:
    schema = loads(text)
    problems = list(_unusable(schema))
    if not problems:
        jsonschema_rs = _library()

        try:
            return Checker(schema)
        except jsonschema_rs.ValidationError:
            problems = check_schema(schema)
    raise SchemaError("; ".join(("this is no usable JSON Schema", *map(str, problems))))


@lru_cache(maxsize=1)
def _library() -> Any:
    with uninterrupted():
        import jsonschema_rs
    return jsonschema_rs


def _compiled(schema: dict[str, Any] | bool) -> Any:
    jsonschema_rs = _library()

    draft = _draft(schema)
    if isinstance(schema, dict) and draft is None:
        schema = {key: value for key, value in schema.items() if key != "$schema"}
    validator = getattr(jsonschema_rs, _DRAFTS[draft or _2020])
    return validator(schema, validate_formats=True, retriever=_fetch, pattern_options=jsonschema_rs.RegexOptions())


def _draft(schema: Any) -> str | None:
    """The draft that `$schema` names; None when it names one that nobody knows."""
    named = schema.get("$schema", _2020) if isinstance(schema, dict) else _2020
    draft = named.removesuffix("#") if isinstance(named, str) else None
    return draft if draft in _DRAFTS else None


def _fetch(uri: str) -> NoReturn:
    raise ValueError(f"{uri} stands outside of the schema")


def check_value(schema: Mapping[str, Any] | bool, value: Any, what: str) -> None:
    """SchemaError with every mistake when the value does not meet the schema. `what` names the value."""
    checker = compile_schema(schema)
    if not checker.valid(value):
        raise SchemaError(f"{what} does not meet its schema: {'; '.join(map(str, checker.problems(value)))}")


def with_defaults(schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """A shallow copy of the object with the defaults of the schema's own properties where they are absent."""
    properties = schema.get("properties", {})
    missing = {
        name: to_json_safe(sub["default"], f"the default of {name}")
        for name, sub in properties.items()
        if name not in value and isinstance(sub, Mapping) and "default" in sub
    }
    return {**value, **missing}


def short_form(properties: Mapping[str, Any], extra: bool = False) -> dict[str, Any]:
    """The object schema that a map of name → schema stands for: a name without `default` is required.

    Other names are refused unless `extra`.
    """
    required = [name for name, sub in properties.items() if not (isinstance(sub, Mapping) and "default" in sub)]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": extra,
    }


def check_schema(schema: Any) -> list[SchemaProblem]:
    """What is wrong with a schema itself, by path within it; empty when it can be used."""
    try:
        plain = to_json_safe(schema, "the schema")
    except SchemaError as error:
        return [SchemaProblem((), str(error))]
    if not isinstance(plain, (dict, bool)):
        return [SchemaProblem((), f"must be a JSON Schema (an object), is {shown(plain)}")]
    problems = [*islice(_unusable(plain), MAX_PROBLEMS), *islice(_misspelt(plain), MAX_PROBLEMS), *_against_meta(plain)]
    return problems or list(_uncompilable(plain))


def _unusable(schema: Any) -> Iterator[SchemaProblem]:
    """Words that reach outside of the schema, or would cost too much."""
    if _draft(schema) is None:
        yield SchemaProblem(("$schema",), f"must be {_2020} (or be left out), is {shown(schema['$schema'])}")
    if is_too_large(schema):
        yield SchemaProblem((), f"stands for more than {MAX_SPELLED:,} schemas, $ref spelled out: refer to fewer")
    for path, sub in subschemas(schema):
        if isinstance(sub.get("pattern"), str) and len(sub["pattern"]) > _LONGEST_PATTERN:
            wrong = f"must have at most {_LONGEST_PATTERN:,} characters, has {len(sub['pattern']):,}"
            yield SchemaProblem((*path, "pattern"), wrong)
        patterns = sub.get("patternProperties")
        if isinstance(patterns, dict) and len(patterns) > _MOST_PATTERNS:
            yield SchemaProblem((*path, "patternProperties"), f"must have at most {_MOST_PATTERNS} patterns")
        for key in ("$ref", "$dynamicRef", "$recursiveRef"):
            target = sub.get(key)
            if isinstance(target, str) and not target.startswith("#"):
                wrong = f"{shown(target)} stands outside of this schema, and nothing is fetched; write '#/$defs/NAME'"
                yield SchemaProblem((*path, key), wrong)


def _misspelt(schema: Any) -> Iterator[SchemaProblem]:
    """Words that JSON Schema would pass over in silence, and that were surely meant to be one it knows."""
    for path, sub in subschemas(schema):
        for key in sub:
            known = key in _KNOWN or key.startswith("x-")
            guess = "" if known else _guess(key)
            if guess:
                yield SchemaProblem((*path, key), f"JSON Schema has no keyword {key!r}{guess}")


@lru_cache(maxsize=1024)
def _guess(word: str) -> str:
    """The keyword that was meant. Only such are looked at as are nearly as long and have most of its letters."""
    letters = set(word)
    near = (
        each for each in _KEYWORDS if abs(len(each) - len(word)) < _FAR and len(letters & set(each)) >= len(each) // 3
    )
    return hint(word, near)


def _against_meta(schema: Any) -> list[SchemaProblem]:
    jsonschema_rs = _library()

    draft = _draft(schema) or _2020
    subject = {**schema, "$schema": draft} if isinstance(schema, dict) else schema
    if jsonschema_rs.meta.is_valid(subject):
        return []
    errors = jsonschema_rs.validator_for({"$schema": draft, "$ref": draft}).iter_errors(schema)
    found = (problem for error in errors for problem in _meta_told(error))
    return list(dict.fromkeys(islice(found, MAX_PROBLEMS)))  # a meta-schema says the same thing in several places


def _meta_told(error: Any) -> Iterator[SchemaProblem]:
    path = tuple(error.instance_path)
    if path and path[-1] == "type" and (len(path) < 2 or path[-2] not in NAMED):
        named = error.instance if isinstance(error.instance, list) else [error.instance]
        wrong = next((name for name in named if not isinstance(name, str) or name not in TYPES), None)
        guess = hint(wrong, TYPES) if isinstance(wrong, str) else ""
        yield SchemaProblem(path, f"must be one of {', '.join(TYPES)}, is {shown(error.instance)}{guess}")
    else:
        yield from told(error)


def _uncompilable(schema: Any) -> Iterator[SchemaProblem]:
    """What only compiling finds: patterns that can't run in linear time, references to nothing."""
    jsonschema_rs = _library()

    try:
        _compiled(schema)
    except jsonschema_rs.ValidationError as error:
        patterns = list(_bad_patterns(schema))
        references = [] if patterns else list(_dangling(schema, error.message))
        yield from patterns or references or [SchemaProblem(tuple(error.instance_path), error.message)]


def _bad_patterns(schema: Any) -> Iterator[SchemaProblem]:
    for path, sub in subschemas(schema):
        if isinstance(sub.get("pattern"), str):
            yield from _bad_pattern((*path, "pattern"), sub["pattern"])
        for pattern in sub.get("patternProperties", ()):
            yield from _bad_pattern((*path, "patternProperties", pattern), pattern)


def _bad_pattern(path: Path, pattern: str) -> Iterator[SchemaProblem]:
    jsonschema_rs = _library()

    try:
        _compiled({"pattern": pattern})
    except jsonschema_rs.ValidationError:
        wanted = "it must be a regular expression without lookarounds and backreferences, and of moderate size"
        yield SchemaProblem(path, f"{shown(pattern)} is no usable pattern: {wanted}")


def _dangling(schema: Any, message: str) -> Iterator[SchemaProblem]:
    for path, sub in subschemas(schema):
        target = sub.get("$ref")
        if isinstance(target, str) and target[1:] and repr(target[1:]) in message:
            wrong = f"{shown(target)} leads to nothing in this schema; write '#/$defs/NAME' for a name under $defs"
            yield SchemaProblem((*path, "$ref"), wrong)
