"""What the fleet may do to a gateway. Each part of it has a Struct in a module of its own (``fleet_<part>``)."""

import msgspec


class FleetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet``."""
