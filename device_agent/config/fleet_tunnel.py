"""Who may reach the gateway from afar, and what of it."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

Service = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9:_-]{1,128}$")]
Port = Annotated[int, Meta(ge=1, le=65535)]


class TunnelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.tunnel``; see docs/access.md.

    Attributes:
        allow: Whether AWS IoT Secure Tunneling may open a way in at all.
        services: What it may reach: by a service's name the port of this machine. A tunnel that asks for another
            one is refused.
        max_minutes: No tunnel stays open longer, whatever the cloud allows it; the service's own limit is 12 h.
        program: AWS's ``localproxy``, by its absolute path, or what understands the same arguments and environment.
    """

    allow: bool = False
    services: dict[Service, Port] = {}
    max_minutes: Annotated[int, Meta(ge=1, le=720)] = 60
    program: str = "/usr/local/bin/localproxy"


def located_tunnel(tunnel: TunnelConfig, folder: Path) -> TunnelConfig:
    """The same with its relative path taken from a folder."""
    return msgspec.structs.replace(tunnel, program=str(folder / tunnel.program))
