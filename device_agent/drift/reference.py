"""What a sensor was like when it was calibrated, which later blocks are compared with.

The centre is a median over blocks; so is the spread, of which a level's own wandering between blocks is a part. A step
is the smallest change worth telling: as with an episode, three spreads, or four floors on a channel that states one.
The filter's own centre follows a slow change, this one does not: that is how far it has followed.
Not here: keeping it over a restart (``store``).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from device_agent.drift.blocks import Block
from device_agent.sensors.port import Channel

Array = np.ndarray[Any, np.dtype[np.float64]]

REFERENCE_BLOCKS: Final = 16
LEVEL_SPREADS: Final = 3.0
LEVEL_FLOORS: Final = 4.0
SPREAD_TIMES: Final = 3.0
"""A channel that varies so many times as much, or as little, is one step away."""

_MAD_TO_SIGMA: Final = 1.4826
_FLOAT_STEP: Final = 2.0**-22


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One number per channel, in its unit; ``None`` for a channel that was mostly gaps.

    Attributes:
        channels: Their names.
        rate_hz: Scans a second.
        made_wall_ms: When it was complete.
        centre: Mean of a block.
        step: Change of the level that is worth telling.
        spread: How much readings vary within a block, at least what a channel's floor or resolution says.
        least: That floor or resolution.
        score: Mean of the filter's score; ``None`` where there was none yet.
    """

    channels: tuple[str, ...]
    rate_hz: float
    made_wall_ms: int
    centre: tuple[float | None, ...]
    step: tuple[float | None, ...]
    spread: tuple[float | None, ...]
    least: tuple[float, ...]
    score: float | None = None


def make_reference(
    blocks: Sequence[Block], scores: Sequence[float], channels: Sequence[Channel], *, rate_hz: float, wall_ms: int
) -> Reference:
    """From the first blocks; a channel that is missing in half of them stays unwatched."""
    means, spreads = np.array([b.mean for b in blocks]), np.array([b.spread for b in blocks])
    there = np.isfinite(means).mean(axis=0) >= 0.5  # noqa: PLR2004 - the half of the rule above
    means, spreads = np.where(there, means, 0.0), np.where(there, spreads, 0.0)
    centre, within = np.nanmedian(means, axis=0), np.nanmedian(spreads, axis=0)
    between = _MAD_TO_SIGMA * np.nanmedian(np.abs(means - centre), axis=0)
    floors = np.array([channel.floor for channel in channels])
    least = np.maximum.reduce([floors, [channel.resolution for channel in channels], np.abs(centre) * _FLOAT_STEP])
    sigma = np.maximum(np.hypot(within, between), np.where(floors > 0, 0.0, least))
    step = np.maximum(LEVEL_SPREADS * sigma, LEVEL_FLOORS * floors)
    return Reference(
        channels=tuple(channel.name for channel in channels),
        rate_hz=rate_hz,
        made_wall_ms=wall_ms,
        centre=_kept(centre, there),
        step=_kept(step, there),
        spread=_kept(np.maximum(within, least), there),
        least=tuple(least.tolist()),
        score=float(np.mean(scores)) if scores else None,
    )


def numbers(kept: Sequence[float | None]) -> Array:
    """As an array, NaN for ``None``."""
    return np.array([np.nan if value is None else value for value in kept], dtype=np.float64)


def _kept(values: Array, there: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[float | None, ...]:
    return tuple(value if kept else None for value, kept in zip(values.tolist(), there.tolist(), strict=True))
