import json

import msgspec
import pytest

from contract.topics import jobs_topic
from device_agent.greengrass.fleet_agent import FleetStatus, fleet_agent, wait_s
from device_agent.greengrass.jobs import Execution, answer_to, heard
from device_agent.greengrass.place import FLEET_AGENT
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import ServiceRefusedError
from tests.device_agent.greengrass.machinery import THING, until

JOB = {"jobId": "j-1", "status": "QUEUED", "versionNumber": 3, "jobDocument": {"operation": "reboot"}}


class Jobs:
    """IoT Jobs, as far as one thing sees it: the first open job is the next one."""

    def __init__(self, host, jobs):
        self._host, self._jobs = host, list(jobs)
        self._seen = 0
        self.updates = []

    def serve(self):
        """Answers what was published since."""
        published = [each for _, each in list(self._host.requests) if isinstance(each, ops.PublishToIoTCore)]
        for request in published[self._seen :]:
            self._answer(request)
        self._seen = len(published)

    def notify(self):
        self._host.say(jobs_topic(THING, "notify-next"), self._next())

    def _next(self):
        return json.dumps({"execution": self._jobs[0]} if self._jobs else {"timestamp": 1}).encode()

    def _answer(self, request):
        if request.topic == jobs_topic(THING, "$next/get"):
            self._host.say(jobs_topic(THING, "$next/get/accepted"), self._next())
            return
        job_id = request.topic.split("/")[-2]
        self.updates.append((job_id, json.loads(request.payload)))
        self._jobs = [each for each in self._jobs if each["jobId"] != job_id]
        self._host.say(jobs_topic(THING, f"{job_id}/update/accepted"), b"{}")


def status(machinery):
    file = machinery.work(FLEET_AGENT) / "fleet-status.json"
    return msgspec.json.decode(file.read_bytes(), type=FleetStatus) if file.exists() else FleetStatus()


def test_every_job_is_rejected_with_its_reason_and_the_next_is_asked_for(machinery):
    jobs = Jobs(machinery.host, [JOB, JOB | {"jobId": "j-2"}, JOB | {"jobId": "j-3", "status": "IN_PROGRESS"}])
    machinery.start(FLEET_AGENT, fleet_agent)
    until(lambda: jobs.serve() or len(jobs.updates) == 3)
    for number, (job_id, update) in enumerate(jobs.updates, 1):
        assert job_id == f"j-{number}"
        assert update["status"] == "REJECTED"
        assert update["expectedVersion"] == 3
        assert "carries out no jobs" in update["statusDetails"]["reason"]
    told = until(lambda: jobs.serve() or (status(machinery).rejected == 3 and status(machinery)))
    assert told.last_job == "j-3"


def test_a_job_that_comes_while_it_runs_is_heard_at_once(machinery):
    jobs = Jobs(machinery.host, [])
    machinery.start(FLEET_AGENT, fleet_agent)
    until(lambda: jobs.serve() or status(machinery).answered)
    late = Jobs(machinery.host, [JOB])
    late.notify()
    until(lambda: late.serve() or late.updates)


@pytest.mark.parametrize(
    "job",
    [
        Execution("j", status="SUCCEEDED"),
        Execution("j", status="REJECTED"),
        Execution("j", job_document={"fleetConfigArn": "arn:aws:greengrass:eu-central-1:1:configuration:thing/x:1"}),
        Execution("j", job_document={"deploymentId": "d", "components": {}}),
    ],
)
def test_what_is_over_or_greengrass_s_own_is_left_alone(job):
    assert answer_to(job) is None


@pytest.mark.parametrize("message", [b"", b"[]", b"5", b'{"execution": 5}', b'{"execution": {"status": "QUEUED"}}'])
def test_what_is_no_message_of_jobs_is_said_and_counted(message):
    with pytest.raises(msgspec.DecodeError):
        heard(message)


def test_that_there_is_no_job_comes_in_three_forms():
    assert [heard(each) for each in (b'{"timestamp": 1}', b'{"execution": {}}', b'{"execution": null}')] == [None] * 3


def test_a_nucleus_that_is_offline_is_asked_again(machinery):
    machinery.host.refuses = lambda _, request: (
        ServiceRefusedError("PublishToIoTCore: offline") if isinstance(request, ops.PublishToIoTCore) else None
    )
    machinery.start(FLEET_AGENT, fleet_agent)
    until(lambda: status(machinery).failures >= 1)
    machinery.host.refuses = lambda *_: None
    jobs = Jobs(machinery.host, [JOB])
    until(lambda: jobs.serve() or jobs.updates)


def test_a_question_that_nobody_answers_is_asked_ever_more_rarely():
    assert [wait_s(taken, 600.0) for taken in range(10)] == [5, 5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert wait_s(10_000, 600.0) == 600
    assert wait_s(1, 0.1) == 0.1
