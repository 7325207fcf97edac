import math

import numpy as np
import pytest

from contract.codec import decode_event, encode_event
from contract.kinds import lane_of
from contract.readings import Report
from contract.traces import readings_of
from device_agent.condense.moment import Moment
from device_agent.condense.reports import MOST_POINTS, Reports
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.sensors.port import Channel
from device_agent.sensors.treatment import ReportConfig, Treatment


def _channel(name: str, **asked: object) -> Channel:
    report = ReportConfig(**({"mode": "absolute", "width": 0.5, "max_wait_s": 2.0} | asked))  # type: ignore[arg-type]
    return Channel(name=name, unit="V", resolution=0.01, treatment=Treatment(report=report))


def _run(reports: Reports, rows: list[list[float]], *, every_ms: int = 100) -> list[Report]:
    made: list[Report] = []
    for n, row in enumerate(rows):
        made += reports.push(Moment(50_000 + n * every_ms, (7_000 + n * every_ms) * 1_000_000), np.array(row))
    return made + reports.finish()


def _told(made: list[Report], name: str) -> list[tuple[float, float | None]]:
    """Wall time and value of every reading."""
    found: list[tuple[float, float | None]] = []
    for report in made:
        if one := report.channels.get(name):
            times = [report.wall_ms + (offset or 0) for offset in readings_of(one.times, one.readings)]
            found += zip(times, readings_of(one.values, one.readings), strict=True)
    return found


def test_a_change_is_reported_with_its_own_time_and_what_does_not_change_is_not() -> None:
    rows = [[1.0, float(n)] for n in range(20)] + [[math.nan, 0.0]] * 3 + [[4.0, 0.0]] * 30
    made = _run(Reports("host", [_channel("a"), Channel(name="b")], 10.0), rows)
    assert _told(made, "a") == [(50_000, 1.0), (52_000, None), (52_300, 4.0)]
    assert not _told(made, "b")
    assert [report.monotonic_ms - report.wall_ms for report in made] == [-43_000] * len(made)


def test_a_reading_waits_for_company_no_longer_than_it_may() -> None:
    reports = Reports("host", [_channel("a"), _channel("b", max_wait_s=60.0)], 10.0)
    sent = [len(reports.push(Moment(n * 100, n * 100_000_000), np.array([1.0, n * 1.0]))) for n in range(30)]
    assert sent == [0] * 20 + [1] + [0] * 9


@pytest.mark.parametrize("mode", ["absolute", "percent", "swinging_door"])
def test_restless_channels_make_reports_that_fit_and_lose_nothing(mode: str) -> None:
    names = [f"channel_{n}" for n in range(12)]
    noise = np.rint(np.random.default_rng(5).normal(0, 1e6, (1200, 12))) / 100
    channels = [_channel(name, mode=mode, width=0.0, max_wait_s=3600.0) for name in names]
    made = _run(Reports("host", channels, 10.0), noise.tolist())
    assert max(len(encode_event(report)) for report in made) <= MAX_EVENT_BYTES
    for n, name in enumerate(names):
        told = _told(made, name)
        assert [value for _, value in told] == pytest.approx(noise[:, n], abs=1e-9)
        assert [at for at, _ in told] == [50_000 + 100 * row for row in range(1200)]


def test_no_more_readings_wait_in_memory_than_may() -> None:
    reports = Reports("host", [_channel("a", width=0.0, max_wait_s=3600.0)], 10.0)
    made = _run(reports, [[float(n % 50)] for n in range(MOST_POINTS)])
    assert len(_told(made, "a")) == MOST_POINTS
    assert not reports.finish()


def test_a_report_travels_with_summaries_and_comes_back_as_it_was() -> None:
    (report,) = _run(Reports("host", [_channel("a", mode="swinging_door")], 10.0), [[n * 0.1] for n in range(9)])
    assert lane_of(report) == "summaries"
    assert decode_event(encode_event(report)) == report
