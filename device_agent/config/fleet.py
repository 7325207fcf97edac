"""What the fleet may do to a gateway. Each part of it has a Struct in a module of its own (``fleet_<part>``)."""

from pathlib import Path

import msgspec

from device_agent.config.fleet_identity import IdentityConfig, located_identity


class FleetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet``.

    Attributes:
        identity: See ``IdentityConfig``.
    """

    identity: IdentityConfig = IdentityConfig()


def located_fleet(fleet: FleetConfig, folder: Path) -> FleetConfig:
    """The same with its relative paths taken from a folder."""
    return msgspec.structs.replace(fleet, identity=located_identity(fleet.identity, folder))
