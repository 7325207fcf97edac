"""What IoT Jobs is to a thing, by every way to it."""

import pytest

from device_agent.fleet.service.port import Execution, RefusedError, State, UnansweredError, Update
from tests.device_agent.fleet.rig import document, until
from tests.device_agent.fleet.service import worlds

WAIT_S = 10.0
ASKED = document("a")


@pytest.fixture(params=["memory", "mosquitto", "ministack", "nucleus", "lite"])
def world(request, tmp_path):
    match request.param:
        case "memory":
            opened = worlds.in_memory()
        case "mosquitto":
            opened = worlds.by_mosquitto(request.getfixturevalue("mosquitto"))
        case "ministack":
            opened = worlds.by_ministack(request.getfixturevalue("job_cloud"), tmp_path)
        case "lite":
            opened = worlds.by_lite()
        case _:
            opened = worlds.through_a_nucleus()
    with opened as made:
        yield made


@pytest.fixture
def connected(world):
    world.connect()
    return world


def following(world) -> Execution | None:
    return world.service.describe().result(WAIT_S)


def say(world, job_id: str, status: str, **more) -> State:
    number = more.pop("number", 1)
    return world.service.update(job_id, Update(status=status, execution_number=number, **more)).result(WAIT_S)


def test_before_there_is_a_link_a_question_fails_at_once(world):
    if world.uplink is None:
        world.service.cut()
    assert world.service.connects < 0
    with pytest.raises(UnansweredError):
        world.service.describe().result(WAIT_S)


def test_without_jobs_there_is_no_next_one(connected):
    assert following(connected) is None


def test_a_new_job_is_hinted_at_and_is_the_next_one(connected):
    job_id = worlds.unique()
    connected.cloud.create(job_id, ASKED)
    until(lambda: frozenset({(job_id, 1)}) in connected.hints and None in connected.hints)
    found = following(connected)
    assert (found.job_id, found.execution_number, found.status) == (job_id, 1, "QUEUED")
    assert found.job_document == ASKED
    assert found.queued_at > 0
    assert connected.service.describe(job_id, 1).result(WAIT_S) == found


def test_a_job_can_be_asked_for_without_its_document(connected):
    job_id = worlds.unique()
    connected.cloud.create(job_id, ASKED)
    found = connected.service.describe(whole=False).result(WAIT_S)
    assert (found.job_id, found.job_document) == (job_id, None)


def test_a_claimed_job_stays_the_next_one_and_its_version_counts_on(connected):
    job_id, later = worlds.unique(), worlds.unique()
    connected.cloud.create(job_id, ASKED)
    connected.cloud.create(later, ASKED)
    queued = following(connected)
    first = say(connected, job_id, "IN_PROGRESS", status_details={"state": "begun"}, step_timeout_in_minutes=5)
    second = say(connected, job_id, "IN_PROGRESS", expected_version=first.version_number)
    assert queued.version_number < first.version_number < second.version_number
    assert (following(connected).job_id, following(connected).status) == (job_id, "IN_PROGRESS")


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "REJECTED"])
def test_what_is_over_leaves_its_place_to_the_next(connected, status):
    job_id, later = worlds.unique(), worlds.unique()
    connected.cloud.create(job_id, ASKED)
    connected.cloud.create(later, ASKED)
    assert say(connected, job_id, status).status == status
    assert following(connected).job_id == later
    until(lambda: frozenset({(later, 1)}) in connected.hints)


def test_a_version_that_has_moved_on_is_refused_with_the_state_there_is(connected):
    job_id = worlds.unique()
    connected.cloud.create(job_id, ASKED)
    state = say(connected, job_id, "IN_PROGRESS")
    with pytest.raises(RefusedError) as refused:
        say(connected, job_id, "IN_PROGRESS", expected_version=99)
    assert refused.value.code == "VersionMismatch"
    assert refused.value.state == state


def test_what_is_over_can_neither_be_described_nor_told(connected):
    job_id = worlds.unique()
    connected.cloud.create(job_id, ASKED)
    say(connected, job_id, "FAILED")
    with pytest.raises(RefusedError) as refused:
        connected.service.describe(job_id, 1).result(WAIT_S)
    assert refused.value.code == "TerminalStateReached"
    with pytest.raises(RefusedError) as refused:
        say(connected, job_id, "SUCCEEDED")
    assert refused.value.code == "InvalidStateTransition"
    assert refused.value.state.status == "FAILED"


def test_a_job_that_is_taken_back_is_not_in_the_hint(connected):
    job_id = worlds.unique()
    connected.cloud.create(job_id, ASKED)
    say(connected, job_id, "IN_PROGRESS")
    connected.hints.clear()
    connected.cloud.cancel(job_id)
    until(lambda: frozenset() in connected.hints)
    with pytest.raises(RefusedError) as refused:
        say(connected, job_id, "SUCCEEDED")
    assert refused.value.state.status == "CANCELED"


def test_nobody_has_heard_of_an_unknown_job_or_execution(connected):
    job_id = worlds.unique()
    connected.cloud.create(job_id, ASKED)
    for unknown, number in ((worlds.unique(), 1), (job_id, 7)):
        with pytest.raises(RefusedError) as refused:
            say(connected, unknown, "IN_PROGRESS", number=number)
        assert refused.value.code == "ResourceNotFound"


def test_a_thing_cannot_time_out_by_itself(connected):
    job_id = worlds.unique()
    connected.cloud.create(job_id, ASKED)
    with pytest.raises(RefusedError) as refused:
        say(connected, job_id, "TIMED_OUT")
    assert (refused.value.code, refused.value.state) == ("InvalidStateTransition", None)


def test_words_the_service_does_not_take_are_refused_as_such(connected):
    job_id = worlds.unique()
    connected.cloud.create(job_id, ASKED)
    with pytest.raises(RefusedError) as refused:
        say(connected, job_id, "IN_PROGRESS", status_details={"empty": ""})
    assert refused.value.code == "InvalidRequest"
