"""The rotation of this gateway's certificate: by its own hand, or by that of its nucleus's helper."""

from pathlib import Path

from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError
from device_agent.fleet.identity.desk import TopicDesk
from device_agent.fleet.identity.first import checked_uplink
from device_agent.fleet.identity.nucleus import FileHelper, NucleusPair
from device_agent.fleet.identity.pair import FilePair
from device_agent.fleet.identity.rotation import ASK_S, Rotation
from device_agent.fleet.identity.store import FOLDER, Store, store_of
from device_agent.uplink.port import Uplink


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


def nucleus_rotation(
    config: GatewayConfig, folder: Path, uplink: Uplink, *, ask_s: float = ASK_S, answer_s: float | None = None
) -> Rotation:
    """Where a nucleus has it. ``folder`` is the component's own."""
    exchange = Path(config.fleet.identity.helper or HELPER_FOLDER)
    helper = FileHelper(exchange) if answer_s is None else FileHelper(exchange, answer_s=answer_s)
    store = Store(folder / FOLDER)
    desk = TopicDesk(uplink, config.gateway)
    return Rotation(NucleusPair(helper, store), store, desk=desk, obstacle=helper.obstacle, ask_s=ask_s)


HELPER_FOLDER = "/var/lib/thresher/identity"
