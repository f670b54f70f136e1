"""What to say of the keys of a step: two verbs, no verb, a key of another verb, a foreign word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from planrunner.document.advice import Schema, advice, foreign_word, in_snake_case
from planrunner.document.hints import INSTEAD_OF_VERB
from planrunner.document.later import now
from planrunner.document.tree import MapNode, Node, ScalarNode
from planrunner.document.words import article, listed
from planrunner.registry import suggest


class Said(NamedTuple):
    """Where, the code and the message."""

    node: Node
    code: str
    message: str


class StepKeys:
    """The verbs of the language, and the keys that go with each."""

    def __init__(self, defs: Schema) -> None:
        shapes = {name.removeprefix("step_"): shape for name, shape in defs.items() if name.startswith("step_")}
        self._keys = {verb: tuple(shape["properties"]) for verb, shape in shapes.items()}

    def unknown(self, key: ScalarNode, step: MapNode, known: Iterable[str]) -> Said | None:
        """What is wrong with a key that does not go with the step's verb. None: its other verb is told already."""
        verbs = [verb for verb in step.entries if verb in self._keys]
        if key.value in verbs:
            return self._two_verbs(step, verbs)
        owners = [verb for verb, keys in self._keys.items() if key.value in keys]
        if len(verbs) > 1 and any(verb in owners for verb in verbs):
            return None
        verb = verbs[0]
        if owners:
            fitting = listed(now(owners, "step") or owners, "and")
            foreign = foreign_word(key.value, "step") or "remove it"
            message = f"{key.value!r} does not go with {verb!r}, only with {fitting}: {foreign}"
        else:
            what_to_do = advice(key.value, known, step, "step")
            message = f"unknown key {key.value!r} in {article(verb)} {verb} step{what_to_do}"
        return Said(key, "unknown-key", message)

    def _two_verbs(self, step: MapNode, verbs: list[str]) -> Said:
        first, second, *_ = verbs
        message = f"this step has two verbs, {first!r} and {second!r}: keep one, or make two steps of it"
        return Said(step.key(second), "two-verbs", message)

    def without_verb(self, step: MapNode) -> Iterator[Said]:
        """Where a key seems to be a misspelt or foreign verb, it is told there, else at the step."""
        known = dict.fromkeys(key for keys in self._keys.values() for key in keys)
        told = False
        for key, entry in step.entries.items():
            if key in known or key.startswith("x-"):
                continue
            told = told or in_snake_case(key) in INSTEAD_OF_VERB or suggest(key, self._keys) is not None
            yield Said(entry.key, "unknown-key", f"unknown key {key!r} in a step{advice(key, known, step, 'step')}")
        if not told:
            verbs = listed(now(self._keys, "step"), "or")
            yield Said(step, "no-verb", f"this step has no verb: it needs one of {verbs}")
