"""Whether the clock is set, and whether something keeps it right.

A gateway without a clock still orders its events by monotonic time, but TLS refuses every certificate and people see
wrong hours.
"""

import datetime as dt

from device_agent.doctor.findings import Finding, good, note, problem
from device_agent.uplink.reconnecting import is_plausible


def clock_findings(wall_s: float, *, steered: bool | None) -> list[Finding]:
    """About the clock.

    Args:
        wall_s: Unix seconds by this machine.
        steered: See ``is_steered``.
    """
    shown = f"{dt.datetime.fromtimestamp(wall_s, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    remedy = "timedatectl set-ntp true; where there is no network at boot, fit a real-time clock"
    if not is_plausible(wall_s):
        return [problem("clock", f"it is not set: {shown}", remedy)]
    if steered is None:
        return [note("clock", f"{shown}; the kernel does not say whether a time service steers it")]
    if not steered:
        return [note("clock", f"{shown}; no time service steers it", remedy)]
    return [good("clock", f"{shown}, steered by a time service")]
