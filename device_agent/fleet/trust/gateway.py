"""Trust as the update machine asks for it: this gateway, now."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from contract.manifest import Manifest
from device_agent.fleet.trust.device import Device, Moment, this_device, this_moment
from device_agent.fleet.trust.ed25519 import check_apart
from device_agent.fleet.trust.store import TRUST_FOLDER, TrustStore
from device_agent.fleet.trust.verifying import VerifiedBundle, verify_bundle

if TYPE_CHECKING:
    from device_agent.config import GatewayConfig

logger = logging.getLogger(__name__)


class GatewayTrust:
    """What a bundle is worth here. One thread.

    Args:
        store: What is trusted.
        device: Who this is.
        moment: Says what time it is.
    """

    def __init__(self, store: TrustStore, device: Device, moment: Callable[[], Moment] = this_moment) -> None:
        self._store = store
        self._device = device
        self._moment = moment

    def verify(self, bundle: Path) -> VerifiedBundle:
        """See ``verify_bundle``."""
        return verify_bundle(bundle, trust=self._store, device=self._device, now=self._moment())

    def commit(self, manifest: Manifest) -> None:
        """See ``TrustStore.commit``."""
        self._store.commit(manifest)


def gateway_trust(config: "GatewayConfig") -> GatewayTrust:
    """That of a document; it is kept in ``<state_dir>/trust``."""
    root = config.fleet.trust.root
    folder = Path(config.state_dir) / TRUST_FOLDER
    store = TrustStore(folder, Path(root) if root else None, check_apart)
    if store.lost:
        logger.error("trust.lost", extra={"folder": str(folder), "begins_with": root})
    return GatewayTrust(store, this_device(config))
