"""What a version must keep on this gateway: its manifest's bounds, as far as the gateway allows them."""

import msgspec

from contract.manifest import Health
from device_agent.config.fleet_probe import ProbeConfig


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one probation; see ``contract.manifest.Health`` and ``ProbeConfig``.

    Attributes:
        health: Of the manifest.
        limits: Of the gateway.
        window_s: Evidence is gathered at least this long.
        timeout_s: Without enough of it by then, the version goes.
        memory_mib: Of all processes together.
        growth_mib_per_min: Of their memory, beyond that of before.
    """

    health: Health
    limits: ProbeConfig
    window_s: float
    timeout_s: float
    memory_mib: float
    growth_mib_per_min: float


def bounds_of(health: Health, limits: ProbeConfig) -> Bounds:
    """A manifest's bounds within a gateway's limits."""
    window_s = min(max(health.window_s, limits.shortest_s), limits.longest_s)
    return Bounds(
        health=health,
        limits=limits,
        window_s=window_s,
        timeout_s=max(window_s, min(health.timeout_s, limits.longest_s)),
        memory_mib=min(health.max_memory_bytes / 2**20, limits.memory_mib),
        growth_mib_per_min=health.max_memory_growth / 2**20 / 60,
    )
