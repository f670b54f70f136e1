"""Prompts in files of their own: `{file: prompts/review.md}`, whose text stands as a template where the map stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from planrunner.document.beside import Beside, UnreadableFileError, name_of
from planrunner.document.problem import MAX_PROBLEMS, Problem
from planrunner.document.shape import FileSite, Path, Site
from planrunner.document.source import ScalarNode, Source, parse_text

MAX_PROMPT: Final = 512 * 1024
"""The largest prompt file, in bytes: less than what is looked at of the templates of one plan."""
MAX_PROMPTS: Final = 1000
MAX_TOGETHER: Final = 4 * 1024 * 1024
"""So many prompt files may a plan have, and so many bytes may be in them."""


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


class _Prompt(NamedTuple):
    """A prompt file that was read: as it is stored, as problems are told in it, and as the template it is."""

    stored: str
    source: Source
    template: ScalarNode


def read_prompts(named: Iterable[FileSite], plan: Source, own_name: str, beside: Beside) -> Prompts:
    """Read every file that a plan names. Raises nothing, whatever the names and the files hold.

    own_name  what the plan itself is called in the snapshot
    """
    shelf = _Shelf(own_name, beside)
    texts: dict[Path, str] = {}
    sites: list[Site] = []
    problems: list[Problem] = []
    for site in named:
        if len(problems) > MAX_PROBLEMS:
            break
        try:
            prompt = shelf.take(site.node.value)
        except UnreadableFileError as error:
            problems.append(plan.problem(site.node, "prompt-file", str(error)))
            continue
        texts[site.path] = prompt.template.value
        if "{" in prompt.template.value:
            sites.append(Site(prompt.template, False, site.path, prompt.source))
    files = {name: prompt.stored for name, prompt in shelf.prompts.items()}
    sources = tuple(prompt.source for prompt in shelf.prompts.values())
    return Prompts(files, sources, texts, tuple(sites), tuple(problems))


def with_texts(data: dict[str, Any], texts: Mapping[Path, str]) -> dict[str, Any]:
    """The value of a plan file with each text in its place."""
    for path, text in texts.items():
        around: Any = data
        for key in path[:-1]:
            around = around[key]
        around[path[-1]] = text
    return data


class _Shelf:
    """The prompt files read so far, each once."""

    def __init__(self, own_name: str, beside: Beside) -> None:
        self.own_name = own_name
        self.beside = beside
        self.prompts: dict[str, _Prompt] = {}
        self.left = MAX_TOGETHER

    def take(self, written: str) -> _Prompt:
        """The prompt of this name. Raises UnreadableFileError."""
        name = name_of(written)
        if name == self.own_name:
            raise UnreadableFileError(f"{name!r} is the plan itself: a prompt stands in a file of its own")
        if name not in self.prompts:
            self.prompts[name] = self._read(name)
        return self.prompts[name]

    def _read(self, name: str) -> _Prompt:
        if len(self.prompts) >= MAX_PROMPTS or self.left <= 0:
            most = f"{MAX_PROMPTS:,} prompt files, and {MAX_TOGETHER // 1024 // 1024} MiB in them"
            raise UnreadableFileError(f"a plan may have {most}: split the plan")
        content = self.beside.read(name, MAX_PROMPT)
        shown = self.beside.shown(name)
        if len(content) > MAX_PROMPT:
            raise UnreadableFileError(f"{shown!r} is larger than {MAX_PROMPT // 1024} KiB: shorten the prompt")
        self.left -= len(content)
        source = parse_text(content, shown)
        if not isinstance(source.root, ScalarNode):
            wrong = source.problems[0]
            raise UnreadableFileError(f"{shown}:{wrong.line}:{wrong.column}: {wrong.message}")
        if not source.root.text.strip():
            raise UnreadableFileError(f"{shown!r} is empty: write the prompt into it")
        return _Prompt(content.decode("utf-8"), source, source.root)
