import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError
from contract.rollout import Plan, Release, decode_plan, encode_plan
from operations.errors import OperationError
from operations.fleet.planning import plan, waves_of
from operations.fleet.requests import Cargo
from operations.fleet.retrying import again
from operations.fleet.settings import Settings
from operations.fleet.targets import Member, Target
from tests.cloud_functions.rollout.make import DOCUMENT
from tests.operations.fleet.service_model import check

PREFIX = "arn:aws:iot:eu-central-1:000000000000"
CARGO = Cargo(
    release=Release(kind="application", name="thresher", version="1.4.0", sha256="0" * 64),
    document=DOCUMENT,
    unwind_document=DOCUMENT,
    role_arn="arn:aws:iam::000000000000:role/presign",
)


def target(count: int, *, offline: int = 0, group: bool = True) -> Target:
    names = [f"gw-{number:05d}" for number in range(count)]
    members = [Member(name, f"{PREFIX}:thing/{name}", i >= offline) for i, name in enumerate(names)]
    arns = [f"{PREFIX}:thinggroup/all"] if group else [member.arn for member in members]
    return Target(["group/all"], arns, members)


def planned(count: int = 50, **settings: Any) -> Plan:
    return plan(target(count), CARGO, Settings(**settings), rollout_id="r1", by="ops", now_ms=1)


@given(st.integers(1, 3000), st.integers(1, 120), st.booleans())
def test_every_gateway_is_told_canaries_first_and_no_job_has_too_many_targets(
    count: int,
    canaries: int,
    group: bool,  # noqa: FBT001 - drawn
) -> None:
    try:
        waves = waves_of(target(count, group=group), str(canaries))
    except OperationError:
        assert not group
        assert count > 100
        return
    named = [arn for _, arns, _ in waves for arn in arns if ":thing/" in arn]
    assert len(named) == len(set(named))
    assert all(0 < len(arns) <= 100 for _, arns, _ in waves)
    assert waves[0][0] == "canaries"
    assert len(named) == count or waves[-1][1] == [f"{PREFIX}:thinggroup/all"]


def test_canaries_are_gateways_that_are_heard_of() -> None:
    waves = waves_of(target(20, offline=15), "5")
    assert {arn.rsplit("-", 1)[1] for arn in waves[0][1]} == {f"{number:05d}" for number in range(15, 20)}


def test_the_same_fleet_has_the_same_canaries() -> None:
    assert waves_of(target(50), "5%") == waves_of(target(50), "5%")
    assert len(waves_of(target(50), "5%")[0][1]) == 2


@pytest.mark.parametrize("canaries", ["0", "-1", "some", "101%", "5.5", ""])
def test_canaries_that_are_no_number_are_refused(canaries: str) -> None:
    with pytest.raises(OperationError, match="canaries"):
        waves_of(target(5), canaries)


def test_every_request_is_one_that_the_service_takes() -> None:
    made = planned(
        retries=3,
        windows=["cron(0 2 * * ? *)/180"],
        start="2026-12-01T02:00",
        end="2026-12-08T02:00",
        rate=(50, 1000),
        failed_percent=0.0,
    )
    for wave in made.waves:
        check("iot", "CreateJob", wave.request.parameters())
    assert made.waves[0].request.target_selection == "CONTINUOUS"
    assert made.unwind is not None
    assert made.unwind.scheduling_config is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"windows": ["at night"]}, "--window at night"),
        ({"start": "tomorrow"}, "--start tomorrow"),
        ({"rate": (5000, 9000)}, "maximumPerMinute"),
        ({"timeout_minutes": 0}, "inProgressTimeoutInMinutes"),
        ({"poll_seconds": 1}, "polls"),
        ({"retries": 11}, "numberOfRetries"),
    ],
)
def test_what_the_service_or_the_workflow_would_refuse_is_refused_while_planning(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(OperationError, match=said):
        planned(**settings)


def test_a_plan_is_read_as_it_was_written_and_strictly() -> None:
    made = planned()
    assert decode_plan(encode_plan(made)) == made
    for damage in ({"schema": 2}, {"surprise": 1}, {"rollout_id": "../x"}, {"waves": []}):
        with pytest.raises(ContractError):
            decode_plan(json.dumps(json.loads(encode_plan(made)) | damage).encode())


def test_a_job_of_another_rollout_is_refused() -> None:
    said = json.loads(encode_plan(planned()))
    said["waves"][0]["request"]["jobId"] = "r2-w1"
    with pytest.raises(ContractError, match="is not of this rollout"):
        decode_plan(json.dumps(said).encode())


@pytest.mark.parametrize("action", ["runCommand", "reboot", "rotateCertificate"])
def test_a_plan_whose_job_does_anything_else_than_apply_a_bundle_is_refused(action: str) -> None:
    said = json.loads(encode_plan(planned()))
    document = json.loads(DOCUMENT)
    document["steps"][0]["action"]["type"] = action
    for other in (document, json.loads(DOCUMENT) | {"finalStep": {}}, {"version": "1.0", "steps": []}):
        said["waves"][-1]["request"]["document"] = json.dumps(other)
        with pytest.raises(ContractError, match="applies no bundle"):
            decode_plan(json.dumps(said).encode())


def test_a_retry_is_one_wave_of_its_own_and_counts_on() -> None:
    once = again(planned(), ["gw-00007"], now_ms=2)
    twice = again(once, ["gw-00007"], now_ms=3)
    assert [one.rollout_id for one in (once, twice)] == ["r1-again1", "r1-again2"]
    assert [wave.request.targets for wave in twice.waves] == [[f"{PREFIX}:thing/gw-00007"]]
    assert decode_plan(encode_plan(twice)) == twice
