"""What every clock keeps, over the real and the simulated one."""

import threading

import pytest

from device_agent.clock import Clock, SimulatedClock, SystemClock

MS = 1_000_000


@pytest.fixture(params=[SystemClock, SimulatedClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_waiting_ends_at_the_deadline_or_after_it(clock: Clock) -> None:
    deadline = clock.monotonic_ns() + 20 * MS
    assert clock.wait_until(deadline, threading.Event())
    assert clock.monotonic_ns() >= deadline


def test_a_deadline_in_the_past_does_not_wait_nor_turn_time_back(clock: Clock) -> None:
    before = clock.monotonic_ns()
    assert clock.wait_until(0, threading.Event())
    assert clock.monotonic_ns() >= before


def test_a_set_stop_ends_every_wait_at_once(clock: Clock) -> None:
    stop = threading.Event()
    stop.set()
    before = clock.monotonic_ns()
    assert not clock.wait_until(before + 60_000 * MS, stop)
    assert not clock.wait_until(0, stop)
    assert clock.monotonic_ns() - before < 10_000 * MS


def test_both_times_move_together(clock: Clock) -> None:
    wall, monotonic = clock.wall_ms(), clock.monotonic_ns()
    clock.wait_until(monotonic + 50 * MS, threading.Event())
    passed_ms = (clock.monotonic_ns() - monotonic) / MS
    assert clock.wall_ms() - wall == pytest.approx(passed_ms, abs=1000)


def test_a_simulated_wall_clock_can_be_set_alone() -> None:
    clock = SimulatedClock(wall_ms=1000, monotonic_ns=5)
    clock.jump_wall(-0.5)
    assert (clock.wall_ms(), clock.monotonic_ns()) == (500, 5)
    clock.advance(2)
    assert (clock.wall_ms(), clock.monotonic_ns()) == (2500, 2_000_000_005)
