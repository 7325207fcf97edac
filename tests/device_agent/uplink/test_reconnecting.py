import datetime as dt
import random

import pytest

from device_agent.uplink.reconnecting import SLOW_LAST_S, Reconnecting, is_plausible, tells_of_the_service


@pytest.fixture
def state() -> Reconnecting:
    return Reconnecting(random.Random(1))  # noqa: S311 - a fixed seed


def test_while_nobody_answers_the_quick_waits_go_on(state: Reconnecting) -> None:
    for _ in range(1000):
        state.unreachable()

    assert state.pause_s() is None


def test_a_service_that_says_no_is_asked_ever_more_rarely(state: Reconnecting) -> None:
    bounds = []
    for _ in range(12):
        state.refused()
        bounds.append(max(state.pause_s() or 0 for _ in range(200)))

    assert bounds[0] <= 4
    assert 100 < bounds[-1] <= SLOW_LAST_S


def test_a_yes_ends_the_slowness(state: Reconnecting) -> None:
    for _ in range(8):
        state.refused()
    state.accepted(0)

    assert state.pause_s() is None


def test_one_takeover_is_our_own_restart(state: Reconnecting) -> None:
    state.was_taken_over(100)

    assert not state.is_contested
    assert state.pause_s() is None


def test_takeovers_again_and_again_are_another_device_and_slow_both_down(state: Reconnecting) -> None:
    for second in range(0, 40, 10):
        state.was_taken_over(second)
        state.accepted(second)

    assert state.is_contested
    assert state.taken_over == 4
    assert (state.pause_s() or 0) > 0


def test_rare_takeovers_are_forgotten(state: Reconnecting) -> None:
    for second in range(0, 4000, 1000):
        state.was_taken_over(second)

    assert not state.is_contested


def test_a_contest_that_is_over_is_forgotten(state: Reconnecting) -> None:
    for second in range(0, 40, 10):
        state.was_taken_over(second)
    state.accepted(1000)

    assert not state.is_contested


def test_a_contest_is_not_forgotten_in_the_pause_it_caused(state: Reconnecting) -> None:
    now, pauses = 0.0, []
    for _ in range(20):
        state.accepted(now)
        now += 1
        state.was_taken_over(now)
        pauses.append(state.pause_s() or 0)
        now += pauses[-1]

    assert state.is_contested
    assert min(pauses[-5:]) >= SLOW_LAST_S / 2


def test_a_broker_that_hangs_up_soon_after_each_connection_is_taken_for_a_contest(state: Reconnecting) -> None:
    for second in range(0, 25, 5):
        state.accepted(second)
        state.hung_up(second + 1)

    assert state.is_contested
    assert (state.pause_s() or 0) > 0


def test_a_broker_that_hangs_up_after_a_while_only_restarts(state: Reconnecting) -> None:
    for second in range(0, 100, 20):
        state.accepted(second)
        state.hung_up(second + 15)

    assert not state.is_contested


@pytest.mark.parametrize(("wall_s", "plausible"), [(0, False), (1_577_836_800, False), (1_795_512_000, True)])
def test_a_clock_that_was_never_set_is_noticed(wall_s: int, plausible: bool) -> None:  # noqa: FBT001
    assert is_plausible(wall_s) is plausible


@pytest.mark.parametrize(("year", "tells"), [(1970, False), (2026, True), (2032, True), (2035, False), (2060, False)])
def test_a_refused_certificate_tells_nothing_while_the_clock_is_years_off(year: int, tells: bool) -> None:  # noqa: FBT001
    assert tells_of_the_service(dt.datetime(year, 6, 1, tzinfo=dt.UTC).timestamp()) is tells
