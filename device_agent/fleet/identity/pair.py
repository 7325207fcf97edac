"""The key and certificate that count: how a new pair is made, tried, and given up again.

One rotation, two owners of the pair: this gateway's own files or token (here), or a Greengrass nucleus (``nucleus``).
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from device_agent.config import GatewayConfig, UplinkConfig
from device_agent.errors import UplinkError
from device_agent.fault_points import reach
from device_agent.files import SECRET, atomic_write
from device_agent.fleet.identity.first import checked_uplink, keys_of
from device_agent.fleet.identity.store import CERTIFICATE, KEY, Store, store_of
from device_agent.fleet.identity.turn import Turn
from device_agent.uplink.credentials import certificate_id, check_credentials
from device_agent.uplink.port import Uplink

REQUEST: Final = "request.pem"
_LOOK_S: Final = 0.2


class Means(NamedTuple):
    """What a pair may use of its rotation.

    Attributes:
        ask: Gives the cloud a certificate request and returns the certificate, PEM; the same for the same request.
        go_on: Called a few times a second while something is waited for; what it raises ends the waiting.
    """

    ask: Callable[[str], str]
    go_on: Callable[[], None]


class Pair(Protocol):
    """Any method may be called again after a kill. What cannot be done raises ``ThresherError`` or ``OSError``."""

    def take(self, turn: Turn, means: Means) -> str:
        """Makes the new key, gets its certificate and keeps both; the old pair counts. Returns the certificate's id."""

    def prove(self, turn: Turn, means: Means) -> None:
        """Makes the new pair count, and returns once a connection stands with it.

        Raises:
            UplinkError: None did in time, or the broker refused it.
        """

    def back(self, turn: Turn, means: Means) -> None:
        """Makes the old pair count."""

    def clean(self, turn: Turn) -> None:
        """Destroys the pair that does not count."""


class FilePair:
    """See ``Pair``: in the gateway's store, or with its key in a token.

    The uplink tries what the store's link names beside the connection that stands, and its ``Link`` says which
    certificate the broker took or refused.

    Args:
        config: The gateway's document.
        uplink: The gateway's connection.
    """

    def __init__(self, config: GatewayConfig, uplink: Uplink) -> None:
        self._config = config
        self._uplink = uplink
        self._store: Store = store_of(config)

    def take(self, turn: Turn, means: Means) -> str:
        """See ``Pair``."""
        folder = self._store.place(turn.new)
        request = kept_request(folder, lambda: self._request(folder))
        reach("identity.rotate.key")
        self._store.keep(turn.new, CERTIFICATE, means.ask(request).encode())
        check_credentials(self._uplink_with(folder))
        return certificate_id(folder / CERTIFICATE)

    def prove(self, turn: Turn, means: Means) -> None:
        """See ``Pair``."""
        self._store.activate(turn.new)
        reach("identity.rotate.activated")
        within_s = self._config.fleet.identity.try_s
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            link = self._uplink.link
            if link.connected and link.certificate == turn.certificate_id:
                return
            if link.refused == turn.certificate_id:
                raise UplinkError(f"the broker refused the new certificate: {link.reason}")
            means.go_on()
            time.sleep(_LOOK_S)
        raise UplinkError(f"the broker did not take the new certificate within {within_s:.0f} s")

    def back(self, turn: Turn, means: Means) -> None:  # noqa: ARG002 - at once
        """See ``Pair``."""
        self._store.activate(turn.old)
        reach("identity.rotate.deactivated")

    def clean(self, turn: Turn) -> None:
        """See ``Pair``."""
        for name in (turn.old, turn.new):
            self._store.forget(name)

    def _request(self, folder: Path) -> str:
        return keys_of(checked_uplink(self._config)).request(folder, self._config.gateway)

    def _uplink_with(self, folder: Path) -> UplinkConfig:
        uplink = checked_uplink(self._config)
        key = "" if uplink.pkcs11 else str(folder / KEY)
        return msgspec.structs.replace(uplink, certificate=str(folder / CERTIFICATE), private_key=key)


def kept_request(folder: Path, make: Callable[[], str]) -> str:
    """The same bytes after a restart: the cloud gives one certificate for one request."""
    path = folder / REQUEST
    if not path.exists():
        atomic_write(path, make().encode(), mode=SECRET)
    return path.read_text(encoding="ascii")
