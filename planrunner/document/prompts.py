"""Prompts in files of their own: `{file: prompts/review.md}`, whose text stands as a template where the map stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from planrunner.document.beside import Beside
from planrunner.document.file_names import UnreadableFileError, joined, path_of
from planrunner.document.problem import MAX_PROBLEMS, Problem
from planrunner.document.shape import FileSite, Path, Site
from planrunner.document.source import ScalarNode, Source, parse_text

MAX_PROMPT: Final = 512 * 1024
"""The largest prompt file, in bytes: less than what is looked at of the templates of one plan."""
MAX_PROMPTS: Final = 1000
MAX_TOGETHER: Final = 4 * 1024 * 1024
"""So many prompt files may a plan have with its sub-plans, and so many bytes may be in them."""


class Prompt(NamedTuple):
    """A prompt file that was read: as it is stored, as problems are told in it, and as the template it is."""

    stored: str
    source: Source
    template: ScalarNode


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompt files of a plan.

    files     name → text as it is stored, each file once, in the order in which the plan first names them
    sources   the same files, as problems are told in them
    texts     where in the plan a text stands → the text
    sites     the templates among the texts
    problems  names that lead to no prompt, told where the plan has them
    """

    files: Mapping[str, str]
    sources: tuple[Source, ...]
    texts: Mapping[Path, str]
    sites: tuple[Site, ...]
    problems: tuple[Problem, ...]


def read_prompts(named: Iterable[FileSite], plan: Source, own: str, shelf: Shelf) -> Prompts:
    """Read every file that a plan names. Raises nothing, whatever the names and the files hold.

    own  what the plan itself is called in the snapshot
    """
    prompts: dict[str, Prompt] = {}
    texts: dict[Path, str] = {}
    sites: list[Site] = []
    problems: list[Problem] = []
    for site in named:
        if len(problems) > MAX_PROBLEMS:
            break
        try:
            name = path_of(site.node.value)
            prompt = prompts[name] = _taken(name, own, shelf)
        except UnreadableFileError as error:
            problems.append(plan.problem(site.node, "prompt-file", str(error)))
            continue
        texts[site.path] = prompt.template.value
        if "{" in prompt.template.value:
            sites.append(Site(prompt.template, False, site.path, prompt.source))
    files = {name: prompt.stored for name, prompt in prompts.items()}
    sources = tuple(prompt.source for prompt in prompts.values())
    return Prompts(files, sources, texts, tuple(sites), tuple(problems))


def _taken(name: str, own: str, shelf: Shelf) -> Prompt:
    whole = joined(own, name)
    if whole == own:
        raise UnreadableFileError(f"{name!r} is the plan itself: a prompt stands in a file of its own")
    return shelf.take(whole, own)


def with_texts(data: dict[str, Any], texts: Mapping[Path, str]) -> dict[str, Any]:
    """The value of a plan file with each text in its place."""
    for path, text in texts.items():
        around: Any = data
        for key in path[:-1]:
            around = around[key]
        around[path[-1]] = text
    return data


class Shelf:
    """The prompt files of a plan and of its sub-plans, each read once."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside
        self._prompts: dict[str, Prompt] = {}
        self._left = MAX_TOGETHER

    def take(self, name: str, by: str) -> Prompt:
        """The prompt that the plan `by` names, both as the snapshot calls them. Raises UnreadableFileError."""
        if name not in self._prompts:
            self._prompts[name] = self._read(name, by)
        return self._prompts[name]

    def _read(self, name: str, by: str) -> Prompt:
        if len(self._prompts) >= MAX_PROMPTS or self._left <= 0:
            most = f"{MAX_PROMPTS:,} prompt files and {MAX_TOGETHER // 1024 // 1024} MiB in them"
            raise UnreadableFileError(f"a plan and its sub-plans may have at most {most}: split the plan")
        content = self._beside.read(name, MAX_PROMPT, by)
        shown = self._beside.shown(name)
        if len(content) > MAX_PROMPT:
            raise UnreadableFileError(f"{shown!r} is larger than {MAX_PROMPT // 1024} KiB: shorten the prompt")
        self._left -= len(content)
        source = parse_text(content, shown)
        if not isinstance(source.root, ScalarNode):
            wrong = source.problems[0]
            raise UnreadableFileError(f"{shown}:{wrong.line}:{wrong.column}: {wrong.message}")
        if not source.root.text.strip():
            raise UnreadableFileError(f"{shown!r} is empty: write the prompt into it")
        return Prompt(content.decode("utf-8"), source, source.root)
