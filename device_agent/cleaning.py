"""What a value must be to count as measured: finite and within its channel's range.

Anything else becomes a gap with its reason. Nothing is clamped, filled in or guessed.
Cleaning twice changes nothing more.

Not here: judging values that are possible but unusual; that is the filter's work.
"""

import math
from collections.abc import Sequence

from device_agent.sensors.port import GAP, Channel, Scan


def clean(scan: Scan, channels: Sequence[Channel]) -> Scan:
    """The scan with impossible values turned into gaps; the same object where there are none.

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
        return f"not finite: {value}"
    if channel.low is not None and value < channel.low:
        return f"below range: {value:g} < {channel.low:g}"
    if channel.high is not None and value > channel.high:
        return f"above range: {value:g} > {channel.high:g}"
    return ""
