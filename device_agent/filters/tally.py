"""How a filter's scores lie, in a few counts: what a new model is compared by with the old one.

Not here: the comparison (``device_agent.fleet.probe``), which works with the standard library alone.
"""

from bisect import bisect_right
from typing import Final

import msgspec

EDGES: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
"""Between two bins; a score that equals an edge counts above it. 1.0 is the alarm threshold."""


class FilterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What one sensor's filter did since the process started.

    Attributes:
        model: Label of the model it uses.
        scores: Judged windows by score, one more than there are edges.
        opened: Episodes that began.
    """

    model: str
    scores: list[int]
    opened: int


class Tally:
    """Counts one sensor's scores and episodes. One thread notes; any may look."""

    def __init__(self) -> None:
        self._scores = [0] * (len(EDGES) + 1)
        self._opened = 0

    def note(self, score: float) -> None:
        """One judged window."""
        self._scores[bisect_right(EDGES, score)] += 1

    def note_opened(self) -> None:
        """One episode began."""
        self._opened += 1

    def status(self, model: str) -> FilterStatus:
        """So far, by the model of now."""
        return FilterStatus(model=model, scores=list(self._scores), opened=self._opened)
