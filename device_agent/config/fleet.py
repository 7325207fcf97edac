"""What the fleet may do to a gateway. Each part of it has a Struct in a module of its own (``fleet_<part>``)."""

from pathlib import Path

import msgspec

from device_agent.config.fleet_trust import TrustConfig


class FleetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet``.

    Attributes:
        trust: Whom updates are taken from, see ``TrustConfig``.
    """

    trust: TrustConfig = TrustConfig()


def located_fleet(fleet: FleetConfig, folder: Path) -> FleetConfig:
    """The same section with its relative paths taken from a folder."""
    trust = fleet.trust
    if trust.root:
        trust = msgspec.structs.replace(trust, root=str(folder / trust.root))
    return msgspec.structs.replace(fleet, trust=trust)
