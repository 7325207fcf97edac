"""Readings without what is usual for their time, continuous where that becomes known or the clock is set.

A day that ends changes what is taken off, and so does a step of the clock. Neither is the sensor's doing: whoever
holds earlier readings, or a centre made of them, gets the correction that makes them go on without a step.
Not here: the course itself (``season``).
"""

import logging
from typing import Any, Final, NamedTuple

import numpy as np

from device_agent.filters.calibration import Array
from device_agent.filters.season import Season
from device_agent.filters.season_store import SeasonStore
from device_agent.filters.signature import SPAN_SCANS, WINDOW_SCANS

Mask = np.ndarray[Any, np.dtype[np.bool_]]

logger = logging.getLogger(__name__)

CLOCK_STEP_MS: Final = 600_000
"""The wall clock was set where it differs by more than this from what the scans say."""


class Deseasoned(NamedTuple):
    """One scan.

    Attributes:
        values: Without the usual; NaN stays NaN.
        correction: To be added to the latest window's earlier readings, oldest first; ``None`` nearly always.
    """

    values: Array
    correction: Array | None


def of_centre(correction: Array) -> Array:
    """What a correction does to the level of a window, so that a centre can go with it."""
    weights = (1 - 2 / (SPAN_SCANS + 1)) ** np.arange(len(correction) - 1, -1, -1)
    moved: Array = weights @ correction / weights.sum()
    return moved


class DeseasonedReadings:
    """One sensor's. One thread at a time.

    Attributes:
        unsaved: Courses that could not be written; a restart goes on with the last that was.
    """

    def __init__(self, channels: tuple[str, ...], store: SeasonStore, *, rate_hz: float) -> None:
        self._season, self._store = Season(channels, store.load()), store
        self._step_ms = 1000 / rate_hz
        self._ages = np.arange(WINDOW_SCANS, 0, -1) * self._step_ms
        self._last_ms: int | None = None
        self.unsaved = 0

    def take(self, values: Array, wall_ms: int, *, missed: int, alarmed: Mask) -> Deseasoned:
        """Takes a scan (NaN for a gap).

        Args:
            values: Readings.
            wall_ms: Its time by the gateway's clock.
            missed: Scans that were not taken since the last.
            alarmed: Channels whose latest score was an alarm: they teach nothing, once something is known.
        """
        correction = self._set_clock(wall_ms, missed)
        season = self._season
        taken = np.where(alarmed, np.nan, values) if season.is_known else values
        if not season.ends_a_day(wall_ms):
            season.take(taken, wall_ms)
        else:
            before = self._offsets(wall_ms)
            if season.take(taken, wall_ms):
                self._keep()
                renewed = before - self._offsets(wall_ms)
                correction = renewed if correction is None else correction + renewed
        self._last_ms = wall_ms
        return Deseasoned(values - season.offset(wall_ms), correction)

    def _offsets(self, wall_ms: int) -> Array:
        return np.array([self._season.offset(round(wall_ms - age)) for age in self._ages])

    def _set_clock(self, wall_ms: int, missed: int) -> Array | None:
        last_ms = self._last_ms
        if last_ms is None or not self._season.is_known:
            return None
        expected_ms = last_ms + round((missed + 1) * self._step_ms)
        if abs(wall_ms - expected_ms) <= CLOCK_STEP_MS:
            return None
        step = self._season.offset(expected_ms) - self._season.offset(wall_ms)
        return np.tile(step, (WINDOW_SCANS, 1))

    def _keep(self) -> None:
        try:
            self._store.save(self._season.course)
        except OSError as exc:
            self.unsaved += 1
            logger.warning("season.unsaved", extra={"reason": str(exc)})
