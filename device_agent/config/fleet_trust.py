"""Whom the gateway takes updates from, and what it says it is when a bundle is for some gateways only."""

import msgspec


class TrustConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.trust``.

    Attributes:
        root: The root document that the gateway was installed with; without one no update is taken.
        groups: Which the gateway belongs to.
        site: Where it is.
        type: What it is.
    """

    root: str = ""
    groups: list[str] = []
    site: str = ""
    type: str = ""
