"""The component carries out jobs by the nucleus's connection, and leaves deployments alone."""

import hashlib

import msgspec
import pytest

from bench.updates.server import Server, serving
from contract.manifest import Health
from device_agent.fleet.status import FleetStatus
from device_agent.greengrass.fleet_agent import fleet_agent
from device_agent.greengrass.gateway import gateway
from device_agent.greengrass.place import EDGE_MODEL, FLEET_AGENT, GATEWAY
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import ServiceRefusedError
from operations.fleet.bundles import Making
from tests.device_agent.greengrass.machinery import THING, recording, until
from tests.device_agent.supervising.world import shipped_model
from twin.jobs_service import ScriptedJobs
from twin.keyring import Keyring, now

ALLOWED = {"fleet": {"commands": {"commands": ["/bin/true"]}}}
FAST = {"filter": {"calibration_scans": 128}, "summary_s": 0.5, "health_s": 1, "uplink": {"linger_s": 0.1}}
RUN = {
    "version": "1.0",
    "steps": [{"action": {"name": "say yes", "type": "runCommand", "input": {"command": "/bin/true"}}}],
}


class Cloud:
    """IoT Jobs behind a nucleus in memory."""

    def __init__(self, host) -> None:
        self._host, self._seen = host, 0
        self.jobs = ScriptedJobs(THING, host.say)

    def serve(self) -> None:
        """Answers what was published since."""
        published = [each for _, each in list(self._host.requests) if isinstance(each, ops.PublishToIoTCore)]
        for request in published[self._seen :]:
            self.jobs.hear(request.topic, request.payload)
        self._seen = len(published)

    def until_over(self, job_id: str) -> str:
        """Returns how it ended."""
        kept = self.jobs.ledger.of(job_id)
        until(lambda: self.serve() or kept.status not in ("QUEUED", "IN_PROGRESS"))
        return kept.status


@pytest.fixture
def cloud(machinery):
    return Cloud(machinery.host)


def status(machinery):
    file = machinery.work(FLEET_AGENT) / "fleet-status.json"
    return msgspec.json.decode(file.read_bytes(), type=FleetStatus) if file.exists() else FleetStatus()


def test_a_job_that_waits_is_carried_out(machinery, cloud):
    machinery.host.configuration[FLEET_AGENT] = ALLOWED
    cloud.jobs.ledger.create("j-1", RUN)
    machinery.start(FLEET_AGENT, fleet_agent)
    assert cloud.until_over("j-1") == "SUCCEEDED"
    told = until(lambda: cloud.serve() or (status(machinery).last_job and status(machinery)))
    assert (told.last_job, told.last_status, told.counters["jobs.succeeded"]) == ("j-1", "SUCCEEDED", 1)


def test_a_job_that_comes_while_it_runs_is_heard_at_once(machinery, cloud):
    machinery.start(FLEET_AGENT, fleet_agent)
    until(lambda: cloud.serve() or cloud.jobs.heard)
    cloud.jobs.ledger.create("j-1", RUN)
    assert cloud.until_over("j-1") == "REJECTED"  # nothing is allowed unless the document says so


def bringing(**bundle) -> dict:
    usual = {"name": "thresher", "version": "2.0.0", "url": "https://x/y", "size": 1, "sha256": "0" * 64}
    return {"version": "1.0", "steps": [{"action": {"name": "a", "type": "applyBundle", "input": {**usual, **bundle}}}]}


@pytest.mark.parametrize("kind", ["application", "configuration", "model"])
def test_what_deployments_own_no_job_changes(machinery, cloud, kind):
    (machinery.work(EDGE_MODEL) / "current").symlink_to("v1-0123456789ab")
    cloud.jobs.ledger.create("j-1", bringing(kind=kind))
    machinery.start(FLEET_AGENT, fleet_agent)
    assert cloud.until_over("j-1") == "REJECTED"
    assert "deploy" in cloud.jobs.ledger.of("j-1").details["reason"]


class Fleet:
    """Who signs models for this device, and the shelf they lie on."""

    def __init__(self, folder) -> None:
        self.keyring, self.folder = Keyring(folder / "roots"), folder

    def model(self, shelf: Server, version: int, *, health: Health) -> dict:
        path = self.folder / "model.bundle"
        made = Making(
            kind="model", name="level", version=f"{version}.0.0", counter=version, created=now(), health=health
        )
        self.keyring.bundle(shipped_model(version), made, output=path)
        shelf.content = path.read_bytes()
        digest = hashlib.sha256(shelf.content).hexdigest()
        return bringing(
            kind="model", name="level", version=made.version, url=shelf.url, size=len(shelf.content), sha256=digest
        )


@pytest.mark.timeout(120)
def test_a_model_that_no_deployment_owns_is_brought_by_a_job_and_filters_at_once(machinery, cloud, tmp_path):
    fleet = Fleet(tmp_path)
    trusting = {"trust": {"root": str(fleet.keyring.root_file)}, "update": {"spare_bytes": 0}}
    machinery.host.configuration[FLEET_AGENT] = {"fleet": {**trusting, "probe": {"memory_mib": 1 << 20}}}
    machinery.host.configuration[GATEWAY] = {**FAST, "sensors": [recording(tmp_path / "bench.csv", burn_from=10**6)]}
    machinery.start(GATEWAY, gateway)
    until(lambda: said(machinery).get("windows", 0) > 0)
    before = said(machinery)["filters"]
    machinery.start(FLEET_AGENT, fleet_agent)
    short = Health(window_s=2.0, timeout_s=30.0, min_scans=5, min_rate=0.0, max_memory_growth=1 << 50, max_cpu_share=9)
    with serving(Server(b"")) as shelf:
        cloud.jobs.ledger.create("j-1", fleet.model(shelf, 7, health=short))
        assert cloud.until_over("j-1") == "SUCCEEDED", cloud.jobs.ledger.of("j-1").details
    assert (machinery.work(FLEET_AGENT) / "models/current").readlink().name.startswith("7.0.0-")
    assert said(machinery)["filters"] != before


def said(machinery) -> dict:
    file = machinery.work(GATEWAY) / "run-status.json"
    return msgspec.json.decode(file.read_bytes()) if file.exists() else {}


def test_a_nucleus_that_is_offline_is_asked_again(machinery, cloud):
    machinery.host.refuses = lambda _, request: (
        ServiceRefusedError("PublishToIoTCore: offline") if isinstance(request, ops.PublishToIoTCore) else None
    )
    cloud.jobs.ledger.create("j-1", RUN)
    machinery.start(FLEET_AGENT, fleet_agent)
    until(lambda: status(machinery).trouble)
    machinery.host.refuses = lambda *_: None
    assert cloud.until_over("j-1") == "REJECTED"


def test_a_document_may_switch_jobs_off(machinery, cloud):
    machinery.host.configuration[FLEET_AGENT] = {"fleet": {"jobs": {"enabled": False}}}
    cloud.jobs.ledger.create("j-1", RUN)
    running = machinery.start(FLEET_AGENT, fleet_agent)
    running.end()
    cloud.serve()
    assert not cloud.jobs.heard
    assert not running.failures
