import math

import numpy as np
import pytest

from contract.codec import encode_event
from contract.readings import Summary
from device_agent.condense.grid import Grid
from device_agent.condense.moment import Moment
from device_agent.condense.summaries import MAX_EVENT_BYTES, SummaryWindows
from device_agent.sensors.port import Channel

START_MS = 1_700_000_000_000


def _channels(count: int) -> list[Channel]:
    return [Channel(name=f"channel_{n}", unit="V", resolution=0.01) for n in range(count)]


def _run(rows: list[list[float]], *, seconds: float = 1.0, wall_jump_ms: int = 0) -> list[Summary]:
    """Feeds rows at 10 Hz and flushes at the end."""
    channels = _channels(len(rows[0]))
    windows = SummaryWindows("host", channels, Grid(channels), summary_s=seconds)
    made: list[Summary] = []
    for n, row in enumerate(rows):
        jump = wall_jump_ms if n >= len(rows) // 2 else 0
        at = Moment(START_MS + n * 100 + jump, n * 100_000_000)
        if windows.due(at.monotonic_ns):
            made += windows.close("armed")
        windows.add(at, np.array(row))
    return made + windows.close("armed", not_after_ns=len(rows) * 100_000_000)


def test_every_scan_is_in_exactly_one_summary() -> None:
    made = _run([[float(n)] for n in range(25)])
    assert [summary.scans for summary in made] == [10, 10, 5]
    assert [summary.channels["channel_0"].mean for summary in made] == [4.5, 14.5, 22.0]


def test_windows_tumble_without_hole_and_end_where_the_next_begins() -> None:
    made = _run([[0.0]] * 40)
    assert [(s.start_wall_ms, s.wall_ms) for s in made] == [
        (START_MS + n * 1000, START_MS + (n + 1) * 1000) for n in range(4)
    ]


def test_statistics_are_those_of_all_readings_over_many_blocks() -> None:
    values = np.random.default_rng(1).normal(1000, 3, 1000).round(2)
    channel = _run([[value] for value in values], seconds=1000)[0].channels["channel_0"]
    assert (channel.count, channel.gaps, channel.unit) == (1000, 0, "V")
    assert channel.mean == pytest.approx(values.mean(), abs=0.0005)
    assert channel.std == pytest.approx(values.std(), abs=0.0005)
    assert (channel.min, channel.max) == (values.min(), values.max())


def test_gaps_are_counted_and_are_no_values() -> None:
    channel = _run([[1.0], [math.nan], [3.0]])[0].channels["channel_0"]
    assert (channel.count, channel.gaps, channel.mean) == (2, 1, 2.0)


def test_nothing_but_gaps_has_no_statistics() -> None:
    channel = _run([[math.nan]] * 5)[0].channels["channel_0"]
    assert (channel.count, channel.gaps) == (0, 5)
    assert (channel.mean, channel.min, channel.max, channel.std) == (None, None, None, None)


def test_a_step_of_the_wall_clock_moves_no_boundary() -> None:
    rows = [[float(n)] for n in range(100)]
    plain = _run(rows)
    for jump in (3_600_000, -3_600_000):
        stepped = _run(rows, wall_jump_ms=jump)
        assert [(s.monotonic_ms, s.scans, s.channels) for s in stepped] == [
            (s.monotonic_ms, s.scans, s.channels) for s in plain
        ]
        assert {s.wall_ms - s.start_wall_ms for s in stepped} == {1000}


def test_a_long_silence_makes_no_empty_summaries_and_keeps_the_raster() -> None:
    channels = _channels(1)
    windows = SummaryWindows("host", channels, Grid(channels), summary_s=1)
    windows.add(Moment(0, 0), np.array([1.0]))
    late = Moment(60_300, 60_300_000_000)
    assert windows.due(late.monotonic_ns)
    assert [summary.wall_ms for summary in windows.close("armed")] == [1000]
    windows.add(late, np.array([1.0]))
    assert [(s.start_wall_ms, s.wall_ms) for s in windows.close("armed")] == [(60_000, 61_000)]


def test_without_a_scan_there_is_no_summary() -> None:
    channels = _channels(1)
    assert not SummaryWindows("host", channels, Grid(channels), summary_s=1).close("armed")


def test_a_summary_of_many_channels_is_spread_over_events_that_fit() -> None:
    made = _run([[n / 7 for n in range(64)]] * 5)
    assert len(made) > 1
    assert max(len(encode_event(summary)) for summary in made) <= MAX_EVENT_BYTES
    assert [name for s in made for name in s.channels] == [f"channel_{n}" for n in range(64)]
    assert {(s.wall_ms, s.scans) for s in made} == {(made[0].wall_ms, 5)}


def test_the_highest_score_and_the_number_of_windows_are_told() -> None:
    channels = _channels(1)
    windows = SummaryWindows("host", channels, Grid(channels), summary_s=1)
    windows.add(Moment(0, 0), np.array([1.0]))
    for score in (0.2, 1.23456, 0.4):
        windows.note(score)
    summary = windows.close("armed")[0]
    assert (summary.windows, summary.max_score) == (3, 1.235)
