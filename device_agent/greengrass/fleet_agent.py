"""``io.thresher.FleetAgent``: carries out the jobs meant for this device, by the nucleus's connection.

Not here: jobs (``device_agent.fleet``). What deployments own - applications, key, certificate - no job changes.
"""

import contextlib
import functools
import logging
import threading

from device_agent.config import GatewayConfig
from device_agent.crew import Stage
from device_agent.fleet.bootstrap import Ground, open_jobs
from device_agent.fleet.identity.nucleus import nucleus_rotation
from device_agent.greengrass.component import Inside
from device_agent.greengrass.ownership import refusal
from device_agent.greengrass.serving import Service
from device_agent.greengrass.updating import updating
from device_agent.uplink.greengrass import GreengrassUplink

logger = logging.getLogger(__name__)


def what_jobs_need(config: GatewayConfig) -> object:
    """The part of a document that jobs work by."""
    return config.gateway, config.state_dir, config.fleet


def fleet_agent(inside: Inside) -> None:
    """Runs until told to stop; see ``Service.run``."""

    def run(config: GatewayConfig, stop: threading.Event) -> None:
        if not config.fleet.jobs.enabled:
            logger.warning("jobs.switched_off", extra={"gateway": config.gateway})
            stop.wait()
            return
        uplink = GreengrassUplink(inside.client.share())
        refuses = functools.partial(refusal, inside.place)
        ground = Ground(config, inside.place.work, inside.machine, uplink, nucleus_owns=True, refuses=refuses)
        jobs = open_jobs(ground, nucleus_rotation(config, ground.folder, uplink))
        with contextlib.closing(uplink), updating(config, inside.place):
            uplink.connect(jobs.hears(), lambda: None)
            jobs.run(stop)

    Service(inside).run([Stage("fleet", what_jobs_need, run)])
