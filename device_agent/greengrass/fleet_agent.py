"""``io.thresher.FleetAgent``: carries out the jobs meant for this device and says what runs on it, by the nucleus.

Not here: jobs (``device_agent.fleet``), what works beside it (``working``). What deployments own - applications, key,
certificate - no job changes.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from device_agent.config import GatewayConfig
from device_agent.crew import Stage
from device_agent.fleet.bootstrap import Ground, open_jobs
from device_agent.fleet.identity.nucleus import nucleus_rotation
from device_agent.fleet.shipping.bootstrap import shipping
from device_agent.fleet.tending.parts import Seat
from device_agent.fleet.update.orders import UPDATE_FOLDER, FileUpdates
from device_agent.fleet.visibility.showing import Shown, showing
from device_agent.greengrass.component import Inside
from device_agent.greengrass.serving import Service
from device_agent.greengrass.updating import JobsUpdates
from device_agent.greengrass.working import Working
from device_agent.status import StatusFile
from device_agent.supervisor import Supervisor
from device_agent.uplink.beside import Beside
from device_agent.uplink.greengrass import GreengrassUplink
from device_agent.uplink.port import Uplink

BESIDE_FILE: Final = "beside-status.json"
_SAY_EVERY_S: Final = 5.0
_ENDS_S: Final = 2.5

logger = logging.getLogger(__name__)


def what_jobs_need(config: GatewayConfig) -> object:
    """The part of a document that jobs work by."""
    return config.gateway, config.state_dir, config.fleet


def fleet_agent(inside: Inside) -> None:
    """Runs until told to stop; see ``Service.run``."""

    def run(config: GatewayConfig, stop: threading.Event) -> None:
        share = inside.client.share()
        uplink = GreengrassUplink(share)
        with contextlib.closing(uplink):
            parts = [*_parts(inside, config, uplink)]
            if not parts:
                logger.warning("fleet.switched_off", extra={"gateway": config.gateway})
                stop.wait()
                return
            uplink.connect({topic: hear for each in parts for topic, hear in each.hears().items()}, lambda: None)
            _work(parts, stop, StatusFile(inside.place.work / BESIDE_FILE))

    Service(inside).run([Stage("fleet", what_jobs_need, run)])


def _parts(inside: Inside, config: GatewayConfig, uplink: Uplink) -> Iterator[Beside]:
    work = inside.place.work
    working = Working(inside.client.share(), inside.place, config)
    if config.fleet.jobs.enabled:
        seat = Seat(working.look, working.folders, work)
        ground = Ground(config, work, inside.machine, uplink, nucleus_owns=True, seat=seat)
        yield open_jobs(ground, nucleus_rotation(config, work, uplink))
        yield JobsUpdates(config, inside.client.share(), inside.place)
    shown = Shown(working.look, FileUpdates(work / UPDATE_FOLDER).look, working.models())
    for make in (*showing(config, inside.machine, shown), *shipping(config, inside.machine)):
        yield make(uplink)


def _work(parts: Sequence[Beside], stop: threading.Event, said: StatusFile) -> None:
    supervisor = Supervisor(stop)
    for each in parts:
        supervisor.start(type(each).__name__.lower(), each.run)
    supervisor.start("status", lambda halt: _say(parts, halt, said))
    supervisor.join(_ENDS_S)


def _say(parts: Sequence[Beside], stop: threading.Event, said: StatusFile) -> None:
    def told() -> bytes:
        return msgspec.json.encode({name: count for each in parts for name, count in each.counters.items()})

    while not stop.is_set():
        said.write(told())
        stop.wait(_SAY_EVERY_S)
    said.close(told())
