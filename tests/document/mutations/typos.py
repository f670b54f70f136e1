"""Slips of the finger: a letter left out, one twice, two in the wrong order."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tests.document.mutations.corpus import Plan
from tests.document.mutations.reading import Mutant, changed, line_of


def typos(word: str) -> Iterator[str]:
    """The word, misspelt in the middle in three ways, and with a letter too many at its end."""
    middle = len(word) // 2
    yield word[:middle] + word[middle + 1 :]
    yield word[:middle] + word[middle : middle + 1] + word[middle:]
    yield word[: middle - 1] + word[middle : middle + 1] + word[middle - 1 : middle] + word[middle + 1 :]
    yield word + "q"


def misspelt(plan: Plan, what: str, start: int, word: str, others: Collection[str]) -> Iterator[Mutant]:
    """The plan with each typo of the word that begins there. A typo that is again a word of that place is none."""
    if plan.text[start : start + 1] in ("'", '"'):
        start += 1
    if plan.text[start : start + len(word)] != word:
        return  # an alias, or a text that is written with escapes
    for typo in typos(word):
        if typo and typo != word and typo not in others and "//" not in typo:  # which is / in a path
            text = changed(plan.text, start, start + len(word), typo)
            yield Mutant(plan, f"{what} {typo!r}", text, (frozenset((line_of(plan.text, start),)),))
