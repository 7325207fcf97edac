"""What a value must be to count as measured: finite, within its channel's range, and as its operator asks.

```
reading ─▶ driver's limits ─▶ calibrated ─▶ finite, in range ─▶ not too fast ─▶ no spike ─▶ not stuck
```
Whatever fails becomes a gap with its reason (``device_agent.sensors.flags``). Nothing is clamped, filled in or
guessed, and no scan waits for the next: what is asked here is known from the scans before.

Not here: judging values that are possible but unusual; that is the filter's work.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from device_agent.cleaning.checks import Check, checks_of
from device_agent.sensors.flags import ABOVE_RANGE, BELOW_RANGE, NOT_FINITE, flag_of, reason_of
from device_agent.sensors.port import GAP, NOT_MEASURED, Channel, Scan
from device_agent.sensors.scan_block import ScanBlock
from device_agent.sensors.treatment import Treatment

if TYPE_CHECKING:
    from device_agent.cleaning.columns import Array


class Cleaner:
    """Cleans one sensor's scans, in order. One thread at a time.

    Args:
        channels: The sensor's, in the order of the scans' values.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = tuple(channels)
        treated = [(i, channel, channel.treatment) for i, channel in enumerate(channels) if channel.treatment]
        self._calibrated = [(i, channel, treatment) for i, channel, treatment in treated if treatment.calibrates]
        self._checked = [(i, channel.name, checks) for i, channel, _ in treated if (checks := checks_of(channel))]

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

    def cleaned_block(self, block: ScanBlock) -> ScanBlock:
        """Neighbouring scans with what is asked done to them; what was taken out joins their flags and reasons."""
        from device_agent.cleaning.columns import missing  # noqa: PLC0415 - as in ``clean_block``

        unread = missing(block.values)
        values, taken = self.clean_block(block.values, block.monotonic_ns.tolist())
        if not taken and not any(unread):
            return block._replace(values=values)
        named = {channel.name: NOT_MEASURED for channel, gone in zip(self._channels, unread, strict=True) if gone}
        why = {name: reason_of(next(reversed(flags))) for name, flags in taken.items()}
        return block._replace(values=values, flags={**block.flags, **taken}, reasons={**named, **block.reasons, **why})

    def clean_block(self, values: "Array", monotonic_ns: Sequence[int]) -> "tuple[Array, dict[str, dict[str, int]]]":
        """Many scans at once, NaN for a gap: a cleaned copy, and by channel and flag how many values were taken out.

        Args:
            values: [scans, channels], in order.
            monotonic_ns: When each scan was taken, nanoseconds since boot.
        """
        from device_agent.cleaning.columns import clean_column, measured  # noqa: PLC0415 - NumPy; scans need none

        cleaned, taken = values.astype(float), dict[str, dict[str, int]]()
        checks = {name: asked for _, name, asked in self._checked}
        for channel, column in zip(self._channels, cleaned.T, strict=True):
            flags = Counter[str]()
            clean_column(column, channel, flags)
            for row in measured(column) if channel.name in checks else ():
                if reason := _first(checks[channel.name], float(column[row]), monotonic_ns[row]):
                    column[row] = GAP
                    flags[flag_of(reason) or ""] += 1
            if flags:
                taken[channel.name] = dict(flags)
        return cleaned, taken

    def _calibrate(self, scan: Scan) -> Scan:
        values, faults = list(scan.values), dict[int, str]()
        for i, channel, treatment in self._calibrated:
            if channel.name in scan.gaps:
                continue
            if reason := _fault(values[i], treatment.raw_low, treatment.raw_high):
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
        if channel.name not in scan.gaps and (reason := _fault(value, channel.low, channel.high))
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


def _fault(value: float, low: float | None, high: float | None) -> str:
    """Why the value is impossible, or an empty string."""
    if not math.isfinite(value):
        return f"{NOT_FINITE}: {value}"
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
