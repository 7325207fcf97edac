"""How the broker is reached, and which of its keys belong together."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from contract.envelope import MAX_ENVELOPE_BYTES
from contract.topics import DEFAULT_RULE
from device_agent.errors import ConfigError

LITE_ENVELOPE_BYTES = 4096
_FOR_MQTT = ("endpoint", "certificate", "ca")
_REPORTED = ("state",)
"""Shadows that the gateway itself keeps: one owner for each (docs/visibility.md)."""

_OF_IDENTITY = (*_FOR_MQTT, "private_key", "pkcs11", "proxy")


class ProxyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An HTTP proxy that is asked to CONNECT to the broker.

    Attributes:
        host: Its name.
        port: Its port.
        user: For basic authentication; empty for none.
        password_file: File that holds the password, and nothing else.
    """

    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 3128
    user: str = ""
    password_file: str = ""


class Pkcs11Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A private key that is kept in a token.

    Attributes:
        library: Path of the token's PKCS#11 library.
        token: Label of the token.
        key: Label of the private key in it.
        pin_file: File that holds the user's PIN, and nothing else.
    """

    library: str
    token: str
    key: str
    pin_file: str


class UplinkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How ``thresher agent`` reaches the broker: with mutual TLS, or through a Greengrass nucleus.

    Attributes:
        type: ``mqtt``, or ``greengrass`` where a nucleus owns connection, key and client id.
        endpoint: Host name of AWS IoT Core's data endpoint (or of the local twin).
        port: 8883, or 443 with ALPN where a firewall asks for it.
        certificate: Path of the gateway's certificate, PEM.
        private_key: Path of its key, PEM; empty where a token keeps it.
        pkcs11: Where a token keeps the key; see ``Pkcs11Config``.
        proxy: See ``ProxyConfig``.
        ca: Path of the root certificate the broker is checked against, PEM.
        shadow: Name of the thing's shadow whose desired state is laid over this document; empty for none.
        rule: The IoT rule that receives events.
        keep_alive_s: A link that says nothing this long is taken for dead.
        publishes_per_s: Own limit, below the 100 a second that AWS IoT Core grants a connection.
        bytes_per_s: Own limit, below the 512 KB a second that it grants.
        unlimited: Neither limit holds: for a broker of one's own. AWS IoT Core throttles who does this.
        max_envelope_bytes: Of one publish; below 5 KB AWS IoT Core counts one message, Greengrass lite takes 4 KB.
        monthly_bytes: What a month may cost in data, both ways; above its line context waits, then summaries. 0 for
            no budget.
        in_flight: Publishes sent and not yet acknowledged, at most.
        linger_s: How long a summary may wait for company in its envelope.
        silent_after_h: Hours without an answer of the cloud, while it owes one, that are an alarm.
    """

    type: Literal["mqtt", "greengrass"] = "mqtt"
    endpoint: str = ""
    certificate: str = ""
    ca: str = ""
    private_key: str = ""
    pkcs11: Pkcs11Config | None = None
    proxy: ProxyConfig | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    shadow: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{0,64}$")] = ""
    rule: str = DEFAULT_RULE
    keep_alive_s: Annotated[int, Meta(ge=5, le=1200)] = 30
    publishes_per_s: Annotated[float, Meta(gt=0, le=90)] = 50.0
    bytes_per_s: Annotated[int, Meta(ge=8192, le=500_000)] = 400_000
    unlimited: bool = False
    max_envelope_bytes: Annotated[int, Meta(ge=4096, le=MAX_ENVELOPE_BYTES)] = MAX_ENVELOPE_BYTES
    monthly_bytes: Annotated[int, Meta(ge=0)] = 0
    in_flight: Annotated[int, Meta(ge=1, le=90)] = 20
    linger_s: Annotated[float, Meta(ge=0)] = 5.0
    silent_after_h: Annotated[float, Meta(gt=0)] = 2.0

    def envelope_bytes(self) -> int:
        """The most that one publish may hold: a lite nucleus receives 5,000 bytes, so 4 KB under any nucleus."""
        return min(self.max_envelope_bytes, LITE_ENVELOPE_BYTES if self.type == "greengrass" else MAX_ENVELOPE_BYTES)


def located_uplink(uplink: UplinkConfig, folder: Path) -> UplinkConfig:
    """The same with its relative paths taken from a folder."""
    files = {
        name: str(folder / path) for name in ("certificate", "private_key", "ca") if (path := getattr(uplink, name))
    }
    token, proxy = uplink.pkcs11, uplink.proxy
    if token is not None:
        token = msgspec.structs.replace(token, pin_file=str(folder / token.pin_file))
    if proxy is not None and proxy.password_file:
        proxy = msgspec.structs.replace(proxy, password_file=str(folder / proxy.password_file))
    return msgspec.structs.replace(uplink, pkcs11=token, proxy=proxy, **files)


def check_uplink(uplink: UplinkConfig, told: Callable[[str], str]) -> None:
    """Refuses keys that do not belong together; ``told`` completes the ``ConfigError``'s message."""
    if uplink.shadow in _REPORTED:
        raise ConfigError(
            told(f"the shadow `{uplink.shadow}` is where the gateway says what it is - at `$.uplink.shadow`"),
            remedy="name another shadow, e.g. `thresher`",
        )
    given = [name for name in _OF_IDENTITY if getattr(uplink, name)]
    if uplink.type == "greengrass":
        if given:
            raise ConfigError(
                told(f"`{given[0]}` is the nucleus's - at `$.uplink`"),
                remedy="leave out " + ", ".join(f"`{name}`" for name in given),
            )
        return
    if missing := [name for name in _FOR_MQTT if name not in given]:
        raise ConfigError(
            told(f"missing required field `{missing[0]}` - at `$.uplink`"),
            remedy="give endpoint, certificate, private_key and ca, or `type: greengrass`",
        )
    if bool(uplink.private_key) == (uplink.pkcs11 is not None):
        raise ConfigError(
            told("the key is either a file or in a token - at `$.uplink`"),
            remedy="give one of `private_key` and `pkcs11`",
        )
