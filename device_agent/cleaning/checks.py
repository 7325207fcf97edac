"""What a value must be beside the values before it, where its operator asks: not too fast, no spike, not stuck.

Not here: what a value must be by itself (``cleaner``).
"""

from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Final

from device_agent.sensors.flags import SPIKE, STEP, STUCK
from device_agent.sensors.port import Channel
from device_agent.sensors.treatment import SpikeConfig, Treatment

Check = Callable[[float, int], str]
"""Value and nanoseconds since boot to a reason, or an empty string."""

_TO_SIGMA: Final = 1.4826
"""Median absolute deviation to the spread of a normal distribution (Hampel 1974)."""


def checks_of(channel: Channel) -> list[Check]:
    """As configured, in the order in which they are asked."""
    asked, checks = channel.treatment or Treatment(), list[Check]()
    if asked.max_step_per_s is not None:
        checks.append(Steps(asked.max_step_per_s, channel.resolution).check)
    if asked.spikes is not None:
        checks.append(Spikes(asked.spikes, max(channel.floor, channel.resolution)).check)
    if asked.stuck_s is not None:
        checks.append(Stuck(asked.stuck_s, channel.resolution).check)
    return checks


class Steps:
    """Nothing moves faster than so much a second from the last value that was believed.

    What stays away is believed again once it could have come there, so that no single reading is the last word.
    """

    def __init__(self, per_s: float, resolution: float) -> None:
        self._per_ns, self._slack = per_s / 1e9, resolution / 2
        self._last: tuple[float, int] | None = None

    def check(self, value: float, now_ns: int) -> str:
        """See ``Check``."""
        if self._last is not None:
            last, then_ns = self._last
            allowed = self._per_ns * max(0, now_ns - then_ns) + self._slack
            if abs(value - last) > allowed:
                return f"{STEP}: {value:g} from {last:g}, {allowed:g} could be"
        self._last = value, now_ns
        return ""


class Spikes:
    """Hampel's identifier, looking back only: too far from the median of the readings before, in their own spreads.

    A true step is taken for a spike until half of the window has seen it.
    Source: Hampel, "The influence curve and its role in robust estimation", JASA 69 (1974).
    """

    def __init__(self, asked: SpikeConfig, least_spread: float) -> None:
        self._seen: deque[float] = deque(maxlen=asked.window)
        self._sigmas, self._least = asked.sigmas, least_spread

    def check(self, value: float, now_ns: int) -> str:
        """See ``Check``."""
        del now_ns
        seen, enough = self._seen, len(self._seen) == self._seen.maxlen
        reason = ""
        if enough:
            centre = median(seen)
            spread = max(_TO_SIGMA * median([abs(one - centre) for one in seen]), self._least)
            if abs(value - centre) > self._sigmas * spread:
                reason = f"{SPIKE}: {value:g}, usual {centre:g}"
        seen.append(value)
        return reason


class Stuck:
    """What has not moved by its resolution for so long is no measurement until it does: a dead sensor's last word."""

    def __init__(self, stuck_s: float, resolution: float) -> None:
        self._after_ns, self._resolution = round(stuck_s * 1e9), resolution
        self._since: tuple[float, int] | None = None

    def check(self, value: float, now_ns: int) -> str:
        """See ``Check``."""
        if self._since is None or abs(value - self._since[0]) >= self._resolution:
            self._since = value, now_ns
        stood_ns = now_ns - self._since[1]
        return f"{STUCK}: {value:g} for {stood_ns / 1e9:.0f} s" if stood_ns >= self._after_ns else ""
