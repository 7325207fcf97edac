"""How the gateway gets its identity and renews it."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta


class IdentityConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.identity``; see docs/identity.md.

    Attributes:
        template: Name of the fleet provisioning template; empty where the gateway's files are put there by hand.
        claim_certificate: Path of the certificate that many gateways share until each has its own, PEM.
        claim_key: Path of its key, PEM.
        serial: What the cloud knows this device by before it has a name; empty for the board's own serial number.
        try_s: So long a new certificate may take until the broker has accepted it, s; then the old one stays.
        helper: Folder shared with the root helper that renews a nucleus's certificate; only under Greengrass.
    """

    template: Annotated[str, Meta(pattern="^[0-9A-Za-z_-]{0,36}$")] = ""
    claim_certificate: str = ""
    claim_key: str = ""
    serial: Annotated[str, Meta(pattern="^[a-zA-Z0-9:_.-]{0,128}$")] = ""
    try_s: Annotated[float, Meta(gt=0, le=3600)] = 120.0
    helper: str = ""


def located_identity(identity: IdentityConfig, folder: Path) -> IdentityConfig:
    """The same with its relative paths taken from a folder."""
    names = ("claim_certificate", "claim_key", "helper")
    files = {name: str(folder / path) for name in names if (path := getattr(identity, name))}
    return msgspec.structs.replace(identity, **files)
