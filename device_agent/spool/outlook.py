"""How long the spool lasts at the present rate: what an operator asks when the link is down.

The rate is what was appended of late, smoothed over about an hour; what the cloud takes away meanwhile is not
subtracted, so the answer is for a link that goes down now.
"""

import math
import threading
from collections.abc import Mapping
from typing import Final

from contract.events import LANES, Lane
from device_agent.spool.limits import Limits

SMOOTHED_OVER_S: Final = 3600.0
_HOUR_S: Final = 3600.0


class Outlook:
    """Watches what is appended. Any thread may call it.

    Args:
        limits: Of the spool.
        now_s: Monotonic seconds.
    """

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits = limits
        self._mutex = threading.Lock()
        self._began_s = self._last_s = now_s
        self._weighted: dict[Lane, float] = dict.fromkeys(LANES, 0.0)

    def note(self, lane: Lane, size_bytes: int, now_s: float) -> None:
        """So many bytes were appended."""
        with self._mutex:
            self._decay(now_s)
            self._weighted[lane] += size_bytes

    def hours_left(self, kept: Mapping[Lane, int], now_s: float) -> float | None:
        """Until the first lane, or all together, must give something up; ``None`` before anything is known.

        Args:
            kept: Bytes by lane.
            now_s: Monotonic seconds.
        """
        rates = self._rates(now_s)
        lefts = list(self.lane_hours_left(kept, now_s).values())
        lefts.append(_left(self._limits.max_bytes - sum(kept.values()), sum(rates.values())))
        return min((left for left in lefts if left is not None), default=None)

    def lane_hours_left(self, kept: Mapping[Lane, int], now_s: float) -> dict[Lane, float | None]:
        """The same for each lane and its own limit; ``None`` where nothing is appended."""
        rates = self._rates(now_s)
        return {lane: _left(self._limits.lanes[lane].max_bytes - kept[lane], rates[lane]) for lane in LANES}

    def _rates(self, now_s: float) -> dict[Lane, float]:
        """Bytes a second."""
        with self._mutex:
            self._decay(now_s)
            span_s = SMOOTHED_OVER_S * -math.expm1(-(now_s - self._began_s) / SMOOTHED_OVER_S)
            return {lane: weight / span_s if span_s > 0 else 0.0 for lane, weight in self._weighted.items()}

    def _decay(self, now_s: float) -> None:
        now_s = max(now_s, self._last_s)
        factor = math.exp(-(now_s - self._last_s) / SMOOTHED_OVER_S)
        self._weighted = {lane: weight * factor for lane, weight in self._weighted.items()}
        self._last_s = now_s


def _left(room_bytes: int, rate_bytes_s: float) -> float | None:
    return None if rate_bytes_s <= 0 else max(0, room_bytes) / rate_bytes_s / _HOUR_S
