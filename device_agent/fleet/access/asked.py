"""What a tunnel's notification asks for, and whether that may be.

Source: AWS IoT Developer Guide, "IoT agent snippet": ``{clientAccessToken, clientMode, region, services}``. It names
neither the tunnel nor who opened it; AWS CloudTrail does (``OpenTunnel``).
Not here: opening it (``tunnel``).
"""

import hashlib
import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from device_agent.config.fleet_tunnel import TunnelConfig

_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_LONGEST: Final = 200


class RefusedTunnelError(Exception):
    """It is not opened; the sentence says why, and never holds the token."""


class Notification(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """As it comes.

    Attributes:
        client_access_token: Lets one side of the tunnel in, once.
        client_mode: ``destination`` for a gateway.
        region: Where the tunnel is.
        services: Which of the gateway's services it is for.
    """

    client_access_token: Annotated[str, Meta(min_length=1, max_length=4096)]
    client_mode: str = ""
    region: str = ""
    services: Annotated[list[str], Meta(max_length=32)] = []


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What may be opened. Its text shows no token.

    Attributes:
        token: For the proxy alone.
        mark: Tells one token from another without being one.
        region: Where the tunnel is.
        services: Name and port of each.
    """

    token: str
    mark: str
    region: str
    services: tuple[tuple[str, int], ...]

    def __repr__(self) -> str:
        return f"Way({self.mark}, {self.region}, {self.services})"


def judged(payload: bytes, config: TunnelConfig) -> Way:
    """The way that a notification asks for.

    Raises:
        RefusedTunnelError: It may not be opened.
    """
    try:
        asked = msgspec.json.decode(payload, type=Notification)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise RefusedTunnelError("the notification is none") from exc
    if not config.allow:
        raise RefusedTunnelError("tunnels are closed here: `fleet.tunnel.allow`")
    if asked.client_mode != "destination":
        raise RefusedTunnelError(f"this side is not {asked.client_mode[:_LONGEST]!r}")
    if not _REGION.fullmatch(asked.region):
        raise RefusedTunnelError(f"{asked.region[:_LONGEST]!r} is no region")
    if not asked.services:
        raise RefusedTunnelError("no service is named")
    unknown = [name for name in asked.services if name not in config.services]
    if unknown:
        raise RefusedTunnelError(f"the service {unknown[0][:_LONGEST]!r} is not in `fleet.tunnel.services`")
    named = dict.fromkeys(asked.services)
    return Way(
        token=asked.client_access_token,
        mark=hashlib.sha256(asked.client_access_token.encode()).hexdigest()[:12],
        region=asked.region,
        services=tuple((name, config.services[name]) for name in named),
    )
