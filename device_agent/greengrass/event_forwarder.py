"""``io.thresher.EventForwarder``: forwards the spool that ``io.thresher.EdgeFilter`` fills.

Both open the same files (``state_dir``, by default the filter's folder), as ``thresher run`` and ``thresher agent`` do.
"""

import logging
import threading
from pathlib import Path
from typing import Final

from device_agent.config import GatewayConfig
from device_agent.crew import Stage
from device_agent.desired import Judge, Values
from device_agent.greengrass.component import Inside
from device_agent.greengrass.documents import Documents
from device_agent.greengrass.exclusion import SPLIT_SET
from device_agent.greengrass.forwarding_stage import Forward
from device_agent.greengrass.serving import Service

_LOOK_EVERY_S: Final = 0.5

logger = logging.getLogger(__name__)


def event_forwarder(inside: Inside) -> None:
    """Runs until told to stop; see ``Service.run``."""
    service = Service(inside)
    judge = _judge_of_all(inside)
    stage = Forward(inside.client, inside.machine, layer=service.documents.shadow, judge=judge).stage()

    def run(config: GatewayConfig, stop: threading.Event) -> None:
        if _await_folder(Path(config.state_dir), stop):
            stage.run(config, stop)

    service.run([Stage(stage.name, stage.concerns, run)])


def _judge_of_all(inside: Inside) -> Judge:
    """What is heard here concerns every component of the set, so each one's document is tried with it."""
    share, place = inside.client.share(), inside.place
    places = [place._replace(component=each, work=place.work_of(each)) for each in SPLIT_SET]
    documents = [Documents(share, each, of_another=True) for each in places]

    def judge(desired: Values) -> None:
        for each in documents:
            each.judge(desired)

    return judge


def _await_folder(folder: Path, stop: threading.Event) -> bool:
    """The nucleus makes the filter's folder when it deploys the filter; it is not ours to make."""
    if not folder.is_dir():
        logger.warning("forward.no_spool_yet", extra={"path": str(folder), "remedy": "deploy io.thresher.EdgeFilter"})
    while not folder.is_dir():
        if stop.wait(_LOOK_EVERY_S):
            return False
    return True
