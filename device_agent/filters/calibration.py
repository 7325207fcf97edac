"""What a sensor's normal is, made from its own first scans.

Rules: centre and spread are medians, so up to about a third of the scans may be abnormal. A channel never gets
less spread than its floor, its resolution, or what float32 can tell apart. An alarm needs a level that leaves
what the calibration itself showed, and at least a fixed distance. A channel that was a gap
half of the time is not watched, and says so. No label, row number or time of day enters.
Not here: following a slow drift afterwards (``normal``), keeping it over a restart (``store``).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from device_agent.filters.model import LevelModel, Normal
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.sensors.port import Channel

Array = np.ndarray[Any, np.dtype[np.float64]]

MAD_TO_SIGMA: Final = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution, 1 / Φ⁻¹(3/4)."""

FLOAT32_STEP: Final = 2.0**-22
"""Two steps of float32 relative to a value: spreads below that are rounding, not signal."""

MIN_LEVEL_SIGMA: Final = 3.0
"""A level nearer than this to the normal one never alarms, on channels that state no floor."""

MIN_LEVEL_FLOORS: Final = 4.0
"""Nor does one nearer than this many floors, on channels that state one: there the floor says what matters, and
not the noise of single readings, which the level averages out."""

LEAST_SIGMA: Final = 0.5
"""Nor does one nearer than this, however small the floor."""

EXTREME_QUANTILE: Final = 0.98
BULK_CAP: Final = 4.0
"""The extreme level counts at most this many robust spreads of all levels: a fault inside the calibration must
not teach the gate that faults are normal."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is normal for one sensor; one number per channel, in the channels' order.

    Attributes:
        channels: As they were configured; other channels need another calibration.
        rate_hz: Scans per second; the gate counts time in scans.
        model_sha256: Of the model that made the levels.
        made_wall_ms: When it was finished.
        scans: From how many scans.
        mu: Centre, in the channel's unit; follows a slow drift afterwards.
        sd: Spread, in the channel's unit.
        base: Level taken for normal, in spreads.
        shown: Distance of levels from ``base`` that calibration itself showed, in spreads.
        least: Distance that is worth an alarm at all, in spreads.
        watched: False for a channel that was mostly gaps.
    """

    channels: tuple[Channel, ...]
    rate_hz: float
    model_sha256: str
    made_wall_ms: int
    scans: int
    mu: tuple[float, ...]
    sd: tuple[float, ...]
    base: tuple[float, ...]
    shown: tuple[float, ...]
    least: tuple[float, ...]
    watched: tuple[bool, ...]


def calibrate(
    scans: Array, channels: Sequence[Channel], model: LevelModel, *, rate_hz: float, wall_ms: int
) -> Calibration | None:
    """Makes a calibration from scans (rows, NaN for a gap); ``None`` if no channel was there half of the time."""
    watched = np.isfinite(scans).mean(axis=0) >= 0.5  # noqa: PLR2004 - the half of the rule above
    if not watched.any():
        return None
    mu, sd = _centre_and_spread(scans, channels, watched)
    levels = _levels(scans, mu, sd, model)
    base = np.median(levels, axis=0)
    floors = np.array([channel.floor for channel in channels])
    return Calibration(
        channels=tuple(channels),
        rate_hz=rate_hz,
        model_sha256=model.sha256,
        made_wall_ms=wall_ms,
        scans=len(scans),
        mu=tuple(mu.tolist()),
        sd=tuple(sd.tolist()),
        base=tuple(base.tolist()),
        shown=tuple(_shown(np.abs(levels - base)).tolist()),
        least=tuple(_least(floors / sd).tolist()),
        watched=tuple(watched.tolist()),
    )


def _centre_and_spread(
    scans: Array, channels: Sequence[Channel], watched: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[Array, Array]:
    seen = np.where(watched, scans, 0.0)
    mu = np.nanmedian(seen, axis=0)
    spread = MAD_TO_SIGMA * np.nanmedian(np.abs(seen - mu), axis=0)
    floors = np.array([max(channel.floor, channel.resolution) for channel in channels])
    return mu, np.maximum.reduce([spread, floors, np.abs(mu) * FLOAT32_STEP])


def _levels(scans: Array, mu: Array, sd: Array, model: LevelModel) -> Array:
    """Levels of all full windows, by the model that will judge later ones."""
    zero, one = np.zeros(len(mu), dtype=np.float32), np.ones(len(mu), dtype=np.float32)
    normal = Normal(mu.astype(np.float32), (1 / sd).astype(np.float32), zero, one, one)
    valid = np.isfinite(scans).astype(np.float32)
    values = np.nan_to_num(scans, nan=0.0).astype(np.float32)
    ends = range(WINDOW_SCANS, len(scans) + 1)
    levels = [model.score(values[e - WINDOW_SCANS : e], valid[e - WINDOW_SCANS : e], normal).level for e in ends]
    return np.array(levels, dtype=np.float64)


def _shown(distances: Array) -> Array:
    bulk = MAD_TO_SIGMA * np.median(distances, axis=0)
    extreme: Array = np.minimum(np.quantile(distances, EXTREME_QUANTILE, axis=0), BULK_CAP * bulk)
    return extreme


def _least(floors_in_sigma: Array) -> Array:
    by_floor = np.maximum(LEAST_SIGMA, MIN_LEVEL_FLOORS * floors_in_sigma)
    least: Array = np.where(floors_in_sigma > 0, by_floor, MIN_LEVEL_SIGMA)
    return least
