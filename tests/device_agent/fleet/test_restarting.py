"""A job's restart: the step is interrupted by its own success, and is made once."""

import threading

import pytest

from contract.jobs import Restart
from device_agent.fleet import restart_requests as requests
from device_agent.fleet.port import Interrupted, Task
from device_agent.fleet.restarting import Restarting


def task(**events):
    action = Restart(name="again")
    return Task(
        job_id="j",
        execution_number=1,
        step=0,
        queued_at=events.get("queued_at", 7),
        action=action,
        cancelled=events.get("cancelled", threading.Event()),
        stop=events.get("stop", threading.Event()),
        tell=lambda *_: None,
        renew=lambda: action,
    )


def is_set():
    event = threading.Event()
    event.set()
    return event


def test_without_a_supervisor_it_is_refused(tmp_path):
    assert "supervise" in Restarting(tmp_path).refusal(Restart(name="again"))
    (tmp_path / requests.NOTES_FILE).write_text('{"supervisor": 1}')
    assert "supervise" in Restarting(tmp_path).refusal(Restart(name="again")), "another process has its id now"
    assert Restarting(tmp_path, supervised=lambda: True).refusal(Restart(name="again")) == ""


def test_it_asks_and_is_resumed_by_the_process_that_was_started_anew(tmp_path):
    with pytest.raises(Interrupted):
        Restarting(tmp_path).perform(task(stop=is_set()))
    wanted = requests.asked(tmp_path)
    assert wanted == task().key
    requests.note_done(tmp_path, wanted)
    assert requests.asked(tmp_path) == ""
    assert Restarting(tmp_path).resume(task()).status == "SUCCEEDED"


def test_a_restart_that_is_done_is_not_asked_for_again(tmp_path):
    requests.note_done(tmp_path, task().key)
    assert Restarting(tmp_path).perform(task()).status == "SUCCEEDED"
    assert requests.asked(tmp_path) == ""


def test_a_job_made_anew_under_the_id_of_a_deleted_one_restarts_again(tmp_path):
    requests.note_done(tmp_path, task().key)
    with pytest.raises(Interrupted):
        Restarting(tmp_path).perform(task(stop=is_set(), queued_at=8))
    assert requests.asked(tmp_path) == task(queued_at=8).key


def test_a_cancelled_one_is_withdrawn(tmp_path):
    assert Restarting(tmp_path).perform(task(cancelled=is_set())).status == "FAILED"
    assert requests.asked(tmp_path) == ""


def test_a_supervisor_that_does_nothing_fails_it_in_bounded_time(tmp_path):
    outcome = Restarting(tmp_path, within_s=0.4).perform(task())
    assert outcome.status == "FAILED"
    assert requests.asked(tmp_path) == ""
