"""When a gateway may be disturbed."""

import datetime as dt

import pytest

from device_agent.fleet.update.quiet import Quietly, in_window


@pytest.mark.parametrize(
    ("window", "now", "inside"),
    [
        ("02:00-04:00", "01:59", False),
        ("02:00-04:00", "02:00", True),
        ("02:00-04:00", "03:59", True),
        ("02:00-04:00", "04:00", False),
        ("22:30-01:00", "23:00", True),
        ("22:30-01:00", "00:59", True),
        ("22:30-01:00", "12:00", False),
        ("00:00-00:00", "12:00", True),
    ],
)
def test_a_window_is_a_time_of_day_and_may_span_midnight(window: str, now: str, *, inside: bool) -> None:
    assert in_window(window, dt.time.fromisoformat(now)) is inside


def quietly(*, window: str = "", episode: bool = False) -> Quietly:
    noon = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
    return Quietly(window, 900.0, lambda: episode, lambda: noon)


def test_an_open_episode_defers_but_not_for_ever() -> None:
    assert quietly(episode=True).why_not(899.0) == "waiting for the end of an episode"
    assert quietly(episode=True).why_not(900.0) == ""


def test_outside_its_window_it_waits_however_long() -> None:
    assert quietly(window="02:00-04:00").why_not(1e6) == "waiting for 02:00-04:00"
    assert quietly(window="11:00-13:00").why_not(0.0) == ""
