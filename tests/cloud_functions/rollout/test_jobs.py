"""Both adapters of jobs and plans keep the same promises."""

import uuid
from typing import Any

import pytest

from cloud_functions.adapters.jobs import IotJobs, S3Plans
from cloud_functions.adapters.memory_jobs import MemoryJobs, MemoryPlans
from cloud_functions.core.errors import RejectedError
from cloud_functions.core.rollout.judging import Execution, JobStatus
from cloud_functions.core.rollout.ports import JobHistory, Jobs, Plans
from contract.rollout import encode_plan, plan_key
from tests.cloud_functions.make import Clock
from tests.cloud_functions.rollout.make import plan, request
from twin.cloud import Deployment


class MemoryScene:
    """Jobs whose gateways answer as told."""

    def __init__(self) -> None:
        self.memory = MemoryJobs(Clock())
        self.jobs: Jobs = self.memory
        self.history: JobHistory = self.memory
        self.names = ["a", "b"]

    def answer(self, job_id: str, name: str, status: JobStatus, reason: str) -> None:
        self.memory.answer(job_id, name, status, reason)

    def plans(self) -> Plans:
        return MemoryPlans(plan())


class TwinScene:
    """The same on the local cloud, where gateways answer by the devices' own API."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._iot = deployment.clients.make("iot")
        self._devices = deployment.clients.make("iot-jobs-data")
        self.jobs: Jobs = IotJobs(self._iot)
        self.history: JobHistory = IotJobs(self._iot)
        self.names = [f"gw-{uuid.uuid4().hex[:8]}" for _ in range(2)]
        for name in self.names:
            self._iot.create_thing(thingName=name)

    def answer(self, job_id: str, name: str, status: JobStatus, reason: str) -> None:
        details: dict[str, Any] = {"statusDetails": {"reason": reason}} if reason else {}
        self._devices.update_job_execution(jobId=job_id, thingName=name, status=status, **details)

    def plans(self) -> Plans:
        bucket = self._deployment.outputs.releases_bucket_name
        s3 = self._deployment.clients.make("s3")
        s3.put_object(Bucket=bucket, Key=plan_key("r1"), Body=encode_plan(plan()))
        return S3Plans(s3, bucket)


Scene = MemoryScene | TwinScene


@pytest.fixture(params=["memory", "twin"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return MemoryScene() if request.param == "memory" else TwinScene(request.getfixturevalue("deployment"))


def by_name(executions: list[Execution]) -> dict[str, tuple[str, bool]]:
    return {one.gateway_id: (one.status, one.begun) for one in executions}


def created(scene: Scene) -> str:
    job_id = f"job-{uuid.uuid4().hex[:8]}"
    scene.jobs.create(request(job_id, *scene.names))
    return job_id


def test_a_job_is_queued_for_each_of_its_gateways(scene: Scene) -> None:
    job_id = created(scene)
    assert by_name(scene.jobs.executions(job_id)) == dict.fromkeys(scene.names, ("QUEUED", False))


def test_creating_it_again_changes_nothing(scene: Scene) -> None:
    job_id = created(scene)
    scene.answer(job_id, scene.names[0], "SUCCEEDED", "")
    scene.jobs.create(request(job_id, *scene.names))
    assert by_name(scene.jobs.executions(job_id))[scene.names[0]] == ("SUCCEEDED", True)


def test_why_it_failed_is_in_the_gateways_own_words(scene: Scene) -> None:
    job_id, (first, second) = created(scene), scene.names
    scene.answer(job_id, first, "FAILED", "disk full in staging")
    assert scene.jobs.reason(job_id, first) == "disk full in staging"
    assert scene.jobs.reason(job_id, second) == ""


def test_cancelling_takes_back_what_waits_and_what_runs_and_nothing_that_is_over(scene: Scene) -> None:
    job_id, (first, second) = created(scene), scene.names
    scene.answer(job_id, first, "IN_PROGRESS", "")
    for _ in range(2):
        scene.jobs.cancel(job_id, "worse\nthan before")
    assert by_name(scene.jobs.executions(job_id)) == {first: ("CANCELED", True), second: ("CANCELED", False)}
    over = created(scene)
    for name in scene.names:
        scene.answer(over, name, "SUCCEEDED", "")
    scene.jobs.cancel(over, "too late")
    assert {one.status for one in scene.jobs.executions(over)} == {"SUCCEEDED"}


def test_a_job_nobody_created_has_no_executions(scene: Scene) -> None:
    assert scene.jobs.executions("never-created") == []
    assert scene.jobs.reason("never-created", "nobody") == ""
    scene.jobs.cancel("never-created", "x")


def test_what_a_gateway_was_asked_is_told(scene: Scene) -> None:
    job_id, (first, _) = created(scene), scene.names
    scene.answer(job_id, first, "SUCCEEDED", "")
    (job,) = scene.history.latest(first)
    assert (job.job_id, job.status, job.number) == (job_id, "SUCCEEDED", 1)
    assert scene.history.latest("never-created") == []


def test_a_plan_is_read_as_it_was_written(scene: Scene) -> None:
    assert scene.plans().read("r1") == plan()


def test_a_plan_that_is_not_there_is_no_outage(scene: Scene) -> None:
    with pytest.raises(RejectedError, match="r9"):
        scene.plans().read("r9")
