"""Notices a channel that has been suspicious for long and is steady where it is now.

A constant channel has next to no spread, so a centre that creeps by spreads would never reach a new value, and its
episode would never end. After ``SETTLED_LONGS`` times the long time constant without a quiet verdict, and only if the
latest readings are where those of the last part of that time were, the channel has settled.
Not here: what follows from it (``normal``).
"""

from typing import Any, Final, NamedTuple

import numpy as np

from device_agent.filters.calibration import Array
from device_agent.filters.runtime import FloatArray

Mask = np.ndarray[Any, np.dtype[np.bool_]]

SETTLED_LONGS: Final = 2.0
"""At one scan a second 2.8 hours; with five minutes between scans 35 days."""

STEADY: Final = 0.5
"""The latest readings are no further from the late ones than this share of their spread; for a ramp it is 0.9."""

_PARTS: Final = 5
"""Mean and spread are those of about the last fifth of the long time constant."""


class Place(NamedTuple):
    """Where channels settled.

    Attributes:
        which: Channels.
        centre: Mean of their late readings; only those of ``which`` mean anything.
        spread: Standard deviation of them.
    """

    which: Mask
    centre: Array
    spread: Array


class Settling:
    """One sensor's. One thread at a time."""

    def __init__(self, channels: int) -> None:
        self._longs = np.zeros(channels)
        self._late, self._latest, self._variance = np.zeros(channels), np.zeros(channels), np.zeros(channels)

    def take(self, readings: FloatArray, heard: Mask, suspicious: Mask, *, follow: float, creep: float) -> Place | None:
        """Takes a scan and which channels are suspicious; shares as ``normal.Pace``. ``None`` nearly always."""
        if not suspicious.any():
            self._longs[:] = 0.0
            return None
        begins = suspicious & (self._longs == 0)
        for mean in (self._late, self._latest):
            mean[begins] = readings[begins]
        self._variance[begins] = 0.0
        self._longs = np.where(suspicious, self._longs + creep, 0.0)
        apart = np.where(heard, readings - self._late, 0.0)
        share = min(1.0, _PARTS * creep)
        self._late += share * apart
        self._variance += np.where(heard, share * (apart * apart - self._variance), 0.0)
        self._latest += np.where(heard, follow * (readings - self._latest), 0.0)
        spread = np.sqrt(self._variance)
        which = (self._longs >= SETTLED_LONGS) & (np.abs(self._latest - self._late) <= STEADY * spread)
        if not which.any():
            return None
        self._longs[which] = 0.0
        return Place(which, self._late.copy(), spread)
