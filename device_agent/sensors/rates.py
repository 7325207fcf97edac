"""Counters that only grow become rates, over the interval that truly passed.

A rate needs two looks. The first look, a counter that went backwards (wrap, reset, hot-plug) and an
interval of no length give no number but the reason why.

Not here: where counters come from (``device_agent.sensors.probes``).
"""

from collections.abc import Mapping
from typing import NamedTuple

FIRST_LOOK = "a rate needs two readings"
WENT_BACK = "counter went backwards"
NO_TIME = "no time between two readings"
NOTHING_COUNTED = "nothing to count"


class Missing(NamedTuple):
    """Why there is no value."""

    reason: str


Value = float | Missing


class Look(NamedTuple):
    """Counters as they stood at one moment.

    Attributes:
        monotonic_ns: When.
        counters: By source (a disk, an interface), equally long rows of counters.
    """

    monotonic_ns: int
    counters: Mapping[str, tuple[int, ...]]


class CounterRates:
    """Rates per second of counters summed over their sources.

    A source that comes or goes between two looks is left out of that interval: its counter began
    at another time, so its difference would be a number that nobody measured.

    Args:
        width: How many counters each source has.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._last: Look | None = None

    def update(self, look: Look) -> tuple[Value, ...]:
        """The rates since the look before, or for each counter the reason why there is none."""
        last, self._last = self._last, look
        if last is None:
            return (Missing(FIRST_LOOK),) * self._width
        seconds = (look.monotonic_ns - last.monotonic_ns) / 1e9
        shared = look.counters.keys() & last.counters.keys()
        if seconds <= 0 or not shared:
            return (Missing(NO_TIME if shared else NOTHING_COUNTED),) * self._width
        return tuple(
            _rate([look.counters[name][at] - last.counters[name][at] for name in shared], seconds)
            for at in range(self._width)
        )


def _rate(steps: list[int], seconds: float) -> Value:
    return Missing(WENT_BACK) if min(steps) < 0 else sum(steps) / seconds


class CpuTimes(NamedTuple):
    """Ticks of all cores since boot: at work, idle, and idle while waiting for a disk."""

    busy: int
    idle: int
    iowait: int


class CpuShare:
    """Share of all cores' time that was work, in percent."""

    def __init__(self) -> None:
        self._last: CpuTimes | None = None

    def update(self, times: CpuTimes) -> Value:
        """The share since the look before, 0 to 100, or why there is none."""
        last, self._last = self._last, times
        if last is None:
            return Missing(FIRST_LOOK)
        busy, idle, iowait = (now - then for now, then in zip(times, last, strict=True))
        if busy < 0 or idle < 0:
            return Missing(WENT_BACK)
        # iowait may go back on its own; then it counted nothing (proc(5), /proc/stat)
        passed = busy + idle + max(0, iowait)
        return 100.0 * busy / passed if passed else Missing(NO_TIME)
