"""A link that comes and goes.

Not here: what a link that is down does (``bench.link``).
"""

import random
from typing import Final, Protocol

from bench.link import State

UP_S: Final = (20.0, 60.0)
DOWN_S: Final = (5.0, 30.0)


class Changeable(Protocol):
    """A link as far as this needs one."""

    def become(self, state: State) -> None:
        """Changes what it is."""


class Flapping:
    """When the link is up and when it is not; the same seed flaps the same way.

    Args:
        link: Up now.
        seed: Of the times and of what each downtime is.
        now_s: Monotonic seconds.

    Attributes:
        resets: Downtimes so far in which connections were reset.
        black_holes: Downtimes in which nothing passed.
    """

    def __init__(self, link: Changeable, seed: int, *, now_s: float) -> None:
        self.resets = self.black_holes = 0
        self._link, self._source = link, random.Random(seed)
        self._up = True
        self._until_s = now_s + self._source.uniform(*UP_S)

    def step(self, now_s: float) -> None:
        """Changes the link where it is time."""
        if now_s < self._until_s:
            return
        self._up = not self._up
        self._until_s = now_s + self._source.uniform(*(UP_S if self._up else DOWN_S))
        if self._up:
            self._link.become("up")
        elif self._source.random() < 0.5:  # noqa: PLR2004 - half of them
            self.resets += 1
            self._link.become("reset")
        else:
            self.black_holes += 1
            self._link.become("black_hole")
