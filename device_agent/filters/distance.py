"""How far is far: an operator's number of false episodes a week, as distances.

    distance(λ, rate) = 3.8 + 0.28 · log₁₀(rate / 1 Hz) - 0.9 · log₁₀ λ      in calibrated spreads

Rules: a tenth of the false episodes costs 0.9 spreads, the slope of simulated machines without a fault. Ten times
as many scans a week ask for 0.28 spreads more. Channels with a floor, and the margin over what calibration
showed, go up and down in proportion. The mapping assumes that a sensor goes on as it was in its calibration; the
number is then about what a sensor with one wandering channel gives, and less for one that only has noise.

A calibration that lasted about as long as the operator wants between two false episodes has shown what there is to
see, so less is left to caution: from a tenth of that time to three times as long the distance shrinks to 0.4, and the
margin to 0.8. At one scan a second 400 scans are far from it; at one an hour they are 17 days.
Not here: which of the distances counts for a channel (``normal``). See docs/adr/0023 and 0009.
"""

import math
from typing import Final, NamedTuple

SIGMA: Final = 3.8
"""Of a level from the centre, at one scan a second and one false episode a week, in calibrated spreads."""

SIGMA_PER_TENFOLD_RATE: Final = 0.28
SIGMA_PER_TENTH_OF_EPISODES: Final = 0.9

FLOORS: Final = 4.0
"""The same for a channel that states a floor: there the floor says what matters, not the noise of single readings,
which the level averages out."""

MARGIN: Final = 1.5
"""How far beyond the levels seen in calibration an alarm begins, where there is room for it."""

FASTEST_HZ: Final = 10.0
"""A scan of a sensor that is faster counts as a tenth of a second: a recording that is played eight times as fast as
it was made must open its episodes all the same."""

NEAREST_SIGMA: Final = 1.5
FARTHEST_SIGMA: Final = 7.0

LITTLE_SEEN: Final = 0.1
MUCH_SEEN: Final = 3.0
"""Of the time between two false episodes: a calibration that lasted less, or more, is trusted least, or most."""

TRUSTED_SIGMA: Final = 0.4
TRUSTED_MARGIN: Final = 0.8
"""Shares of distance and margin that are left where calibration is trusted most."""

_WEEK_S: Final = 604_800.0


class Distances(NamedTuple):
    """From which distance on a level is an alarm.

    Attributes:
        sigma: In spreads, for a channel without a floor.
        floors: In floors, for one that states a floor.
        margin: In times of what calibration showed.
    """

    sigma: float
    floors: float
    margin: float


def scans_for(count: float, rate_hz: float) -> float:
    """So many scans, or seconds where scans are faster than one a second, up to ``FASTEST_HZ`` of them."""
    return count * min(max(1.0, rate_hz), FASTEST_HZ)


def distances(*, rate_hz: float, false_per_week: float, scans: int = 0) -> Distances:
    """How far is far for one sensor.

    Args:
        rate_hz: Scans per second.
        false_per_week: The operator's number of false episodes.
        scans: Of the calibration; 0 trusts it least.
    """
    usual = _bounded(SIGMA + SIGMA_PER_TENFOLD_RATE * math.log10(min(rate_hz, FASTEST_HZ)))
    sigma = _bounded(usual - SIGMA_PER_TENTH_OF_EPISODES * math.log10(false_per_week))
    trust = _trust(scans / rate_hz / _WEEK_S * false_per_week)
    near, narrow = 1 - (1 - TRUSTED_SIGMA) * trust, 1 - (1 - TRUSTED_MARGIN) * trust
    return Distances(sigma * near, FLOORS * sigma / usual, MARGIN * sigma / usual * narrow)


def _trust(seen: float) -> float:
    """From 0 to 1, of a calibration that lasted so many times what lies between two false episodes."""
    share = math.log10(max(seen, LITTLE_SEEN) / LITTLE_SEEN) / math.log10(MUCH_SEEN / LITTLE_SEEN)
    return min(share, 1.0)


def _bounded(sigma: float) -> float:
    return min(max(sigma, NEAREST_SIGMA), FARTHEST_SIGMA)
