"""Words that the service takes, and what is made of its answers."""

import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.fleet.details import LONGEST_KEY, LONGEST_VALUE, MOST, fit
from device_agent.fleet.entry import Phase
from device_agent.fleet.recovery import RECOVERY
from device_agent.fleet.refusals import over_as, what_then
from device_agent.fleet.service import messages
from device_agent.fleet.service.port import RefusedError, State, UnansweredError, Update


@given(st.dictionaries(st.text(max_size=200), st.text(max_size=1500), max_size=15))
def test_j10_whatever_a_step_says_is_made_fit(details):
    told = fit(details)
    assert len(told) <= MOST
    for key, value in told.items():
        assert 1 <= len(key) <= LONGEST_KEY
        assert all(each.isascii() and (each.isalnum() or each in ":_-") for each in key)
        assert 1 <= len(value) <= LONGEST_VALUE
        assert not any(unicodedata.category(each).startswith("C") for each in value)


def test_j10_a_reason_comes_first_and_is_never_crowded_out():
    told = fit({**{f"k{number}": "v" for number in range(20)}, "reason": "no room", "step": "1/2 a"})
    assert list(told)[:2] == ["reason", "step"]
    assert len(told) == MOST


def test_j10_bytes_that_are_no_text_are_still_told():
    assert fit({"out": b"caf\xe9 \xff".decode("utf-8", "surrogateescape")})["out"] == "caf"
    assert fit({"out": "a\tb\r\nc\x07"}) == {"out": "a b c"}


def test_what_fits_is_left_as_it_is():
    assert fit({"state": "downloading", "version": "1.4.0-rc.1 (größer)"}) == {
        "state": "downloading",
        "version": "1.4.0-rc.1 (größer)",
    }


def refused(code: str, status: str = "") -> RefusedError:
    return RefusedError("x", code=code, state=State(status=status, version_number=4) if status else None)


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (refused("InvalidStateTransition", "CANCELED"), "over"),
        (refused("InvalidStateTransition"), "over"),
        (refused("InvalidStateTransition", "IN_PROGRESS"), "adopt"),
        (refused("TerminalStateReached"), "over"),
        (refused("ResourceNotFound"), "over"),
        (refused("VersionMismatch", "IN_PROGRESS"), "adopt"),
        (refused("InvalidRequest"), "bare"),
        (refused("InvalidJson"), "bare"),
        (refused("InternalError"), "again"),
        (refused("RequestThrottled"), "again"),
        (refused("SomethingNew"), "again"),
        (UnansweredError("no answer"), "again"),
    ],
)
def test_each_refusal_has_its_consequence(error, then):
    assert what_then(error) == then


def test_how_an_execution_is_over_is_said_by_its_status_or_else_by_the_code():
    assert over_as(refused("InvalidStateTransition", "TIMED_OUT")) == "TIMED_OUT"
    assert over_as(refused("ResourceNotFound")) == "ResourceNotFound"


def test_every_phase_has_its_line_in_the_recovery_table():
    assert set(RECOVERY) == set(Phase.__args__)


@pytest.mark.parametrize("job_id", ["../x", "a/b", "", "x" * 65, "a b", "j.1"])
def test_a_job_id_that_the_service_does_not_give_out_never_becomes_a_path(job_id):
    answer = msgspec.json.encode({"execution": {"jobId": job_id}})
    with pytest.raises(ValueError, match="job"):
        messages.read_execution(answer)


@pytest.mark.parametrize("answer", [b"", b"[]", b"5", b'{"execution": 5}', b'{"execution": {"status": "QUEUED"}}'])
def test_what_is_no_answer_is_an_error(answer):
    with pytest.raises(ValueError, match=r".+"):
        messages.read_execution(answer)


def test_that_there_is_no_job_comes_in_three_forms():
    answers = b'{"timestamp": 1}', b'{"execution": {}}', b'{"execution": null}'
    assert [messages.read_execution(each) for each in answers] == [None] * 3


def test_an_end_expects_no_version_and_names_its_execution():
    told = msgspec.json.decode(messages.question_update(Update(status="SUCCEEDED", execution_number=3), "t-1"))
    assert "expectedVersion" not in told
    assert (told["executionNumber"], told["clientToken"], told["statusDetails"]) == (3, "t-1", {})


@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_of_tokens_fail(answer):
    assert isinstance(messages.token_of(answer), str)
