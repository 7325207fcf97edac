"""What is normal now: a calibration whose centre follows a slow drift, as tensors for the model.

A threshold lies beyond what calibration showed, and at least where an alarm is worth it, but not so near the end
of the channel's range that it cannot be crossed: a processor that is usually half busy must still alarm when it
is wholly so.
Not here: when it may follow (``gate``).
"""

from typing import Final

import msgspec
import numpy as np

from device_agent.filters.calibration import Array, Calibration
from device_agent.filters.model import Normal
from device_agent.filters.runtime import FloatArray

CLIP_SIGMA: Final = 8.0
"""No level goes further: the model clips every reading there."""

MARGIN: Final = 1.5
"""How far beyond the levels seen in calibration an alarm begins, where there is room for it."""

NEARLY_ALL: Final = 0.9
"""Share of the room between the normal level and the end of the range that the margin may fill."""

MOST: Final = 0.7
"""Share of it that the least distance worth an alarm may fill."""

NEAREST: Final = 0.25
"""Share of the least distance that stays, however little room there is: one floor, where that is four floors."""


class MovingNormal:
    """One sensor's normal. The centre moves and not the level, so the clip stays as far away as it was.

    Attributes:
        tensors: For the model, now.
        watched: By channel.
    """

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self.watched = np.array(calibration.watched)
        self._mu, self._sd = np.array(calibration.mu), np.array(calibration.sd)
        self._base = np.array(calibration.base)
        self._shown, self._least = np.array(calibration.shown), np.array(calibration.least)
        channels = calibration.channels
        self._low = np.array([-np.inf if c.low is None else c.low for c in channels])
        self._high = np.array([np.inf if c.high is None else c.high for c in channels])
        self._rise = self.watched & [c.alarm_on != "fall" for c in channels]
        self._fall = self.watched & [c.alarm_on != "rise" for c in channels]
        self._inv_sd = (self.watched / self._sd).astype(np.float32)
        self.tensors = self._tensors()

    @property
    def calibration(self) -> Calibration:
        """The calibration with its centre where it is now."""
        return msgspec.structs.replace(self._calibration, mu=tuple(self._mu.tolist()))

    def follow(self, deviation: FloatArray, share: float) -> None:
        """Moves the centre a share of the way to the present level; ``deviation`` in spreads."""
        self._mu = self._mu + share * deviation * self._sd
        self.tensors = self._tensors()

    def _tensors(self) -> Normal:
        room_up = np.minimum(CLIP_SIGMA, (self._high - self._mu) / self._sd) - self._base
        room_down = np.minimum(CLIP_SIGMA, (self._mu - self._low) / self._sd) + self._base
        return Normal(
            mu=self._mu.astype(np.float32),
            inv_sd=self._inv_sd,
            base=self._base.astype(np.float32),
            inv_rise=self._inverse(self._rise, room_up),
            inv_fall=self._inverse(self._fall, room_down),
        )

    def _inverse(self, wanted: np.ndarray[tuple[int], np.dtype[np.bool_]], room: Array) -> FloatArray:
        least = np.clip(MOST * room, NEAREST * self._least, self._least)
        beyond = np.minimum(MARGIN * self._shown, np.maximum(self._shown, NEARLY_ALL * room))
        inverse: FloatArray = (wanted / np.maximum(least, beyond)).astype(np.float32)
        return inverse
