"""Jobs over real brokers: MiniStack with the product's IoT policy, and on mosquitto a service that has a bad day."""

import json
import random

import pytest

from contract.jobs import RunCommand, RunHandler
from device_agent.fleet.port import Outcome
from tests.device_agent.fleet.commands.conftest import Machine
from tests.device_agent.fleet.commands.test_compatible_documents import CASES
from tests.device_agent.fleet.rig import DONE, Gate, Gateway, Hand, document, until
from tests.device_agent.fleet.service import worlds

ASKED = document("a")


@pytest.fixture
def stormy(mosquitto):
    with worlds.by_mosquitto(mosquitto) as world:
        yield world


@pytest.fixture
def twin(job_cloud, tmp_path):
    with worlds.by_ministack(job_cloud, tmp_path) as world:
        yield world


# --- every state, at MiniStack ----------------------------------------------------------------------------------------


def test_a_job_runs_from_queued_to_succeeded_and_says_how_far_it_is(twin, tmp_path):
    gate, job_id = Gate(Outcome(status="SUCCEEDED", details={"version": "1.4.0"})), worlds.unique()

    def work(task):
        task.tell("downloading", {"bytes": "4096"})
        return gate(task)

    with Gateway(twin, tmp_path, Hand(work)) as gateway:
        twin.cloud.create(job_id, ASKED)
        until(lambda: twin.cloud.status(job_id) == "IN_PROGRESS")
        until(lambda: told(twin, job_id).get("state") == "downloading", within_s=15)
        assert told(twin, job_id) == {"state": "downloading", "step": "1/1 a", "bytes": "4096"}
        gate.opened.set()
        gateway.until_told(1)
    assert twin.cloud.status(job_id) == "SUCCEEDED"
    assert told(twin, job_id) == {"version": "1.4.0"}


def test_a_job_fails_with_its_reason_and_the_next_is_done(twin, tmp_path):
    first, second = worlds.unique(), worlds.unique()
    hand = Hand(lambda task: Outcome(status="FAILED", reason="no room") if task.job_id == first else DONE)
    with Gateway(twin, tmp_path, hand) as gateway:
        twin.cloud.create(first, ASKED)
        twin.cloud.create(second, ASKED)
        gateway.until_told(2)
    assert (twin.cloud.status(first), twin.cloud.status(second)) == ("FAILED", "SUCCEEDED")
    assert told(twin, first)["reason"] == "1/1 a: no room"
    assert [job for job, _, _ in gateway.effects] == [first, second]


def test_an_unknown_document_is_rejected_at_once(twin, tmp_path):
    job_id = worlds.unique()
    twin.cloud.create(job_id, document("a", kind="mineBitcoin"))
    with Gateway(twin, tmp_path, Hand()) as gateway:
        gateway.until_told(1)
    assert twin.cloud.status(job_id) == "REJECTED"
    assert "mineBitcoin" in told(twin, job_id)["reason"]


def test_documents_of_other_agents_end_as_their_table_says(twin, tmp_path):
    machine = Machine(tmp_path)
    commands = machine.commands()
    plain = [case for case in CASES if not case.keys() & {"have", "with"} and "conditions" not in case["document"]]
    cases = {worlds.unique(): machine.filled(case) for case in plain}
    for job_id, case in cases.items():
        twin.cloud.create(job_id, case["document"])
    with Gateway(twin, tmp_path, Hand(), {RunHandler: commands, RunCommand: commands}) as gateway:
        for count in range(len(cases)):
            gateway.until_told(count + 1)
    assert len(cases) >= 25
    for job_id, case in cases.items():
        assert twin.cloud.status(job_id) == case["status"], case["name"]
        assert case.get("reason", "") in told(twin, job_id).get("reason", "")


def test_a_job_cancelled_in_the_queue_is_never_begun(twin, tmp_path):
    gate, first, second = Gate(), worlds.unique(), worlds.unique()
    with Gateway(twin, tmp_path, Hand(gate)) as gateway:
        twin.cloud.create(first, ASKED)
        twin.cloud.create(second, ASKED)
        until(gate.reached.is_set)
        twin.cloud.cancel(second)
        gate.opened.set()
        gateway.until_told(1)
    assert twin.cloud.status(second) == "CANCELED"
    assert [job for job, _, _ in gateway.effects] == [first]


@pytest.mark.parametrize("by", ["cancel", "delete"])
def test_a_job_taken_back_while_it_runs_is_undone(twin, tmp_path, by):
    gate, job_id = Gate(), worlds.unique()
    with Gateway(twin, tmp_path, Hand(gate)) as gateway:
        twin.cloud.create(job_id, ASKED)
        until(gate.reached.is_set)
        getattr(twin.cloud, by)(job_id)
        until(gate.task.cancelled.is_set)
        until(lambda: gateway.jobs.counters["jobs.taken_back"] == 1)
    assert gateway.jobs.counters["jobs.failed"] == 0


def test_defect_12_a_policy_without_jobs_is_said_and_ends_nothing(job_cloud, tmp_path):
    iot, everything = job_cloud.clients.make("iot"), {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
    no_jobs = {
        "Effect": "Deny",
        "Action": ["iot:Subscribe", "iot:Publish"],
        "Resource": "arn:aws:iot:*:*:topic*/*/jobs/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [everything, no_jobs]}
    iot.create_policy(policyName="without-jobs", policyDocument=json.dumps(policy))
    with worlds.by_ministack(job_cloud, tmp_path, policy="without-jobs") as world:
        with Gateway(world, tmp_path, Hand()) as gateway:
            until(lambda: "cannot hear" in world.uplink.link.reason, within_s=15)
            until(lambda: "NOT_AUTHORIZED" in gateway.jobs.status().trouble, within_s=15)
            world.uplink.publish(f"fleet/{world.thing}/events", b"{}").result(10)
        assert world.uplink.link.connects == 1


def told(world, job_id):
    return world.cloud.execution(job_id).get("statusDetails", {}).get("detailsMap", {})


# --- a bad day, on mosquitto ------------------------------------------------------------------------------------------


def test_retries_are_new_executions_and_each_is_carried_out(stormy, tmp_path):
    outcomes = iter(["FAILED", "SUCCEEDED"])
    with Gateway(stormy, tmp_path, Hand(lambda _: Outcome(status=next(outcomes), reason="x"))) as gateway:
        stormy.cloud.create("j-1", ASKED, retries=1)
        gateway.until_told(2)
    assert gateway.effects == [("j-1", 1, 0), ("j-1", 2, 0)]
    assert stormy.cloud.of("j-1", 2).status == "SUCCEEDED"


def test_a_step_timer_that_runs_out_ends_the_step_and_the_retry_is_carried_out(stormy, tmp_path):
    gate = Gate()
    hand = Hand(lambda task: gate(task) if task.execution_number == 1 else DONE)
    with Gateway(stormy, tmp_path, hand) as gateway:
        stormy.cloud.create("j-1", ASKED, retries=1)
        until(gate.reached.is_set)
        stormy.cloud.advance(minutes=61)
        until(gate.task.cancelled.is_set)
        gateway.until_told(1)
    assert [stormy.cloud.of("j-1", number).status for number in (1, 2)] == ["TIMED_OUT", "SUCCEEDED"]


def test_everything_said_twice_is_done_once(stormy, tmp_path):
    stormy.scripted.weather.twice = True
    with Gateway(stormy, tmp_path, Hand()) as gateway:
        for number in range(3):
            stormy.cloud.create(f"j-{number}", ASKED)
        gateway.until_told(3)
    assert gateway.effects == [(f"j-{number}", 1, 0) for number in range(3)]
    assert [each.said for each in stormy.cloud.kept] == [["IN_PROGRESS", "SUCCEEDED"]] * 3


@pytest.mark.parametrize("seed", range(2))
def test_what_comes_late_and_in_another_order_changes_nothing(stormy, tmp_path, seed):
    with Gateway(stormy, tmp_path, Hand()) as gateway:
        until(lambda: stormy.scripted.heard)
        stormy.scripted.weather.held = True
        for number in range(3):
            stormy.cloud.create(f"j-{number}", ASKED)
        until(lambda: gateway.jobs.counters["jobs.unanswered"] >= 1)
        stormy.scripted.release(random.Random(seed))  # noqa: S311 - a seed makes the same order
        gateway.until_told(3)
    assert gateway.effects == [(f"j-{number}", 1, 0) for number in range(3)]


def test_rejections_are_heeded_by_their_code(stormy, tmp_path):
    stormy.scripted.weather.refusals = ["RequestThrottled", "InternalError", "InvalidRequest"]
    with Gateway(stormy, tmp_path, Hand()) as gateway:
        stormy.cloud.create("j-1", ASKED)
        gateway.until_told(1)
    assert gateway.effects == [("j-1", 1, 0)]
    assert stormy.cloud.of("j-1").status == "SUCCEEDED"


def test_silence_is_borne_and_a_lost_answer_does_nothing_twice(stormy, tmp_path):
    stormy.scripted.weather.silent = 2
    gate = Gate()
    with Gateway(stormy, tmp_path, Hand(gate)) as gateway:
        stormy.cloud.create("j-1", ASKED)
        until(gate.reached.is_set)
        stormy.scripted.weather.mute = 2
        gate.opened.set()
        until(lambda: gateway.jobs.status().last_job == "j-1")
    assert gateway.effects == [("j-1", 1, 0)]
    assert stormy.cloud.of("j-1").said.count("SUCCEEDED") == 1
    assert gateway.jobs.status().last_status == "SUCCEEDED"
    assert gateway.jobs.counters["jobs.unanswered"] >= 3
