"""What of a sensor may drift, each against its reference: levels, spreads, the filter's score.

Data drift is a channel that is elsewhere, or varies otherwise, than when it was calibrated. Concept drift is seen by
the score while nothing is wrong: it says how near to an alarm this sensor's ordinary day has come.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from contract.events import Aspect
from device_agent.drift.adaptive_window import AdaptiveWindow
from device_agent.drift.blocks import Array, Block
from device_agent.drift.lasting import Lasting
from device_agent.drift.reference import SPREAD_TIMES, Reference, numbers

SCORE_STEP: Final = 0.15
"""Change of the mean score that is worth telling; 1.0 is an alarm, and a score counts no more than that."""

_SCORE_DOUBT: Final = 0.002
_BACK_AT: Final = 0.5
"""Steps within which a score that was elsewhere is back."""

_RECENT: Final = 1 / 8
"""Share of a block in what is told as the value now."""


class Change(NamedTuple):
    """Something began or ended to be elsewhere.

    Attributes:
        of: Which aspect.
        channel: Its index; ``None`` for the score.
        began: Whether it began.
        before: Value in the reference.
        now: Value now.
        steps: How far apart, in steps.
    """

    of: Aspect
    channel: int | None
    began: bool
    before: float
    now: float
    steps: float


class ChannelAspect:
    """Level or spread of every channel.

    Args:
        of: Which.
        reference: What it is compared with.
        patience: Blocks that a change of one step must last.

    Attributes:
        of: Which.
    """

    def __init__(self, of: Aspect, reference: Reference, patience: int) -> None:
        self.of: Aspect = of
        self._before = numbers(reference.centre if of == "level" else reference.spread)
        self._step, self._least = numbers(reference.step), np.array(reference.least)
        self._recent = self._before.copy()
        self._lasting = Lasting(len(self._before), patience)

    @property
    def begun(self) -> list[int]:
        """Channels that are elsewhere."""
        return [int(i) for i in np.flatnonzero(self._lasting.begun)]

    def push(self, block: Block) -> list[Change]:
        """Takes a block; returns what changed with it."""
        values = block.mean if self.of == "level" else np.maximum(block.spread, self._least)
        known = np.isfinite(values)
        self._recent = np.where(known, self._recent + _RECENT * (values - self._recent), self._recent)
        changed = self._lasting.push(self._steps(values))
        if not changed:
            return []
        steps = self._steps(self._recent)
        begun = self._lasting.begun
        return [
            Change(
                self.of, i, bool(begun[i]), float(self._before[i]), float(self._recent[i]), round(float(steps[i]), 2)
            )
            for i in changed
        ]

    def _steps(self, values: Array) -> Array:
        if self.of == "level":
            return (values - self._before) / self._step
        return np.log(values / self._before) / math.log(SPREAD_TIMES)


class ScoreAspect:
    """The filter's score while all is quiet: elsewhere once ADWIN has seen it change and its mean is a step away.

    Args:
        before: Its mean in the reference; ``None`` until the first block that has one.

    Attributes:
        begun: Whether it is elsewhere.
    """

    def __init__(self, before: float | None) -> None:
        self._before = before
        self._window = AdaptiveWindow(_SCORE_DOUBT)
        self._was_cut = False
        self.begun = False

    def push(self, score: float) -> list[Change]:
        """Takes a block's mean score; returns what changed with it."""
        if self._before is None:
            self._before = score
        self._was_cut |= self._window.push(min(score, 1.0)) is not None
        now = self._window.mean
        steps = (now - self._before) / SCORE_STEP
        is_elsewhere = self._was_cut and abs(steps) >= (_BACK_AT if self.begun else 1.0)
        if is_elsewhere == self.begun:
            return []
        self.begun = is_elsewhere
        return [Change("score", None, is_elsewhere, self._before, now, round(steps, 2))]
