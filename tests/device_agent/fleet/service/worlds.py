"""IoT Jobs by every way there is: in memory, from a scripted service on mosquitto, from MiniStack, by a nucleus."""

import contextlib
import json
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from device_agent.config import UplinkConfig
from device_agent.fleet.service.by_topics import TopicJobs
from device_agent.fleet.service.memory import MemoryJobs
from device_agent.fleet.service.port import Named
from device_agent.greengrass.place import FLEET_AGENT
from device_agent.ipc.kept import KeptNucleus
from device_agent.ipc.memory import MemoryHost, MemoryNucleus
from device_agent.ipc.operations import PublishToIoTCore
from device_agent.ipc.thin import ThinWire
from device_agent.uplink.greengrass import GreengrassUplink
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from operations.publishing.policies import access_control
from tests.device_agent.fleet.rig import until
from tests.device_agent.uplink.mosquitto import Mosquitto
from tests.twin.nucleus.conftest import Site
from twin.jobs_service import ScriptedJobs, serve
from twin.nucleus.bridge import BridgeConfig, Mqtt5Bridge
from twin.provision import Provisioner

START_S = 20.0


class World:
    """A thing's service, and the cloud's side of it.

    Attributes:
        service: As the thing sees it.
        hints: What it was told.
    """

    def __init__(self, service, cloud, *, thing="", scripted: ScriptedJobs | None = None, uplink=None) -> None:
        self.service, self.cloud, self.scripted, self.uplink = service, cloud, scripted, uplink
        self.thing = thing
        self.hints: list[Named | None] = []
        service.listen(self.hints.append)

    def connect(self) -> None:
        if self.uplink is not None:
            self.uplink.connect(self.service.hears(), lambda: None)
        until(lambda: self.service.connects >= 0, within_s=START_S)
        until(self.is_answered, within_s=START_S)

    def is_answered(self) -> bool:
        """The subscriptions go out after the connection, so a first question may be too early."""
        answer = self.service.describe()
        with contextlib.suppress(TimeoutError):
            answer.result(1)
        return answer.cancel() is False


class Boto:
    """Jobs of a MiniStack."""

    def __init__(self, iot: Any, thing: str) -> None:
        self._iot, self._thing = iot, thing
        self._arn = iot.describe_thing(thingName=thing)["thingArn"]

    def create(self, job_id: str, document: object) -> None:
        self._iot.create_job(jobId=job_id, targets=[self._arn], document=json.dumps(document))

    def cancel(self, job_id: str) -> None:
        self._iot.cancel_job(jobId=job_id, force=True)

    def delete(self, job_id: str) -> None:
        self._iot.delete_job(jobId=job_id, force=True)

    def status(self, job_id: str) -> str:
        return str(self.execution(job_id)["status"])

    def execution(self, job_id: str) -> dict[str, Any]:
        found = self._iot.describe_job_execution(jobId=job_id, thingName=self._thing)["execution"]
        return dict(found)


def unique() -> str:
    return f"gw-{uuid.uuid4().hex[:8]}"


@contextlib.contextmanager
def in_memory() -> Iterator[World]:
    jobs = MemoryJobs()
    yield World(jobs, jobs.ledger)


@contextlib.contextmanager
def by_mosquitto(broker: Mosquitto) -> Iterator[World]:
    thing = unique()
    with contextlib.ExitStack() as cleanup:
        jobs = cleanup.enter_context(scripted_on(broker, thing))
        uplink = Mqtt5Uplink(reach(broker, thing), client_id=thing)
        cleanup.callback(uplink.close)
        yield World(TopicJobs(uplink, thing), jobs.ledger, thing=thing, scripted=jobs, uplink=uplink)


@contextlib.contextmanager
def scripted_on(broker: Mosquitto, thing: str) -> Iterator[ScriptedJobs]:
    """The service as one more client of a broker."""
    issued = broker.authority.issue(f"jobs-of-{thing}")
    bridge = Mqtt5Bridge(
        BridgeConfig(
            host="localhost",
            port=broker.port,
            client_id=f"jobs-of-{thing}",
            certificate=str(issued.certificate),
            private_key=str(issued.key),
            ca=str(broker.authority.root),
        )
    )
    up = threading.Event()
    bridge.open(lambda is_up: up.set() if is_up else None)
    try:
        assert up.wait(START_S)
        yield serve(bridge, thing)
    finally:
        bridge.close()


def reach(broker: Mosquitto, thing: str) -> UplinkConfig:
    issued = broker.authority.issue(thing)
    return UplinkConfig(
        endpoint="localhost",
        port=broker.port,
        certificate=str(issued.certificate),
        private_key=str(issued.key),
        ca=str(broker.authority.root),
        keep_alive_s=5,
    )


@contextlib.contextmanager
def by_ministack(deployment: Any, folder: Path, *, policy: str = "") -> Iterator[World]:
    """The product's own template, with its IoT policy or another."""
    thing = unique()
    provisioner = Provisioner(deployment.clients, deployment.endpoint, policy or deployment.outputs.gateway_policy_name)
    files = provisioner.provision(thing, folder / thing)
    config = UplinkConfig(
        endpoint="localhost",
        port=deployment.endpoint.mqtt_port,
        certificate=str(files.certificate),
        private_key=str(files.private_key),
        ca=str(files.ca),
        keep_alive_s=5,
    )
    uplink = Mqtt5Uplink(config, client_id=thing)
    with contextlib.closing(uplink):
        yield World(TopicJobs(uplink, thing), Boto(deployment.clients.make("iot"), thing), thing=thing, uplink=uplink)


@contextlib.contextmanager
def by_lite() -> Iterator[World]:
    """The lite nucleus's IPC, spoken to by the thin client; what is larger than its buffer never arrives."""
    thing = unique()
    with contextlib.ExitStack() as cleanup:
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="ipc"))
        site = Site(Path(folder), "lite")
        token = site.registry.add(FLEET_AGENT, access_control(FLEET_AGENT))
        cleanup.enter_context(site.ipc)
        jobs = serve(site.broker, thing)
        uplink = GreengrassUplink(KeptNucleus(ThinWire(str(site.ipc.path), token), on_denied=lambda: None))
        cleanup.callback(uplink.close)
        yield World(TopicJobs(uplink, thing), jobs.ledger, thing=thing, scripted=jobs, uplink=uplink)


@contextlib.contextmanager
def through_a_nucleus() -> Iterator[World]:
    thing, host = unique(), MemoryHost()
    jobs = ScriptedJobs(thing, host.say)

    def heed(_: str, request: object) -> None:
        if isinstance(request, PublishToIoTCore):
            threading.Timer(0.001, jobs.hear, (request.topic, request.payload)).start()

    host.refuses = heed
    uplink = GreengrassUplink(MemoryNucleus(host))
    with contextlib.closing(uplink):
        yield World(TopicJobs(uplink, thing), jobs.ledger, thing=thing, scripted=jobs, uplink=uplink)
