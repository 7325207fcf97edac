import msgspec
import numpy as np
import pytest

from device_agent.filters.calibration import Array
from device_agent.filters.season import Season

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MONDAY_MS = 4 * DAY_MS
"""1970-01-05."""


def _reading(wall_ms: int, *, weekend: float = 0.0) -> Array:
    hour, weekday = wall_ms / HOUR_MS % 24, (wall_ms - MONDAY_MS) // DAY_MS % 7
    return np.array([20 + 5 * np.sin(2 * np.pi * hour / 24) - weekend * (weekday >= 5), 7.0])


def _taught(days: int, *, weekend: float = 0.0, start_ms: int = MONDAY_MS) -> Season:
    season = Season(("a", "b"), None)
    for step in range(days * 48 + 1):
        wall_ms = start_ms + step * HOUR_MS // 2
        season.take(_reading(wall_ms, weekend=weekend), wall_ms)
    return season


def test_nothing_is_taken_off_before_five_days_taught() -> None:
    assert not _taught(4).is_known
    assert not _taught(4).offset(MONDAY_MS + 6 * HOUR_MS).any()
    assert _taught(5).is_known


def test_the_usual_day_is_what_is_taken_off() -> None:
    season = _taught(6)
    rest = [
        _reading(MONDAY_MS + h * HOUR_MS // 4)[0] - season.offset(MONDAY_MS + h * HOUR_MS // 4)[0] for h in range(96)
    ]
    assert rest == pytest.approx([20] * 96, abs=0.7)
    assert season.offset(MONDAY_MS)[1] == pytest.approx(0)


def test_it_is_a_line_between_the_middles_of_hours() -> None:
    season = _taught(6)
    offsets = [season.offset(MONDAY_MS + minute * 60_000)[0] for minute in range(24 * 60)]
    assert max(abs(np.diff(offsets))) < 0.05


def test_a_weekend_is_its_own_after_three_of_them() -> None:
    saturday_ms = MONDAY_MS + 26 * DAY_MS + 12 * HOUR_MS
    assert _taught(14, weekend=8.0).offset(saturday_ms)[0] == pytest.approx(0, abs=1)
    assert _taught(23, weekend=8.0).offset(saturday_ms)[0] < -5


@pytest.mark.parametrize("heard", [0, 19])
def test_a_day_of_which_too_little_was_heard_teaches_nothing(heard: int) -> None:
    season = Season(("a",), None)
    for hour in range(heard):
        season.take(np.array([1.0]), MONDAY_MS + hour * HOUR_MS)
    assert not season.take(np.array([1.0]), MONDAY_MS + DAY_MS)
    assert season.course.days == 0


def test_a_gap_is_no_reading() -> None:
    season = Season(("a",), None)
    for hour in range(24):
        season.take(np.array([np.nan if hour in {3, 4} else 10.0]), MONDAY_MS + hour * HOUR_MS)
    assert season.take(np.array([10.0]), MONDAY_MS + DAY_MS)
    assert not np.array(season.course.day).any()


def test_a_season_that_changes_is_learnt_within_weeks() -> None:
    season = _taught(30)
    for step in range(35 * 24 + 1):
        wall_ms = MONDAY_MS + 30 * DAY_MS + step * HOUR_MS
        season.take(40 - _reading(wall_ms), wall_ms)
    at_ms = MONDAY_MS + 65 * DAY_MS + 6 * HOUR_MS
    assert season.offset(at_ms)[0] < -3


def test_what_was_learnt_goes_on_after_a_restart() -> None:
    first = _taught(9)
    second = Season(("a", "b"), msgspec.json.decode(msgspec.json.encode(first.course), type=type(first.course)))
    assert second.is_known
    assert (second.offset(MONDAY_MS) == first.offset(MONDAY_MS)).all()


@pytest.mark.parametrize("damage", [{"channels": ("b", "a")}, {"weekdays": (1,)}, {"mean": (1.0,)}, {"day": ()}])
def test_another_sensors_course_is_not_taken(damage: dict[str, tuple[object, ...]]) -> None:
    course = msgspec.structs.replace(_taught(9).course, **damage)
    assert not Season(("a", "b"), course).is_known
