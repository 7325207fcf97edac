"""Feedback as the filters see it: the present one, and what it does to a verdict.

A raised threshold divides its channel's score, so 1.0 stays where an alarm begins, whatever people said. Only alarms
begin later: what the filter takes for normal, and when it follows, is decided before, by its own score.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from contract.feedback import NO_FEEDBACK, Feedback, present_factor
from device_agent.feedback.store import FeedbackStore, Stamp
from device_agent.filters.gate import Verdict
from device_agent.filters.runtime import FloatArray

FADE_EVERY_MS: Final = 60_000


class FeedbackView:
    """The feedback that is heeded now. One thread looks, any may read.

    Args:
        store: Where the feedback lies.

    Attributes:
        present: What is heeded.
    """

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store
        self._stamp: Stamp | None = None
        self.present: Feedback = NO_FEEDBACK
        self.look()

    def look(self) -> None:
        """Reads it again if it may be another one."""
        stamp = self._store.stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self.present = self._store.load()


class RaisedThresholds:
    """One sensor's part of it; the thread that condenses the sensor calls it.

    Args:
        view: Of the whole.
        sensor: Its name.
        channels: Its channels' names, in order.
    """

    def __init__(self, view: FeedbackView, sensor: str, channels: Sequence[str]) -> None:
        self._view, self._sensor, self._channels = view, sensor, tuple(channels)
        self._known: Feedback = NO_FEEDBACK
        self._made_ms = 0
        self.factors: dict[str, float] = {}
        self._divisors: FloatArray | None = None

    def applied(self, verdict: Verdict, wall_ms: int) -> Verdict:
        """The verdict with raised thresholds; ``wall_ms`` says how far they have faded."""
        if self._view.present is not self._known or abs(wall_ms - self._made_ms) >= FADE_EVERY_MS:
            self._renew(self._view.present, wall_ms)
        if self._divisors is None:
            return verdict
        scores = verdict.channel_score / self._divisors
        return verdict._replace(score=float(scores.max()), channel_score=scores)

    def _renew(self, feedback: Feedback, wall_ms: int) -> None:
        self._known, self._made_ms = feedback, wall_ms
        present = {
            threshold.channel: present_factor(threshold, now_ms=wall_ms)
            for threshold in feedback.thresholds
            if threshold.sensor == self._sensor and threshold.channel in self._channels
        }
        self.factors = {channel: factor for channel, factor in present.items() if factor > 1.0}
        divisors = [self.factors.get(channel, 1.0) for channel in self._channels]
        self._divisors = np.array(divisors, dtype=np.float32) if self.factors else None
