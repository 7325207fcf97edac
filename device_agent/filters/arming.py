"""From watched scans to a calibration: they go once more through the stages that will judge later ones.

The centre follows through the scans as it will afterwards, so it ends where the sensor is now and not where it was
on average, and a fault among them is not followed. What the levels showed on the way, a threshold must leave.
Not here: centre and spread (``calibration``).
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from device_agent.filters.calibration import MAD_TO_SIGMA, Array, Calibration, survey
from device_agent.filters.distance import distances
from device_agent.filters.model import LevelModel
from device_agent.filters.normal import MovingNormal, pace
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.sensors.port import Channel

EXTREME_QUANTILE: Final = 0.98
BULK_CAP: Final = 4.0
"""The extreme level counts at most this many robust spreads of all levels: a fault inside the calibration must
not teach the gate that faults are normal."""


def calibrate(
    scans: Array, channels: Sequence[Channel], model: LevelModel, *, rate_hz: float, wall_ms: int
) -> Calibration | None:
    """Makes a calibration from scans (rows, NaN for a gap); ``None`` if no channel was there half of the time."""
    first = survey(scans, channels, rate_hz=rate_hz, model_sha256=model.sha256, wall_ms=wall_ms)
    if first is None:
        return None
    normal, distance = _replay(scans, first, model)
    bulk = _bulk(scans, normal)
    return msgspec.structs.replace(
        first,
        mu=normal.calibration.mu,
        home=normal.calibration.mu,
        shown=tuple(_shown(distance).tolist()),
        bulk=bulk,
        square=bulk,
    )


def _replay(scans: Array, first: Calibration, model: LevelModel) -> tuple[MovingNormal, Array]:
    """The normal after all full windows, and each level's distance from its centre, in spreads.

    It begins at the median of all levels, which is not the median of all readings where a channel is coarse.
    """
    values, valid = np.nan_to_num(scans, nan=0.0).astype(np.float32), np.isfinite(scans).astype(np.float32)
    far, nothing = distances(rate_hz=first.rate_hz, false_per_week=1.0), np.zeros(len(first.channels), dtype=np.bool_)
    usual = np.median(model.levels(values, valid, MovingNormal(first, far).tensors), axis=0)
    begin = np.array(first.mu) + usual * np.array(first.sd)
    normal = MovingNormal(msgspec.structs.replace(first, mu=tuple(begin.tolist())), far)
    at, found = pace(rate_hz=first.rate_hz, hop_scans=1), []
    for end in range(WINDOW_SCANS, len(scans) + 1):
        window = slice(end - WINDOW_SCANS, end)
        scored = model.score(values[window], valid[window], normal.tensors)
        normal.learn(values[end - 1], nothing, deviation=scored.level, score=scored.channel_score, at=at)
        found.append(np.abs(scored.level))
    return normal, np.array(found, dtype=np.float64)


def _shown(distance: Array) -> Array:
    bulk = MAD_TO_SIGMA * np.median(distance, axis=0)
    extreme: Array = np.minimum(np.quantile(distance, EXTREME_QUANTILE, axis=0), BULK_CAP * bulk)
    return extreme


def _bulk(scans: Array, normal: MovingNormal) -> tuple[float, ...]:
    """Mean square of the readings' distance from the median, bounded as it will be afterwards."""
    first = normal.calibration
    seen = np.where(first.watched, scans, 0.0)
    error = (seen - np.nanmedian(seen, axis=0)) / np.array(first.sd)
    square = np.minimum(error * error, normal.limit)
    return tuple(np.maximum(1.0, np.nanmean(square, axis=0)).tolist())
