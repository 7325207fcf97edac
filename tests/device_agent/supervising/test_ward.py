"""One process that is kept: pauses, hangs and the service manager, by a clock that the test sets."""

import os
import signal
import socket
import sys
import time

import pytest

from device_agent.supervising import child as processes
from device_agent.supervising.systemd import NOTIFY, ServiceManager
from device_agent.supervising.ward import END_WITHIN_S, Duty, Ward

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print(); time.sleep(60)"]
ENDS = [sys.executable, "-IS", "-c", "raise SystemExit(3)"]


class Kept:
    def __init__(self, folder, command):
        self.now_s = 1000.0
        self.command = command
        duty = Duty("run", self._start, folder / "status", hang_after_s=60)
        self.ward = Ward(duty, now_s=lambda: self.now_s, jitter=lambda: 0.0)

    def _start(self):
        return processes.start(self.command, environment=dict(os.environ))

    def until(self, wanted):
        for _ in range(400):
            self.ward.tick()
            if wanted(self.ward):
                return
            time.sleep(0.02)
        raise AssertionError(self.ward.status)


@pytest.fixture
def kept(tmp_path):
    made = []

    def make(command):
        made.append(Kept(tmp_path, command))
        return made[-1]

    yield make
    for each in made:
        if each.ward.child:
            processes.kill(each.ward.child)
            each.until(lambda ward: ward.child is None or processes.exit_code(ward.child) is not None)


def test_the_first_end_is_answered_at_once_and_the_next_ones_after_pauses(kept):
    one = kept(ENDS)
    one.until(lambda ward: ward.status.ends == 2)
    assert one.ward.status.starts == 2, "the first end may have been a glitch"
    one.now_s += 0.9
    one.ward.tick()
    assert one.ward.status.starts == 2
    one.now_s += 0.2
    one.until(lambda ward: ward.status.ends == 3)
    assert one.ward.status.exit_code == 3
    one.now_s += 1.5
    one.ward.tick()
    assert one.ward.status.starts == 3, "each pause is twice as long"


def test_a_process_whose_status_stands_still_is_ended_and_counted(kept, tmp_path):
    one = kept(SLEEPS)
    one.until(lambda ward: ward.is_settled)
    (tmp_path / "status").write_text("{}")
    one.now_s += 61
    one.ward.tick()
    assert one.ward.status.hangs == 0, "it has just said something"
    old_s = time.time() - 1000
    os.utime(tmp_path / "status", (old_s, old_s))
    one.until(lambda ward: ward.status.ends == 1)
    assert (one.ward.status.hangs, one.ward.status.exit_code) == (1, -signal.SIGKILL)


def test_a_process_that_never_says_anything_hangs_too(kept):
    one = kept(SLEEPS)
    one.until(lambda ward: ward.is_settled)
    one.now_s += 61
    one.until(lambda ward: ward.status.hangs == 1)


def test_one_that_does_not_end_when_it_is_asked_to_is_ended_by_force(kept):
    one = kept(STUBBORN)
    one.until(lambda ward: ward.is_settled)
    time.sleep(0.3)
    one.ward.end()
    one.now_s += END_WITHIN_S - 1
    one.ward.tick()
    assert not one.ward.is_over
    one.now_s += 2
    one.until(lambda ward: ward.is_over)


def test_a_program_that_is_not_there_is_tried_again_and_counted(kept):
    one = kept(SLEEPS)
    one.ward._duty = one.ward._duty._replace(start=lambda: processes.start(["/nowhere"], environment={}))
    one.until(lambda ward: ward.status.ends >= 1)
    assert one.ward.status.pid == 0


def test_the_service_manager_is_told_and_never_waited_for(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(path)
        ServiceManager({NOTIFY: path}).tell("READY=1")
        assert heard.recv(64) == b"READY=1"
    ServiceManager({NOTIFY: path}).tell("READY=1")
    ServiceManager({}).tell("READY=1")
