"""The component carries out jobs by the nucleus's connection, and leaves deployments alone."""

import msgspec
import pytest

from device_agent.fleet.status import FleetStatus
from device_agent.greengrass.fleet_agent import fleet_agent
from device_agent.greengrass.place import FLEET_AGENT
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import ServiceRefusedError
from tests.device_agent.greengrass.machinery import THING, until
from twin.jobs_service import ScriptedJobs

ALLOWED = {"fleet": {"commands": {"commands": ["/bin/true"]}}}
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


def test_what_deployments_own_no_job_changes(machinery, cloud):
    bundle = {"kind": "application", "name": "thresher", "version": "2", "url": "https://x/y", "size": 1}
    action = {"name": "a", "type": "applyBundle", "input": {**bundle, "sha256": "0" * 64}}
    cloud.jobs.ledger.create("j-1", {"version": "1.0", "steps": [{"action": action}]})
    machinery.start(FLEET_AGENT, fleet_agent)
    assert cloud.until_over("j-1") == "REJECTED"


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
