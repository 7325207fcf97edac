"""``io.thresher.EventForwarder``: forwards the spool that ``io.thresher.EdgeFilter`` fills.

Both open the same files (``state_dir``, by default the filter's folder), as ``thresher run`` and ``thresher agent`` do.
"""

import logging
import threading
from pathlib import Path
from typing import Final

from device_agent.config import GatewayConfig
from device_agent.crew import Stage
from device_agent.greengrass.component import Inside
from device_agent.greengrass.forwarding_stage import Forward
from device_agent.greengrass.serving import Service

_LOOK_EVERY_S: Final = 0.5

logger = logging.getLogger(__name__)


def event_forwarder(inside: Inside) -> None:
    """Runs until told to stop; see ``Service.run``."""
    stage = Forward(inside.client, inside.machine).stage()

    def run(config: GatewayConfig, stop: threading.Event) -> None:
        if _await_folder(Path(config.state_dir), stop):
            stage.run(config, stop)

    Service(inside).run([Stage(stage.name, stage.concerns, run)])


def _await_folder(folder: Path, stop: threading.Event) -> bool:
    """The nucleus makes the filter's folder when it deploys the filter; it is not ours to make."""
    if not folder.is_dir():
        logger.warning("forward.no_spool_yet", extra={"path": str(folder), "remedy": "deploy io.thresher.EdgeFilter"})
    while not folder.is_dir():
        if stop.wait(_LOOK_EVERY_S):
            return False
    return True
