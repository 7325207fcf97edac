"""What calls are worth against labels: by row, and by episode.

By row: one confusion matrix, pooled over files. By episode, because a person is told of episodes: a labelled one is
caught **fresh** where a call *begins* inside it; a call that was already on has told nobody anything. Every call
that begins outside is a false episode, also one that lasts into a labelled one.
A labelled episode that began within the calibration rows is not counted as one; its rows are.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from training.rivals.scene import Bools, Floats

SECONDS_PER_HOUR = 3600.0


class Confusion(NamedTuple):
    """Rows by what they were (abnormal or not) and what was said; shares of rows where it is a mean over choices."""

    true_positive: float = 0
    false_positive: float = 0
    false_negative: float = 0
    true_negative: float = 0

    @classmethod
    def of(cls, called: Bools, labels: Bools) -> Self:
        """Counts rows."""
        hit, missed = int((called & labels).sum()), int((~called & labels).sum())
        return cls(hit, int((called & ~labels).sum()), missed, int((~called & ~labels).sum()))

    def plus(self, other: "Confusion") -> "Confusion":
        """Pools two."""
        return Confusion(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1; 0 where nothing was labelled and nothing called."""
        wrong = self.false_positive + self.false_negative
        return 2 * self.true_positive / max(1.0, 2 * self.true_positive + wrong)

    def false_alarm_percent(self) -> float:
        """Share of normal rows called abnormal."""
        return 100 * self.false_positive / max(1.0, self.false_positive + self.true_negative)

    def missed_percent(self) -> float:
        """Share of abnormal rows not called so."""
        return 100 * self.false_negative / max(1.0, self.false_negative + self.true_positive)


class Episodes(NamedTuple):
    """Of one file.

    Attributes:
        labelled: How many begin after the calibration rows.
        delays_s: From a labelled episode's first row to the first call that begins in it, for each caught one.
        false: Calls that begin outside.
        normal_s: Time judged in which nothing was labelled.
    """

    labelled: int
    delays_s: tuple[float, ...]
    false: int
    normal_s: float

    def confusion(self) -> Confusion:
        """Caught fresh, false, not caught fresh; what is rightly not called cannot be counted in episodes."""
        return Confusion(len(self.delays_s), self.false, self.labelled - len(self.delays_s), 0)


def episodes(called: Bools, labels: Bools, times_s: Floats, calibration: int) -> Episodes:
    """Counts a file's; ``called`` and ``labels`` by row of the whole file."""
    begins = starts(called)
    runs = [(first, last) for first, last in spans(labels) if first >= calibration]
    delays = [
        float(times_s[begin] - times_s[first])
        for first, last in runs
        if (begin := _first(begins, first, last)) is not None
    ]
    steps = np.diff(times_s, prepend=times_s[:1])
    usual = float(np.median(steps[1:])) if len(steps) > 1 else 0.0
    judged = np.arange(len(labels)) >= calibration
    return Episodes(
        labelled=len(runs),
        delays_s=tuple(delays),
        false=sum(not labels[begin] for begin in begins),
        normal_s=float((judged & ~labels).sum()) * usual,
    )


def spans(labels: Bools) -> list[tuple[int, int]]:
    """First and last row of every run."""
    edges = np.diff(np.concatenate([[False], labels, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(edges > 0).tolist(), (np.flatnonzero(edges < 0) - 1).tolist(), strict=True))


def starts(called: Bools) -> list[int]:
    """The first row of every run."""
    return [first for first, _ in spans(called)]


def _first(begins: Sequence[int], first: int, last: int) -> int | None:
    return next((begin for begin in begins if first <= begin <= last), None)
