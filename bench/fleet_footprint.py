"""What carrying out jobs takes of a machine, and whether the component stays within its promise.

```
FleetAgent, thin client of IPC | the SDK's      under the emulated nucleus, jobs by a scripted service
thresher agent                                  on the local twin, jobs by its IoT Jobs, beside an empty spool
```
Each process carries jobs out one after the other (``runCommand`` of ``/bin/true``), then rests; ``rss_mib`` is the most
that proc(5) ever showed (``VmHWM``), ``pss_mib`` the share of it at the end. Figures hold for the machine they were
taken on. Not here: what sensing takes (``footprint``).
"""

import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench.bare_core import THING, BareCore
from bench.station import Station
from bench.vitals import look
from device_agent.config import FleetConfig, GatewayConfig
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.errors import ThresherError
from device_agent.greengrass.place import FLEET_AGENT
from device_agent.sensors.host import HostSensor
from twin.cloud import LocalCloud
from twin.jobs_service import serve

MOST_MIB: Final = 40.0
"""The component's promise, with either client."""

JOBS: Final = 20
REST_S: Final = 5.0
_WITHIN_S: Final = 90.0
_PROGRAM: Final = "/bin/true"
_COMMAND: Final = {"name": "nothing", "type": "runCommand", "input": {"command": _PROGRAM}}
_DOCUMENT: Final = {"version": "1.0", "steps": [{"action": _COMMAND}]}


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """By one process.

    Attributes:
        rss_mib: Resident memory, the most there ever was.
        pss_mib: At the end, shared pages in part.
        jobs: Carried out.
        job_ms: From a job to its known end, the median.
    """

    rss_mib: float
    pss_mib: float
    jobs: int
    job_ms: float


class FleetFootprint(msgspec.Struct, frozen=True, kw_only=True):
    """All of them.

    Attributes:
        most_mib: See ``MOST_MIB``.
        fleet_agent: The component with the thin client.
        fleet_agent_sdk: With the SDK's.
        thresher_agent: The standalone process, which forwards as well.
        passed: Whether the component keeps its promise.
    """

    most_mib: float
    fleet_agent: Taken
    fleet_agent_sdk: Taken
    thresher_agent: Taken
    passed: bool


def run() -> FleetFootprint:
    """Measures all of them.

    Raises:
        ThresherError: A job was not carried out.
    """
    thin, sdk, agent = _component("thin"), _component("sdk"), _agent()
    passed = max(thin.rss_mib, sdk.rss_mib) <= MOST_MIB
    return FleetFootprint(most_mib=MOST_MIB, fleet_agent=thin, fleet_agent_sdk=sdk, thresher_agent=agent, passed=passed)


def _component(client: str) -> Taken:
    with BareCore("lite", client=client) as device:
        jobs = serve(device.broker, THING)
        device.configure(FLEET_AGENT, {"fleet": {"commands": {"commands": [_PROGRAM]}}})
        process = device.start(FLEET_AGENT)
        return _carry_out(
            process.pid,
            create=lambda job_id: jobs.ledger.create(job_id, _DOCUMENT),
            status=lambda job_id: jobs.ledger.of(job_id).status,
        )


def _agent() -> Taken:
    with tempfile.TemporaryDirectory() as folder, LocalCloud(Path(folder) / "cloud") as cloud:
        deployment, place = cloud.start(), Path(folder) / "gateway"
        place.mkdir()
        config = GatewayConfig(
            gateway="fleet-bench",
            state_dir=str(place / "state"),
            sensors=[HostSensor(name="machine")],
            fleet=FleetConfig(commands=CommandsConfig(commands=[_PROGRAM])),
        )
        with Station(config, place) as station:
            station.provision(deployment)
            station.start("agent")
            iot = deployment.clients.make("iot")
            target = iot.describe_thing(thingName=config.gateway)["thingArn"]
            return _carry_out(
                station.pid("agent"),
                create=lambda job_id: iot.create_job(jobId=job_id, targets=[target], document=json.dumps(_DOCUMENT)),
                status=lambda job_id: str(
                    iot.describe_job_execution(jobId=job_id, thingName=config.gateway)["execution"]["status"]
                ),
            )


def _carry_out(pid: int, *, create: Callable[[str], object], status: Callable[[str], str]) -> Taken:
    took = []
    for number in range(JOBS):
        began_s, job_id = time.monotonic(), f"bench-{number}"
        create(job_id)
        while (now := status(job_id)) != "SUCCEEDED":
            if now not in ("QUEUED", "IN_PROGRESS") or time.monotonic() - began_s > _WITHIN_S:
                raise ThresherError(f"{job_id}: {now}", remedy="run it alone, and see the process's log")
            threading.Event().wait(0.02)
        took.append(time.monotonic() - began_s)
    threading.Event().wait(REST_S)
    return Taken(
        rss_mib=round(_highest_mib(pid), 1),
        pss_mib=round(look(pid, time.monotonic()).pss_mib, 1),
        jobs=JOBS,
        job_ms=round(statistics.median(took) * 1000, 1),
    )


def _highest_mib(pid: int) -> float:
    """``VmHWM`` of proc(5)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0
