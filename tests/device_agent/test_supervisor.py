import subprocess
import sys
import threading

import pytest

from device_agent.supervisor import Supervisor


def test_the_first_failure_stops_all_and_is_raised_again():
    stop = threading.Event()
    supervisor = Supervisor(stop)
    ended = threading.Event()

    def patient(halt):
        assert halt.wait(10)
        ended.set()

    def failing(_):
        raise ValueError("the disk is gone")

    supervisor.start("patient", patient)
    supervisor.start("failing", failing)
    with pytest.raises(ValueError, match="the disk is gone"):
        supervisor.join(5)
    assert stop.is_set()
    assert ended.is_set()


def test_join_waits_until_all_have_ended():
    stop = threading.Event()
    supervisor = Supervisor(stop)
    done = []
    supervisor.start("worker", lambda _: done.append(1))
    supervisor.join(5)
    assert done == [1]
    assert not stop.is_set()


def test_a_thread_that_hangs_does_not_hold_the_process(caplog):
    stop = threading.Event()
    never = threading.Event()
    supervisor = Supervisor(stop)
    supervisor.start("hung-bus", lambda _: never.wait(30))
    stop.set()
    supervisor.join(0.05)
    never.set()
    assert [(record.message, record.worker) for record in caplog.records] == [("thread.hung", "hung-bus")]


_INTERRUPTED = """
import signal
from device_agent.supervisor import stop_on_signals
stop = stop_on_signals()
with stop._cond:  # as in the middle of stop.set() or stop.wait()
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        signal.raise_signal(number)
print(stop.wait(10))
"""


def test_signals_in_the_middle_of_waiting_or_stopping_stop_the_process_and_do_not_hang_it():
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("True\n", "")
