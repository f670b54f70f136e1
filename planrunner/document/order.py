"""In which order the steps of a list end."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet


class Order:
    """What is certain about a list of steps.

    needs   place of a step → the places it waits for; None: all above it
    circle  the places of a circle of waiting steps, the first one again at its end; empty when there is none
    """

    def __init__(self, needs: Sequence[AbstractSet[int] | None]) -> None:
        self.needs = needs
        # Place of a step → a bit for each step that has surely ended before it starts, None while it can't start. For
        # a step without `needs` those above it go without saying, and the bits count from its own place.
        self._done: list[int | None] = [None] * len(needs)
        self._missing = [len(places or ()) for places in needs]
        self._waiting: dict[int, list[int]] = {}
        for place, places in enumerate(needs):
            for need in places or ():
                self._waiting.setdefault(need, []).append(place)
        # A step without `needs` waits for a prefix of the list: a pointer, never edges, which would be n² of them.
        self._prefix = 0
        self._above = 0
        self._settle()
        self.circle = self._find_circle() if None in self._done else []

    def has_ended(self, target: int, place: int) -> bool:
        """Whether the step at `target` has surely ended when that at `place` starts. True where a circle hides it."""
        done = self._done[place]
        if done is None:
            return True
        if self.needs[place] is None:
            return target < place or bool(done >> target - place & 1)
        return bool(done >> target & 1)

    def _settle(self) -> None:
        """Let steps end one by one, until none can."""
        ready = [place for place, places in enumerate(self.needs) if places is not None and not places]
        while True:
            while ready:
                place = ready.pop()
                ready += self._end(place, self._before(place))
            if not self._advance():
                return
            ready += self._end(self._prefix, self._above >> self._prefix)

    def _before(self, place: int) -> int:
        mask = 0
        for need in self.needs[place] or ():
            mask |= self._mask(need) | 1 << need
        return mask

    def _mask(self, place: int) -> int:
        """A bit for each step that has ended before the one at `place`, which itself has ended."""
        done = self._done[place] or 0
        return (1 << place) - 1 | done << place if self.needs[place] is None else done

    def _end(self, place: int, before: int) -> list[int]:
        """Note that a step ended, and give those that waited for it alone."""
        self._done[place] = before
        ready = []
        for other in self._waiting.get(place, ()):
            self._missing[other] -= 1
            if not self._missing[other]:
                ready.append(other)
        return ready

    def _advance(self) -> bool:
        """Move over ended steps; True when a step stands next that waits for all above it."""
        while self._prefix < len(self.needs):
            before = self._done[self._prefix]
            if before is None:
                return self.needs[self._prefix] is None
            self._above |= 1 << self._prefix
            if self.needs[self._prefix] is not None:
                self._above |= before
            self._prefix += 1
        return False

    def _find_circle(self) -> list[int]:
        """Walk from a step that never starts to one it waits for, until a step comes again."""
        path: dict[int, None] = {}
        place = self._done.index(None)
        while place not in path:
            path[place] = None
            places = self.needs[place]
            candidates = range(place) if places is None else sorted(places)
            place = next(other for other in candidates if self._done[other] is None)
        steps = list(path)
        return [*steps[steps.index(place) :], place]
