"""ADWIN: a window of numbers that is as long as its mean stays the same.

A. Bifet, R. Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", SIAM SDM 2007 (algorithm ADWIN2).
The window is kept as buckets of 1, 2, 4, … numbers, at most ``MAX_BUCKETS`` of each size, so its memory grows with
the logarithm of its length. When two parts of it have means that differ by more than

    ε = √(2/m · σ² · ln(2/δ')) + 2/(3m) · ln(2/δ'),   1/m = 1/n₀ + 1/n₁,   δ' = δ / ln n

the older part goes, bucket by bucket. Numbers must lie between 0 and 1: the bound says so. Why it is not river's:
docs/adr/0026. Not here: what is put in, what a cut means (``watch``).
"""

import math
from collections import deque
from typing import Final, NamedTuple

MAX_BUCKETS: Final = 5
"""Of one size."""

LEAST_PART: Final = 5
"""Neither part of a cut is shorter."""

LEAST_WINDOW: Final = 10
"""Nor is a window cut that is not longer than this."""


class Cut(NamedTuple):
    """A change that was found: the mean of what was thrown away, and of what is left."""

    before: float
    now: float


class _Bucket(NamedTuple):
    """So many numbers: their sum, and the sum of their squared distances to their mean."""

    size: int
    total: float
    squares: float

    def joined(self, other: "_Bucket") -> "_Bucket":
        """Both as one."""
        apart = self.total / self.size - other.total / other.size
        between = apart * apart * self.size * other.size / (self.size + other.size)
        return _Bucket(self.size + other.size, self.total + other.total, self.squares + other.squares + between)


class AdaptiveWindow:
    """One stream of numbers between 0 and 1.

    Args:
        delta: Chance of a cut where nothing changed, at most.
        check_every: Looks for a cut after every so many numbers.
    """

    def __init__(self, delta: float = 0.002, *, check_every: int = 1) -> None:
        self._delta, self._check_every = delta, check_every
        self._sizes: list[deque[_Bucket]] = [deque()]
        self._seen = 0

    @property
    def width(self) -> int:
        """How many numbers the window holds."""
        return sum(bucket.size for bucket in self._oldest_first())

    @property
    def mean(self) -> float:
        """Of the window; NaN while it is empty."""
        whole = self._whole()
        return whole.total / whole.size if whole.size else math.nan

    def push(self, value: float) -> Cut | None:
        """Takes a number; returns the change where one is found with it."""
        self._seen += 1
        self._sizes[0].append(_Bucket(1, value, 0.0))
        self._compress()
        if self._seen % self._check_every or self.width <= LEAST_WINDOW:
            return None
        dropped: _Bucket | None = None
        while self._is_cut():
            oldest = self._drop_oldest()
            dropped = oldest if dropped is None else dropped.joined(oldest)
        return Cut(dropped.total / dropped.size, self.mean) if dropped else None

    def _compress(self) -> None:
        for power, row in enumerate(self._sizes):
            if len(row) <= MAX_BUCKETS:
                return
            if power + 1 == len(self._sizes):
                self._sizes.append(deque())
            self._sizes[power + 1].append(row.popleft().joined(row.popleft()))

    def _oldest_first(self) -> list[_Bucket]:
        return [bucket for row in reversed(self._sizes) for bucket in row]

    def _whole(self) -> _Bucket:
        buckets = self._oldest_first()
        if not buckets:
            return _Bucket(0, 0.0, 0.0)
        whole, *others = buckets
        for bucket in others:
            whole = whole.joined(bucket)
        return whole

    def _is_cut(self) -> bool:
        whole, count, total = self._whole(), 0, 0.0
        for bucket in self._oldest_first():
            count += bucket.size
            total += bucket.total
            rest = whole.size - count
            if rest < LEAST_PART:
                return False
            if count >= LEAST_PART:
                apart = abs(total / count - (whole.total - total) / rest)
                if apart > self._bound(whole, count, rest):
                    return True
        return False

    def _bound(self, whole: _Bucket, older: int, newer: int) -> float:
        doubt = math.log(2 * math.log(whole.size) / self._delta)
        inverse = 1 / older + 1 / newer
        variance = whole.squares / whole.size
        return math.sqrt(2 * inverse * variance * doubt) + 2 / 3 * inverse * doubt

    def _drop_oldest(self) -> _Bucket:
        while not self._sizes[-1]:
            self._sizes.pop()
        return self._sizes[-1].popleft()
