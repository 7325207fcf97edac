"""How the supervisor itself is renewed: on trial, and never at the price of one that works."""

import os
import signal
import sys

import pytest

from device_agent.supervising.renewal import Renewal, calm, handed_over, read_renewal, write_renewal
from tests.device_agent.supervising.world import Gateway, until

WORKS = f'#!/bin/sh\nexec {sys.executable} -m thresher "$@"\n'
ENDS = f"""#!/bin/sh
case "$*" in
  *--check*|*--help*) exit 0;;
  supervise*) exit 1;;
  *) exec {sys.executable} -m thresher "$@";;
esac
"""


def test_a_release_is_handed_over_to_once_until_it_is_trusted():
    tried = handed_over(Renewal(), "2.0.0-a")
    assert not tried.refused
    assert handed_over(tried, "2.0.0-a").refused, "it ended before it was calm"


def test_a_trusted_one_may_end_three_times_in_a_row():
    known = calm(handed_over(Renewal(), "2.0.0-a"))
    for _ in range(3):
        known = handed_over(known, "2.0.0-a")
        assert not known.refused
    assert handed_over(known, "2.0.0-a").refused
    assert not handed_over(calm(known), "2.0.0-a").refused


def test_what_was_refused_stays_so_until_another_release_comes():
    refused = Renewal(release="2.0.0-a", refused=True)
    assert handed_over(refused, "2.0.0-a").refused
    assert not handed_over(refused, "2.1.0-b").refused


def test_notes_that_cannot_be_read_begin_anew(tmp_path):
    assert write_renewal(tmp_path, Renewal(release="2.0.0-a", starts=1))
    assert read_renewal(tmp_path).release == "2.0.0-a"
    (tmp_path / "supervise-renewal.json").write_bytes(b"{")
    assert read_renewal(tmp_path) == Renewal()
    assert not write_renewal(tmp_path / "missing", Renewal(release="x"))


@pytest.fixture
def gateway(tmp_path):
    made = Gateway(tmp_path, stand_in=False)
    made.start()
    made.working()
    until(lambda: made.sensed().uptime_ms > 2500)
    yield made
    made.stop()


def bring(gateway, program: str):
    outcome = gateway.update(gateway.bundle("application", {"bin/thresher": program.encode()}, "2.0.0"))
    assert outcome.status == "SUCCEEDED", outcome.reason
    return gateway.updates.look().installed["application/thresher"].release


@pytest.mark.story
def test_the_committed_releases_supervisor_takes_over_and_interrupts_nothing(gateway):
    release = bring(gateway, WORKS)
    run = gateway.working(release).processes["run"]
    until(lambda: gateway.status().renewed_from == release)
    assert gateway.status().pid == gateway.supervisor.pid
    assert gateway.working(release).processes["run"] == run
    os.kill(gateway.supervisor.pid, signal.SIGHUP)
    until(lambda: gateway.supervisor.tail().count("begins_anew") or None)
    assert gateway.working(release).processes["run"] == run
    assert not read_renewal(gateway.state).refused, "a planned end is no failure"


@pytest.mark.story
def test_a_releases_supervisor_that_ends_is_not_tried_again_while_its_processes_go_on(gateway):
    release = bring(gateway, ENDS)
    assert gateway.supervisor.wait(20) == 1
    gateway.start()  # as the service manager does
    status = gateway.working(release)
    assert (status.renewed_from, read_renewal(gateway.state).refused) == ("", True)
