"""The gateway's own key and certificate, in its store or with the key in a token, and their rotation.

The uplink tries what the store's link names beside the connection that stands, and its ``Link`` says which certificate
the broker took or refused.
"""

import time
from pathlib import Path
from typing import Final

import msgspec

from device_agent.config import GatewayConfig, UplinkConfig
from device_agent.errors import ConfigError, UplinkError
from device_agent.fault_points import reach
from device_agent.fleet.identity.desk import TopicDesk
from device_agent.fleet.identity.first import checked_uplink, keys_of
from device_agent.fleet.identity.pair import Means, kept_request
from device_agent.fleet.identity.rotation import ASK_S, Rotation
from device_agent.fleet.identity.store import CERTIFICATE, KEY, Store, store_of
from device_agent.fleet.identity.turn import Turn
from device_agent.uplink.credentials import certificate_id, check_credentials
from device_agent.uplink.port import Uplink

_LOOK_S: Final = 0.2


class FilePair:
    """See ``Pair``.

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
        self._store.keep(turn.new, CERTIFICATE, means.ask(request).certificate.encode())
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


def own_rotation(config: GatewayConfig, uplink: Uplink, *, ask_s: float = ASK_S) -> Rotation:
    """Where the gateway has its own key."""
    store = store_of(config)

    def obstacle() -> str:
        try:
            checked_uplink(config)
        except ConfigError as exc:
            return f"{exc}; {exc.remedy}"
        return "" if store.active() else "no identity is provisioned: run `thresher provision`"

    desk = TopicDesk(uplink, config.gateway)
    return Rotation(FilePair(config, uplink), store, desk=desk, obstacle=obstacle, ask_s=ask_s)
