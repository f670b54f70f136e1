"""Script files: what models, tools and people answer when a plan is run with `--script FILE`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from planrunner.document.problem import Problem, in_order
from planrunner.document.source import MAX_BYTES, BrokenNode, ListNode, MapNode, Node, Source, parse, plain
from planrunner.errors import ERROR_KINDS, UsageError
from planrunner.models.scripted import REPLY_KINDS
from planrunner.plan import NOTHING
from planrunner.registry import hint
from planrunner.tools.scripted import TOOL_KINDS

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Script:
    """The answers of a script file; every value in it is data, none a template.

    tools    tool name or step path → an answer, or a list of answers (see ScriptedTools)
    replies  step path → the model's replies, one per turn (see ScriptedModel)
    answers  what people answer, by the step that asks
    """

    tools: Mapping[str, Any] = field(default=NOTHING, repr=False)
    replies: Mapping[str, Any] = field(default=NOTHING, repr=False)
    answers: Mapping[str, Any] = field(default=NOTHING, repr=False)


def load_script(path: str | Path) -> Script:
    """Read a script file. UsageError when it can't be read or is no script; it lists every problem with its place."""
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"the script {path} does not exist") from None
    except OSError as error:
        raise UsageError(f"the script {path} can't be read: {error.strerror or error}") from None
    source = parse(text, str(path))
    problems = source.problems or in_order(_Check(source).script())
    if problems:
        lines = "".join(f"\n  {problem.file}:{problem}" for problem in problems)
        raise UsageError(f"the script {path} is not valid:{lines}")
    content = plain(source.root)
    return Script(content.get("tools", {}), content.get("replies", {}), content.get("answers", {}))


class _Check:
    """Walks over a script and notes everything that is wrong in it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._problems: list[Problem] = []

    def script(self) -> list[Problem]:
        root = self._source.root
        if not isinstance(root, MapNode):
            message = f"a script is a map that begins with planrunner_script: {FORMAT}"
            return [Problem(self._source.name, 1, 1, "wrong-type", message)]
        self._keys(root, ("planrunner_script", "tools", "replies", "answers"), "a script")
        self._format(root)
        for answers in self._values(root, "tools"):
            for answer in answers.items if isinstance(answers, ListNode) else [answers]:
                self._tool_answer(answer)
        for replies in self._values(root, "replies"):
            for reply in self._items(replies, "the replies of a step"):
                self._reply(reply)
        self._values(root, "answers")
        return self._problems

    def _format(self, root: MapNode) -> None:
        node = root.get("planrunner_script")
        if node is None:
            self._note(root, "missing-key", f"a script begins with planrunner_script: {FORMAT}")
        elif type(plain(node)) is not int or plain(node) != FORMAT:
            self._note(node, "version", f"planrunner_script must be {FORMAT}, the only format there is")

    def _tool_answer(self, node: Node) -> None:
        shape = self._shape(node, ("returns", "raise"), "the answer of a tool", ("when_args",))
        if shape == "raise":
            self._raise(node, TOOL_KINDS)
        if isinstance(node, MapNode):
            self._values(node, "when_args")

    def _reply(self, node: Node) -> None:
        if isinstance(plain(node), str):
            return
        shape = self._shape(node, ("output", "tool_calls", "raise"), "a reply that is not a text")
        if shape == "raise":
            self._raise(node, REPLY_KINDS)
        elif shape == "tool_calls" and isinstance(node, MapNode):
            for call in self._items(node.entries[shape].value, "`tool_calls`"):
                self._tool_call(call)

    def _tool_call(self, node: Node) -> None:
        if self._shape(node, ("tool",), "a tool call", ("args",)) and isinstance(node, MapNode):
            self._text(node, "tool")
            self._values(node, "args")

    def _raise(self, node: Node, kinds: Collection[str]) -> None:
        if not isinstance(node, MapNode):
            return
        kind = plain(node.get("raise"))
        if kind not in kinds:
            near = hint(kind, kinds) if isinstance(kind, str) and kind not in ERROR_KINDS else ""
            message = f"{kind!r} can't be raised here{near or '; expected one of ' + ', '.join(kinds)}"
            self._note(node.entries["raise"].value, "unknown-kind", message)
        if "message" in node.entries:
            self._text(node, "message")

    def _shape(self, node: Node, shapes: tuple[str, ...], what: str, beside: tuple[str, ...] = ()) -> str | None:
        """Which of these keys the map has: exactly one of them, else it is noted. `message` goes with `raise`."""
        if not isinstance(node, MapNode):
            self._wrong_type(node, f"{what} must be a map with {' or '.join(shapes)}")
            return None
        found = [shape for shape in shapes if shape in node.entries]
        known = (*shapes, *beside, *(["message"] if "raise" in found else []))
        if self._keys(node, known, what) and len(found) != 1:
            expected = f"exactly one of the keys {', '.join(shapes)}" if len(shapes) > 1 else f"the key {shapes[0]!r}"
            self._note(node, "too-many-keys" if found else "missing-key", f"{what} must have {expected}")
        return found[0] if len(found) == 1 else None

    def _keys(self, node: MapNode, known: Collection[str], what: str) -> bool:
        """Whether the map has only keys that mean something here; the others are noted."""
        unknown = [key for key in node.entries if key not in known and not key.startswith("x-")]
        for key in unknown:
            expected = hint(key, known) or f"; expected {', '.join(known)}"
            self._note(node.key(key), "unknown-key", f"{what} has no key {key!r}{expected}")
        return not unknown

    def _values(self, node: MapNode, key: str) -> list[Node]:
        """What stands in the map under this key; nothing when it is absent or no map (which is noted)."""
        under = node.get(key)
        if isinstance(under, MapNode):
            return [entry.value for entry in under.entries.values()]
        if under is not None:
            self._wrong_type(under, f"`{key}` must be a map")
        return []

    def _items(self, node: Node, what: str) -> list[Node]:
        if isinstance(node, ListNode):
            return node.items
        self._wrong_type(node, f"{what} must be a list")
        return []

    def _text(self, node: MapNode, key: str) -> None:
        value = node.entries[key].value
        if not isinstance(plain(value), str):
            self._wrong_type(value, f"`{key}` must be a text")

    def _wrong_type(self, node: Node, message: str) -> None:
        self._note(node, "wrong-type", message)

    def _note(self, node: Node, code: str, message: str) -> None:
        if not isinstance(node, BrokenNode):
            self._problems.append(self._source.problem(node, code, message))
