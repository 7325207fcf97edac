"""What a gateway takes in ordinary use: eight channels at 10 Hz, model loaded and scoring, mutual TLS to the broker.

Its state is on a disk of its own (``bench.disk``), so that what is written is counted whole. No context is sent and
nothing happens: what an episode costs more is in ``bench.wear``.
"""

import statistics
import time
from contextlib import ExitStack
from typing import Final, NamedTuple

from bench.disk import disk_for
from bench.edge.scenery import CALM_HZ, Scenery, hold, pids_of, status_of, until
from bench.station import Station
from bench.vitals import cpu_s, look
from device_agent.config import ContextConfig, FilterConfig, GatewayConfig

_ARMED_WITHIN_S: Final = 60.0
_LOOK_EVERY_S: Final = 5.0


class Calm(NamedTuple):
    """Figures of both processes together.

    Attributes:
        cpu_percent: Of one core.
        pss_mib: Median memory, shared pages in part.
        run_pss_mib: Of sensing alone.
        agent_pss_mib: Of the agent alone.
        disk_bytes_per_sample: Written to the block device.
        disk_method: How that was counted.
        windows: Scored meanwhile.
    """

    cpu_percent: float
    pss_mib: float
    run_pss_mib: float
    agent_pss_mib: float
    disk_bytes_per_sample: float
    disk_method: str
    windows: int


def measure(scenery: Scenery, cleanup: ExitStack, seconds: float, *beside: Station) -> Calm:
    """Measures one gateway for so long; ``beside`` are checked to be running meanwhile."""
    disk = cleanup.enter_context(disk_for(scenery.folder))
    config = GatewayConfig(
        gateway="calm",
        state_dir=str(disk.path / "state"),
        sensors=[scenery.noise("noise", CALM_HZ)],
        filter=FilterConfig(calibration_scans=128),
        context=ContextConfig(before_scans=0, after_scans=0),
    )
    station = scenery.gateway(config)
    station.start("agent")
    station.start("run")
    until(lambda: status_of(station).windows > 0, station, _ARMED_WITHIN_S, "no window was scored")
    run, agent = pids_of(station)
    before, worked, written = status_of(station), cpu_s(run, agent), disk.written([run, agent])
    began_s, looks = time.monotonic(), list[tuple[float, float]]()
    while (left_s := began_s + seconds - time.monotonic()) > 0:
        hold(min(_LOOK_EVERY_S, left_s), station, *beside)
        looks.append((look(run, 0.0).pss_mib, look(agent, 0.0).pss_mib))
    took_s, after = time.monotonic() - began_s, status_of(station)
    worked, more = cpu_s(run, agent) - worked, disk.written([run, agent]).since(written)
    station.stop("run")
    station.stop("agent")
    return Calm(
        cpu_percent=round(worked / took_s * 100, 2),
        pss_mib=round(statistics.median(map(sum, looks)), 1),
        run_pss_mib=round(statistics.median(each for each, _ in looks), 1),
        agent_pss_mib=round(statistics.median(each for _, each in looks), 1),
        disk_bytes_per_sample=round(more.bytes / (after.samples - before.samples), 1),
        disk_method=disk.method,
        windows=after.windows - before.windows,
    )
