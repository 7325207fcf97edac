"""Processes that are kept by a real supervisor: started again, ended with it, never twice."""

import os
import signal
import time

import pytest

from device_agent.fleet import restart_requests as requests
from tests.device_agent.supervising.world import Gateway, until


@pytest.fixture
def gateway(tmp_path):
    made = Gateway(tmp_path)
    made.start()
    made.working()
    yield made
    made.stop()


def test_a_process_that_dies_is_started_again_and_counted(gateway):
    first = gateway.status().processes["run"]
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: gateway.status().processes["run"].starts == 2)
    again = gateway.working().processes["run"]
    assert (again.ends, again.exit_code, again.hangs) == (1, -signal.SIGKILL, 0)
    assert again.pid != first.pid


def test_an_orderly_end_ends_everything_in_order(gateway):
    pid = gateway.status().processes["run"].pid
    assert gateway.stop() == 0
    assert not gateway.alive(pid)
    said = gateway.status().processes["run"]
    assert (said.pid, said.ends, said.exit_code) == (0, 0, 0)


def test_a_killed_supervisor_leaves_nothing_that_runs_twice(gateway):
    """The stand-in holds ``run.lock``: a second one beside it would end at once, and be counted."""
    first = gateway.status().processes["run"].pid
    gateway.supervisor.kill()
    gateway.start()
    status = gateway.working()
    assert not gateway.alive(first)
    assert status.processes["run"].ends == 0


def test_a_child_that_ignores_its_supervisors_end_is_ended_by_the_next(gateway):
    first = gateway.status().processes["run"].pid
    os.kill(first, signal.SIGSTOP)
    gateway.supervisor.kill()
    gateway.start()
    status = gateway.working()
    assert status.processes["run"].pid != first
    assert not gateway.alive(first)


def test_a_hangup_renews_the_supervisor_while_its_children_go_on(gateway):
    before, said = gateway.status(), gateway.sensed()
    os.kill(gateway.supervisor.pid, signal.SIGHUP)
    until(lambda: "begins_anew" in gateway.supervisor.tail())
    until(lambda: gateway.status().wall_ms > before.wall_ms + 1500)
    after = gateway.working()
    assert after.processes == before.processes
    assert gateway.sensed().uptime_ms > said.uptime_ms
    os.kill(after.processes["run"].pid, signal.SIGKILL)
    until(lambda: gateway.status().processes["run"].starts == 2)


def test_a_restart_that_is_asked_for_is_made_once(gateway):
    first = gateway.status().processes["run"]
    requests.ask(gateway.state, "job/1/0")
    until(lambda: requests.done(gateway.state) == "job/1/0")
    until(lambda: gateway.status().processes["run"].starts == 2)
    after = gateway.working()
    assert after.processes["run"].pid != first.pid
    assert after.processes["run"].ends == 0, "nobody asked for an end of it otherwise"
    requests.ask(gateway.state, "job/1/0")
    time.sleep(0.5)
    assert gateway.status().restarts_asked == 1


def test_the_supervisor_stays_small(gateway):
    from device_agent.fleet.probe.reading import used  # noqa: PLC0415

    assert used(gateway.supervisor.pid).rss_bytes < 21 * 2**20


NEWER = "a_key_of_a_newer_release: 1\n"
BROKEN = "sensors: [\n"


@pytest.mark.parametrize(("written", "said"), [(NEWER, "begins_anew"), (BROKEN, "cannot_begin_anew")])
def test_a_document_that_is_not_understood_does_not_end_what_runs(gateway, written, said):
    before = gateway.status()
    gateway.document.write_text(gateway.document.read_text() + written)
    os.kill(gateway.supervisor.pid, signal.SIGHUP)
    until(lambda: said in gateway.supervisor.tail())
    until(lambda: gateway.status().wall_ms > before.wall_ms + 3000)
    assert gateway.status().processes == before.processes
    assert gateway.alive(before.processes["run"].pid)


def test_a_release_that_understands_more_than_the_installation_is_started_after_a_power_cut(tmp_path):
    gateway = Gateway(tmp_path)
    gateway.document.write_text(gateway.document.read_text() + NEWER)
    gateway.start()
    try:
        assert gateway.working("1.0.0-").release == "1.0.0-000000000000"
        assert "document_not_understood" in gateway.supervisor.tail()
    finally:
        gateway.stop()
