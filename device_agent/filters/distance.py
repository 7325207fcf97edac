"""How far is far: an operator's number of false episodes a week, as distances.

    distance(λ, rate) = 3.8 + 0.28 · log₁₀(rate / 1 Hz) - 0.9 · log₁₀ λ      in calibrated spreads

Rules: a tenth of the false episodes costs 0.9 spreads, the slope of simulated machines without a fault. Ten times
as many scans a week ask for 0.28 spreads more. Channels with a floor, and the margin over what calibration
showed, go up and down in proportion. The mapping assumes that a sensor goes on as it was in its calibration; the
number is then about what a sensor with one wandering channel gives, and less for one that only has noise.
Not here: which of the distances counts for a channel (``normal``). See docs/adr/0023.
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


def distances(*, rate_hz: float, false_per_week: float) -> Distances:
    """Distances for a sensor's rate (scans per second) and an operator's number of false episodes a week."""
    usual = _bounded(SIGMA + SIGMA_PER_TENFOLD_RATE * math.log10(min(rate_hz, FASTEST_HZ)))
    sigma = _bounded(usual - SIGMA_PER_TENTH_OF_EPISODES * math.log10(false_per_week))
    return Distances(sigma, FLOORS * sigma / usual, MARGIN * sigma / usual)


def _bounded(sigma: float) -> float:
    return min(max(sigma, NEAREST_SIGMA), FARTHEST_SIGMA)
