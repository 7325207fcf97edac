"""What a version must keep on this gateway: its manifest's bounds, as far as the gateway allows them."""

from typing import Final

import msgspec

from contract.jobs import Kind
from contract.manifest import Health
from device_agent.config.fleet_probe import ProbeConfig

_TAKEN_S: Final[dict[Kind, float]] = {"configuration": 10.0, "model": 2.0}
"""What running processes take by themselves, they have taken by then: nothing is kept before it was tried."""


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


def bounds_of(kind: Kind, health: Health, limits: ProbeConfig) -> Bounds:
    """A manifest's bounds within a gateway's limits."""
    window_s = max(min(max(health.window_s, limits.shortest_s), limits.longest_s), _TAKEN_S.get(kind, 0.0))
    return Bounds(
        health=health,
        limits=limits,
        window_s=window_s,
        timeout_s=max(window_s, min(health.timeout_s, limits.longest_s)),
        memory_mib=min(health.max_memory_bytes / 2**20, limits.memory_mib),
        growth_mib_per_min=health.max_memory_growth / 2**20 / 60,
    )
