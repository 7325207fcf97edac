"""What a sensor's normal is, first look: centre and spread of its own first scans.

Rules: the centre is a median. The spread is a median too, but at least a quarter of the standard deviation of
nearly all readings, because a coarse channel that mostly repeats one value has no median spread. So up to three
tenths of the scans may be abnormal. A channel never gets less spread than its floor, its resolution, or what
float32 can tell apart. A channel that was a gap half of the time is not watched, and says so. No label, row
number or time of day enters.
Not here: what its levels show (``arming``), following a slow drift afterwards (``normal``), keeping it (``store``).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from device_agent.sensors.port import Channel

Array = np.ndarray[Any, np.dtype[np.float64]]

MAD_TO_SIGMA: Final = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution, 1 / Φ⁻¹(3/4)."""

FLOAT32_STEP: Final = 2.0**-22
"""Two steps of float32 relative to a value: spreads below that are rounding, not signal."""

NEARLY_ALL: Final = (0.025, 0.975)
"""Readings beyond these quantiles count as the quantile: a few wild ones make no spread."""

DEVIATION_SHARE: Final = 0.25
"""Of the standard deviation, that the spread has at least. A fault in three tenths of the scans makes a standard
deviation of 0.46 of its height, so a spread of 0.11 of it: the same fault later is still 8 spreads high."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is normal for one sensor; one number per channel, in the channels' order.

    Attributes:
        channels: As they were configured; other channels need another calibration.
        rate_hz: Scans per second; the gate counts time in scans.
        model_sha256: Of the model that made the levels.
        made_wall_ms: When it was finished.
        scans: From how many scans.
        mu: Centre, in the channel's unit; follows the sensor afterwards.
        home: Where the centre was at the end of the calibration.
        sd: Spread, in the channel's unit.
        shown: Distance of levels from the centre that calibration itself showed, in spreads.
        bulk: Mean square of readings' distance from the centre in the calibration, in squared spreads.
        square: The same by now.
        watched: False for a channel that was mostly gaps.
    """

    channels: tuple[Channel, ...]
    rate_hz: float
    model_sha256: str
    made_wall_ms: int
    scans: int
    mu: tuple[float, ...]
    home: tuple[float, ...]
    sd: tuple[float, ...]
    shown: tuple[float, ...]
    bulk: tuple[float, ...]
    square: tuple[float, ...]
    watched: tuple[bool, ...]

    def fits(self, channels: tuple[Channel, ...], rate_hz: float, model_sha256: str) -> bool:
        """Whether it was made for this set-up, and thresholds can come from it."""
        rows = (self.mu, self.home, self.sd, self.shown, self.bulk, self.square)
        return (
            self.channels == channels
            and {len(row) for row in (*rows, self.watched)} == {len(channels)}
            and bool(np.isfinite(rows).all())
            and min((*self.sd, *self.bulk)) > 0
            and self.rate_hz == rate_hz
            and self.model_sha256 == model_sha256
        )


def survey(
    scans: Array, channels: Sequence[Channel], *, rate_hz: float, model_sha256: str, wall_ms: int
) -> Calibration | None:
    """Centre and spread of scans (rows, NaN for a gap); ``None`` if no channel was there half of the time."""
    watched = np.isfinite(scans).mean(axis=0) >= 0.5  # noqa: PLR2004 - the half of the rule above
    if not watched.any():
        return None
    seen = np.where(watched, scans, 0.0)
    mu = np.nanmedian(seen, axis=0)
    ones = (1.0,) * len(channels)
    return Calibration(
        channels=tuple(channels),
        rate_hz=rate_hz,
        model_sha256=model_sha256,
        made_wall_ms=wall_ms,
        scans=len(scans),
        mu=tuple(mu.tolist()),
        home=tuple(mu.tolist()),
        sd=tuple(_spread(seen, mu, channels).tolist()),
        shown=(0.0,) * len(channels),
        bulk=ones,
        square=ones,
        watched=tuple(watched.tolist()),
    )


def _spread(seen: Array, mu: Array, channels: Sequence[Channel]) -> Array:
    by_median = MAD_TO_SIGMA * np.nanmedian(np.abs(seen - mu), axis=0)
    low, high = np.nanquantile(seen, NEARLY_ALL, axis=0)
    by_deviation = DEVIATION_SHARE * np.nanstd(np.clip(seen, low, high), axis=0)
    floors = np.array([max(channel.floor, channel.resolution) for channel in channels])
    spread: Array = np.maximum.reduce([by_median, by_deviation, floors, np.abs(mu) * FLOAT32_STEP])
    return spread
