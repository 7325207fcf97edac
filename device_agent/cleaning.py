"""What a value must be to count as measured: finite, within its channel's range, and as its operator asks.

```
reading ─▶ driver's limits ─▶ calibrated ─▶ finite, in range ─▶ not too fast ─▶ no spike ─▶ not stuck
```
Whatever fails becomes a gap with its reason (``device_agent.sensors.flags``). Nothing is clamped, filled in or
guessed, and no scan waits for the next: what is asked here is known from the scans before.

Not here: judging values that are possible but unusual; that is the filter's work.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from device_agent.sensors.flags import ABOVE_RANGE, BELOW_RANGE, NOT_FINITE, SPIKE, STEP, STUCK
from device_agent.sensors.port import GAP, Channel, Scan
from device_agent.sensors.treatment import SpikeConfig, Treatment

Check = Callable[[float, int], str]
"""Value and nanoseconds since boot to a reason, or an empty string."""

_TO_SIGMA: Final = 1.4826
"""Median absolute deviation to the spread of a normal distribution (Hampel 1974)."""


class Cleaner:
    """Cleans one sensor's scans, in order. One thread at a time.

    Args:
        channels: The sensor's, in the order of the scans' values.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = tuple(channels)
        treated = [(i, channel, channel.treatment) for i, channel in enumerate(channels) if channel.treatment]
        self._calibrated = [(i, channel, treatment) for i, channel, treatment in treated if treatment.calibrates]
        self._checked = [(i, channel.name, checks) for i, channel, _ in treated if (checks := _checks(channel))]

    def clean(self, scan: Scan) -> Scan:
        """The scan with what is asked done to it; the same object where that is nothing."""
        if self._calibrated:
            scan = self._calibrate(scan)
        scan = clean(scan, self._channels)
        if not self._checked:
            return scan
        faults: dict[int, str] = {}
        for i, name, checks in self._checked:
            if name not in scan.gaps and (reason := _first(checks, scan.values[i], scan.monotonic_ns)):
                faults[i] = reason
        return self._with_gaps(scan, faults) if faults else scan

    def _calibrate(self, scan: Scan) -> Scan:
        values, faults = list(scan.values), dict[int, str]()
        for i, channel, treatment in self._calibrated:
            if channel.name in scan.gaps:
                continue
            if reason := _outside(values[i], treatment.raw_low, treatment.raw_high):
                faults[i] = reason
            else:
                values[i] = calibrated(values[i], treatment)
        return self._with_gaps(scan._replace(values=tuple(values)), faults)

    def _with_gaps(self, scan: Scan, faults: dict[int, str]) -> Scan:
        values = tuple(GAP if i in faults else value for i, value in enumerate(scan.values))
        named = {self._channels[i].name: reason for i, reason in faults.items()}
        return scan._replace(values=values, gaps={**scan.gaps, **named})


def calibrated(value: float, treatment: Treatment) -> float:
    """What the driver read, in the channel's unit; infinite where that has no number."""
    if treatment.polynomial:
        power, value = value, 0.0
        for coefficient in reversed(treatment.polynomial):
            value = value * power + coefficient
    return value * treatment.scale + treatment.offset


def clean(scan: Scan, channels: Sequence[Channel]) -> Scan:
    """The scan with impossible values turned into gaps; the same object where there are none.

    Cleaning twice changes nothing more.

    Args:
        scan: As read.
        channels: The sensor's, in the order of the scan's values.
    """
    faults = {
        channel.name: reason
        for channel, value in zip(channels, scan.values, strict=True)
        if channel.name not in scan.gaps and (reason := _fault(value, channel))
    }
    missing = faults.keys() | scan.gaps.keys()
    if not missing or (not faults and _already_gaps(scan, channels)):
        return scan
    values = tuple(
        GAP if channel.name in missing else value for channel, value in zip(channels, scan.values, strict=True)
    )
    return scan._replace(values=values, gaps={**scan.gaps, **faults})


def _already_gaps(scan: Scan, channels: Sequence[Channel]) -> bool:
    return all(
        math.isnan(value) or channel.name not in scan.gaps for channel, value in zip(channels, scan.values, strict=True)
    )


def _fault(value: float, channel: Channel) -> str:
    """Why the value is impossible, or an empty string."""
    if not math.isfinite(value):
        return f"{NOT_FINITE}: {value}"
    return _outside(value, channel.low, channel.high)


def _outside(value: float, low: float | None, high: float | None) -> str:
    if low is not None and value < low:
        return f"{BELOW_RANGE}: {value:g} < {low:g}"
    if high is not None and value > high:
        return f"{ABOVE_RANGE}: {value:g} > {high:g}"
    return ""


def _first(checks: Sequence[Check], value: float, now_ns: int) -> str:
    """The first check's reason; those behind it do not see what is not believed."""
    for check in checks:
        if reason := check(value, now_ns):
            return reason
    return ""


def _checks(channel: Channel) -> list[Check]:
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
