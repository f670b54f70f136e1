"""JSON Schema as plans use it: a fast verdict, and mistakes told in planrunner's own words.

Patterns run in linear time, formats are checked, and nothing is ever fetched: a `$ref` may only point into its own
schema. The only home of jsonschema_rs, which is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NoReturn

from planrunner.errors import SchemaError
from planrunner.jsonsafe import dumps, loads, to_json_safe
from planrunner.registry import hint, uninterrupted

Path = tuple[str | int, ...]
MAX_PROBLEMS: Final = 50

_2020: Final = "https://json-schema.org/draft/2020-12/schema"
_DRAFTS: Final = {
    _2020: "Draft202012Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "http://json-schema.org/draft-06/schema": "Draft6Validator",
    "http://json-schema.org/draft-04/schema": "Draft4Validator",
}
_TYPES: Final = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_DEMANDS: Final = {
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "exclusiveMinimum": "must be more than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
    "minItems": "must have at least {limit} items",
    "maxItems": "must have at most {limit} items",
    "minProperties": "must have at least {limit} entries",
    "maxProperties": "must have at most {limit} entries",
    "multipleOf": "must be a multiple of {multiple_of}",
    "pattern": "must match the pattern {pattern}",
    "format": "must be of the format {format!r}",
    "uniqueItems": "must not hold an item twice",
    "contains": "must hold an item of the kind its schema asks for",
    "not": "must not be what its schema excludes",
}


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


# Where schemas stand within a schema. What stands elsewhere (const, enum, default, examples) is data.
_ONE: Final = _words(
    "items additionalItems additionalProperties contains not if then else propertyNames unevaluatedItems",
    "unevaluatedProperties contentSchema",
)
_MANY: Final = _words("allOf anyOf oneOf prefixItems items")
_NAMED: Final = _words("properties patternProperties $defs definitions dependentSchemas dependencies")
_PLAIN: Final = _words(
    "$schema $id $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment type enum const multipleOf maximum",
    "exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains",
    "minContains maxProperties minProperties required dependentRequired title description default deprecated readOnly",
    "writeOnly examples format contentEncoding contentMediaType",
)
_OPENAPI: Final = _words("nullable example discriminator xml externalDocs")
_KEYWORDS: Final = tuple(sorted(_ONE | _MANY | _NAMED | _PLAIN))


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One mistake. `path` leads from the checked value (or schema) to it; `message` says what was expected there."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{path_text(self.path) or 'the value'}: {self.message}"


def path_text(path: Sequence[str | int]) -> str:
    """`items[3].price`."""
    return "".join(map(_path_part, path)).removeprefix(".")


def _path_part(part: str | int) -> str:
    return f".{part}" if isinstance(part, str) and part.removeprefix("$").isidentifier() else f"[{part!r}]"


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
        found = (problem for error in self._validator.iter_errors(value) for problem in _told(error, self._schema))
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
    problems = [*_unusable(plain), *_misspelt(plain), *_against_meta(plain)]
    return problems or list(_uncompilable(plain))


def subschemas(schema: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The schema and every schema within it, with their paths."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key, value in schema.items():
        if key in _ONE and isinstance(value, dict):
            yield from subschemas(value, (*path, key))
        elif key in _MANY and isinstance(value, list):
            for index, item in enumerate(value):
                yield from subschemas(item, (*path, key, index))
        elif key in _NAMED and isinstance(value, dict):
            for name, item in value.items():
                yield from subschemas(item, (*path, key, name))


def _unusable(schema: Any) -> Iterator[SchemaProblem]:
    """Words that reach outside of the schema."""
    if _draft(schema) is None:
        yield SchemaProblem(("$schema",), f"must be {_2020} (or be left out), is {shown(schema['$schema'])}")
    for path, sub in subschemas(schema):
        for key in ("$ref", "$dynamicRef", "$recursiveRef"):
            target = sub.get(key)
            if isinstance(target, str) and not target.startswith("#"):
                told = f"{shown(target)} stands outside of this schema, and nothing is fetched; write '#/$defs/NAME'"
                yield SchemaProblem((*path, key), told)


def _misspelt(schema: Any) -> Iterator[SchemaProblem]:
    """Words that JSON Schema would pass over in silence, and that were surely meant to be one it knows."""
    for path, sub in subschemas(schema):
        for key in sub:
            known = key in _KEYWORDS or key in _OPENAPI or key.startswith("x-")
            guess = "" if known else hint(key, _KEYWORDS)
            if guess:
                yield SchemaProblem((*path, key), f"JSON Schema has no keyword {key!r}{guess}")


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
    if path and path[-1] == "type" and (len(path) < 2 or path[-2] not in _NAMED):
        named = error.instance if isinstance(error.instance, list) else [error.instance]
        wrong = next((name for name in named if not isinstance(name, str) or name not in _TYPES), None)
        guess = hint(wrong, _TYPES) if isinstance(wrong, str) else ""
        yield SchemaProblem(path, f"must be one of {', '.join(_TYPES)}, is {shown(error.instance)}{guess}")
    else:
        yield from _told(error)


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
        told = "is no usable pattern: it must be a regular expression without lookarounds and backreferences"
        yield SchemaProblem(path, f"{shown(pattern)} {told}, and of moderate size")


def _dangling(schema: Any, message: str) -> Iterator[SchemaProblem]:
    for path, sub in subschemas(schema):
        target = sub.get("$ref")
        if isinstance(target, str) and target[1:] and repr(target[1:]) in message:
            yield SchemaProblem((*path, "$ref"), f"{shown(target)} leads to nothing in this schema")


def shown(value: Any) -> str:
    """The value as JSON, cut to a length that fits a message."""
    text = dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _told(error: Any, schema: Any = None) -> Iterator[SchemaProblem]:
    """One error of the validator in our words; an error about several names becomes one problem each."""
    path, name, told = tuple(error.instance_path), error.kind.name, error.kind.as_dict()
    if name in ("additionalProperties", "unevaluatedProperties"):
        known = _known_names(schema, error.schema_path[:-1])
        for extra in told["unexpected"]:
            guess = hint(extra, [each for each in known if each not in error.instance])
            takes = f"; known here: {', '.join(known)}" if known and not guess else ""
            yield SchemaProblem((*path, extra), f"is not a known name{guess or takes}")
    elif name == "required":
        yield SchemaProblem((*path, told["property"]), "is missing")
    else:
        yield SchemaProblem(path, _sentence(name, told, error))


def _known_names(schema: Any, path: Sequence[str | int]) -> list[str]:
    """The names that the object schema at the path declares; none when the path leads elsewhere (through a `$ref`)."""
    for key in path:
        if not isinstance(schema, dict) or key not in schema:
            return []
        schema = schema[key]
    return list(schema.get("properties", ())) if isinstance(schema, dict) else []


def _sentence(name: str, told: dict[str, Any], error: Any) -> str:
    value = error.instance
    if name == "type":
        return f"must be {_types(told['types'])}, is {_kind(value)}"
    if name == "enum":
        words = [option for option in told["options"] if isinstance(option, str)]
        guess = hint(value, words) if isinstance(value, str) else ""
        return f"must be one of {', '.join(map(shown, told['options']))}, is {shown(value)}{guess}"
    if name == "const":
        return f"must be {shown(told['expected_value'])}, is {shown(value)}"
    if name in ("anyOf", "oneOf") and told.get("context"):
        return _forms(error, told["context"])
    if name in _DEMANDS:
        return f"{_DEMANDS[name].format(**told)}, is {shown(value)}"
    return str(error.message)


def _types(types: Sequence[str]) -> str:
    return " or ".join(_TYPES.get(each, each) for each in types)


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return shown(value)
    kind = {str: "the string", int: "the number", float: "the number", list: "the list"}.get(type(value), "the object")
    return f"{kind} {shown(value)}"


def _forms(error: Any, context: Sequence[Sequence[Any]]) -> str:
    """None of several forms: their types when that is all there is to say, else the first complaint of each."""
    firsts = [branch[0] for branch in context if branch]
    if not firsts:
        return "fits more than one of the forms of which it must have exactly one"
    if all(first.kind.name == "type" and first.instance_path == error.instance_path for first in firsts):
        types = [each for first in firsts for each in first.kind.as_dict()["types"]]
        return f"must be {_types(types)}, is {_kind(error.instance)}"
    complaints = dict.fromkeys(_complaint(first, len(error.instance_path)) for first in firsts)
    return f"fits none of the forms it may have: {' · '.join(complaints)}"


def _complaint(error: Any, depth: int) -> str:
    problem = next(_told(error))
    inner = path_text(problem.path[depth:])
    return f"{inner} {problem.message}" if inner else problem.message
