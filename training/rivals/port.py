"""What a contestant is, and how its score becomes a call: the same rule for all of them.

```
scores ─▶ EWMA (span) ─▶ over its own calibration (quantile .99, or as it is) ─▶ on at factor, off below release
```
A **setting** is a variant of the detector with a decision. Every family that is compared has the same number of
settings to choose from (``BUDGET``), so that none is better for having been tried more often.
Not here: choosing a setting (``training.evaluate.nested``).
"""

from collections.abc import Sequence
from itertools import product
from typing import Final, NamedTuple, Protocol

import numpy as np

from training.rivals.scene import Bools, Floats, Scene

BUDGET: Final = 432
"""Settings of each family that is tuned."""

QUANTILE: Final = 0.99
"""A rival's score counts in units of this quantile of its smoothed score over the calibration rows."""


class Detector(Protocol):
    """One variant of a detector."""

    @property
    def label(self) -> str:
        """Unique among all variants of all families; a score kept under it stays valid while the code does."""

    def scores(self, scene: Scene) -> Floats:
        """A score per row, higher for less normal, NaN where there is none.

        A row's score depends on the calibration rows and on rows up to itself, never on its number.
        """


class Decision(NamedTuple):
    """How scores become calls.

    Attributes:
        span: Of the exponential weights that smooth the score; 1 for none.
        factor: A row is called where the score reaches it.
        release: And stays called while the score is at least this share of ``factor``.
        own_scale: False: in units of the calibration's own scores (``QUANTILE``); True: as it is.
    """

    span: int
    factor: float
    release: float
    own_scale: bool = False

    def calls(self, scores: Floats, calibration: int) -> Bools:
        """Which rows are called; none of the calibration rows."""
        smooth = smoothed(scores, self.span)
        limit = self.factor
        if not self.own_scale:
            shown = smooth[:calibration]
            shown = shown[np.isfinite(shown)]
            limit *= max(float(np.quantile(shown, QUANTILE)), 1e-12) if len(shown) else np.inf
        return held(smooth, limit, limit * self.release, calibration)


class Family(NamedTuple):
    """A detector with all its settings.

    Attributes:
        name: As the table says it.
        variants: Of the detector.
        decisions: Tried with each.
        missing: Why it cannot run here and what to do about it; empty where it can.
    """

    name: str
    variants: tuple[Detector, ...]
    decisions: tuple[Decision, ...]
    missing: str = ""

    @property
    def settings(self) -> int:
        """How many it may choose from."""
        return len(self.variants) * len(self.decisions)

    def words(self, setting: int) -> str:
        """A setting, as the table says it."""
        if self.settings == 1:
            return "fixed"
        variant, decision = divmod(setting, len(self.decisions))
        if len(self.decisions) == 1:
            return self.variants[variant].label
        span, factor, release, _ = self.decisions[decision]
        return f"{self.variants[variant].label} span {span} factor {factor:g} release {release:g}"


def decisions(
    spans: Sequence[int], factors: Sequence[float], releases: Sequence[float], *, own_scale: bool = False
) -> tuple[Decision, ...]:
    """Every combination."""
    return tuple(Decision(*each, own_scale) for each in product(spans, factors, releases))


def smoothed(scores: Floats, span: int) -> Floats:
    """Exponentially weighted mean of the scores so far (adjusted at the beginning); a missing score is left out."""
    if span == 1:
        return scores
    keep = 1 - 2 / (span + 1)
    total = mass = 0.0
    out = []
    for score in scores.tolist():
        known = score == score  # noqa: PLR0124 - NaN is not itself, and this loop is the long one
        total = keep * total + (score if known else 0.0)
        mass = keep * mass + known
        out.append(total / mass if known else np.nan)
    return np.array(out)


def held(scores: Floats, on: float, off: float, calibration: int) -> Bools:
    """On from a score that reaches ``on`` until one is below ``off``; a missing score changes nothing."""
    rows = np.arange(len(scores))
    judged = rows >= calibration
    rises = np.where(judged & (scores >= on), rows, -1)
    falls = np.where(~judged | (scores < off), rows, -1)
    called: Bools = np.maximum.accumulate(rises) > np.maximum.accumulate(falls)
    return called
