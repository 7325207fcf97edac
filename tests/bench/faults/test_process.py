"""What a harness brings into a process: fault points that kill, fail or wait, and a clock that jumps."""

import errno
import os
import time
from pathlib import Path

import pytest

from bench.faults.process import Hook, JumpingClock
from device_agent import fault_points
from device_agent.clock import SystemClock


def test_writing_fails_only_while_the_switch_is_there(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    hook = Hook(None, (switch, errno.EROFS), None)
    hook("spool.append.begin")
    switch.touch()

    with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
        hook("spool.append.begin")
    hook("spool.append.committed")


def test_a_clock_jumps_when_it_is_told_to_and_monotonic_time_does_not() -> None:
    clock = JumpingClock([(0.0, 3600.0), (1e9, 5.0)])

    assert 3590 < (clock.wall_ms() - SystemClock().wall_ms()) / 1000 < 3610
    before = clock.monotonic_ns()
    assert 0 <= clock.monotonic_ns() - before < 1e9


def test_a_place_can_be_made_slow() -> None:
    began_s = time.monotonic()
    Hook(None, None, ("here", 0.05))("here")

    assert time.monotonic() - began_s >= 0.05


def test_without_a_hook_a_fault_point_is_nothing() -> None:
    fault_points.reach("spool.append.begin")
