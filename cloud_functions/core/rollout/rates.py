"""Whether something happens more often than it did, told from small counts.

Two counts over two stretches of time: given their sum, the first is binomial, so the test is exact however few there
are (Przyborowski and Wilenski, Homogeneity of results in testing samples from Poisson series, Biometrika 1940). Three
alerts where none were before are not proof in a day, and are in a minute.
"""

import math
from typing import NamedTuple


class Rate(NamedTuple):
    """So many in so many gateway-milliseconds."""

    events: int
    exposure_ms: int

    @property
    def per_hour(self) -> float:
        """In one hour of one gateway; 0 without any exposure."""
        return self.events * 3_600_000 / self.exposure_ms if self.exposure_ms else 0.0


def surprise(new: Rate, old: Rate, *, factor: float) -> float:
    """How probable so many new ones would be, were the new rate ``factor`` times the old: small is suspicious.

    Returns:
        A probability, 0 to 1. It is 1 where nothing was seen, or nothing can be compared with.
    """
    total = new.events + old.events
    if new.events == 0 or new.exposure_ms <= 0 or old.exposure_ms <= 0:
        return 1.0
    share = factor * new.exposure_ms / (factor * new.exposure_ms + old.exposure_ms)
    return min(1.0, math.fsum(_binomial(k, total, share) for k in range(new.events, total + 1)))


def _binomial(k: int, n: int, share: float) -> float:
    logs = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(logs + k * math.log(share) + (n - k) * math.log1p(-share))
