import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.condense.exception import Point, exceptions_of
from device_agent.sensors.treatment import ReportConfig, ReportMode

RESOLUTION = 0.01

walks = st.lists(
    st.one_of(st.just(math.nan), st.floats(-1e3, 1e3), st.floats(-0.5, 0.5), st.sampled_from([0.0, 1.0, 1.004, 1.006])),
    min_size=1,
    max_size=120,
)


def _asked(mode: ReportMode, width: float, silence_s: float = 1e5) -> ReportConfig:
    return ReportConfig(mode=mode, width=width, max_silence_s=silence_s)


def _reported(asked: ReportConfig, ticks: list[int], values: list[float]) -> list[Point]:
    exceptions = exceptions_of(asked, RESOLUTION, 1.0)
    made = [point for tick, value in zip(ticks, values, strict=True) for point in exceptions.take(tick, value)]
    return made + exceptions.finish()


def _known(asked: ReportConfig, points: list[Point], tick: int) -> float:
    """What the points say of a time, as the contract's words for a report have it."""
    before = [point for point in points if point.tick <= tick][-1]
    after = [point for point in points if point.tick > tick][:1]
    if before.step is None:
        return math.nan
    value = before.step * RESOLUTION
    if asked.mode != "swinging_door" or not after or after[0].step is None:
        return value
    share = (tick - before.tick) / (after[0].tick - before.tick)
    return value + share * (after[0].step - before.step) * RESOLUTION


@given(walks, st.sampled_from(["absolute", "percent", "swinging_door"]), st.floats(0, 50), st.data())
def test_every_reading_is_known_within_the_width_and_every_gap_is_one(
    values: list[float], mode: ReportMode, width: float, data: st.DataObject
) -> None:
    steps = data.draw(st.lists(st.integers(1, 500), min_size=len(values), max_size=len(values)))
    ticks, asked = np.cumsum(steps).tolist(), _asked(mode, width)
    points = _reported(asked, ticks, values)
    assert [point.tick for point in points] == sorted({point.tick for point in points})
    for tick, value in zip(ticks, values, strict=True):
        known = _known(asked, points, tick)
        assert math.isnan(known) == math.isnan(value)
        if not math.isnan(value):
            held = [point for point in points if point.tick <= tick][-1].step or 0
            bound = abs(held * RESOLUTION) * width / 100 if mode == "percent" else width
            assert abs(known - value) <= max(bound, RESOLUTION / 2) + 1e-9


@pytest.mark.parametrize("mode", ["absolute", "percent", "swinging_door"])
def test_something_is_said_at_least_so_often(mode: ReportMode) -> None:
    ticks = list(range(0, 60_000, 100))
    for value in (5.0, math.nan):
        points = _reported(_asked(mode, 1.0, silence_s=10), ticks, [value] * len(ticks))
        times = [point.tick for point in points]
        assert max(np.diff(times)) == 10_000


def test_a_straight_line_is_two_readings_and_noise_within_the_door_adds_none() -> None:
    ticks = list(range(0, 100_000, 100))
    noise = np.random.default_rng(4).uniform(-0.2, 0.2, len(ticks))
    values = [tick * 0.003 + float(shake) for tick, shake in zip(ticks, noise, strict=True)]
    assert len(_reported(_asked("swinging_door", 0.5), ticks, values)) <= 6
    assert len(_reported(_asked("absolute", 0.5), ticks, values)) > 100


def test_readings_at_the_same_tick_are_told_in_their_order() -> None:
    points = _reported(_asked("swinging_door", 0.1), [5, 5, 6, 6, 7], [1.0, 2.0, 2.0, 9.0, 9.0])
    assert points == [Point(5, 100), Point(5, 200), Point(6, 200), Point(6, 900), Point(7, 900)]
