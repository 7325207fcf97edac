import math
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.clock import SimulatedClock
from device_agent.errors import ConfigError
from device_agent.recorder import decimals, record
from device_agent.sensors.port import GAP, Channel, Description, Reading, SensorConfig
from device_agent.sensors.recording import Recording
from device_agent.sensors.replay import ReplaySensor

CHANNELS = (Channel(name="a", unit="V", resolution=0.01, floor=2), Channel(name="b", resolution=1000))


class Counting(SensorConfig, frozen=True, kw_only=True, tag="counting"):
    """Reads 0, 1, 2 …; every third reading of ``a`` is a gap. ``before_read`` is called first."""

    before_read: Any = None

    def describe(self) -> Description:
        return Description(CHANNELS, self.rate_hz)

    def open(self) -> "OpenCounting":
        return OpenCounting(self.before_read)


class OpenCounting:
    channels = CHANNELS

    def __init__(self, before_read: Any) -> None:
        self._count = -1
        self._before_read = before_read

    def read(self) -> Reading:
        if self._before_read:
            self._before_read()
        self._count += 1
        if self._count % 3 == 2:
            return Reading((GAP, self._count * 1000.0), {"a": "not reported"})
        return Reading((self._count + 0.004, self._count * 1000.0), {})

    def close(self) -> None:
        pass


def test_a_recording_is_one_row_per_scan_with_gaps_as_empty_cells(tmp_path: Path) -> None:
    clock = SimulatedClock(wall_ms=1_700_000_000_123)
    recorded = record(Counting(name="c"), 0.4, tmp_path / "r.csv", clock=clock)
    lines = (tmp_path / "r.csv").read_text().splitlines()
    assert lines[1:] == [
        "timestamp,a,b",
        "2023-11-14T22:13:20.123Z,0.00,0",
        "2023-11-14T22:13:20.223Z,1.00,1000",
        "2023-11-14T22:13:20.323Z,,2000",
        "2023-11-14T22:13:20.423Z,3.00,3000",
    ]
    assert (recorded.scans, recorded.gaps, recorded.missed) == (4, 1, 0)
    assert recorded.bytes == (tmp_path / "r.csv").stat().st_size


def test_a_missed_deadline_is_a_row_of_empty_cells(tmp_path: Path) -> None:
    clock, path = SimulatedClock(wall_ms=1_700_000_000_000), tmp_path / "r.csv"
    hang_once = iter([0.0, 0.31])
    sensor = Counting(name="c", before_read=lambda: clock.advance(next(hang_once, 0.0)))
    recorded = record(sensor, 0.6, path, clock=clock)
    assert (recorded.scans, recorded.missed) == (4, 2)
    rows = list(Recording(path).rows())
    assert [row.reading.values[1] for row in rows if "b" not in row.reading.gaps] == [0, 1000, 2000, 3000]
    assert [round(row.time_s * 10) % 10 for row in rows if row.time_s] == [0, 1, 2, 3, 4, 5]


def test_a_recording_never_grows_beyond_its_length_even_over_a_suspend(tmp_path: Path) -> None:
    clock, path = SimulatedClock(), tmp_path / "r.csv"
    night = iter([0.0, 8 * 3600.0])
    sensor = Counting(name="c", before_read=lambda: clock.advance(next(night, 0.0)))
    recorded = record(sensor, 1.0, path, clock=clock)
    assert recorded.scans == 2
    assert len(list(Recording(path).rows())) == 10


def test_what_was_recorded_is_what_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    record(Counting(name="c", rate_hz=4), 5, path, clock=SimulatedClock())
    replayed = ReplaySensor(name="r", path=str(path), speed=2)
    assert replayed.describe() == Description(CHANNELS, 8.0, speed=2)
    sensor = replayed.open()
    values = [sensor.read().values for _ in range(20)]
    assert [b for _, b in values] == [n * 1000 for n in range(20)]
    assert [math.isnan(a) for a, _ in values] == [n % 3 == 2 for n in range(20)]


def test_a_recording_stopped_early_is_whole(tmp_path: Path) -> None:
    stop, path = threading.Event(), tmp_path / "r.csv"

    def progress(rows: int) -> None:
        if rows == 3:
            stop.set()

    recorded = record(Counting(name="c"), 1e6, path, clock=SimulatedClock(), stop=stop, progress=progress)
    assert recorded.scans == 3
    assert len(list(Recording(path).rows())) == 3


def test_a_recording_that_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    (tmp_path / "r.csv").write_text("old")
    with pytest.raises(ZeroDivisionError):
        record(Counting(name="c", before_read=fail), 1, tmp_path / "r.csv", clock=SimulatedClock())
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]
    assert (tmp_path / "r.csv").read_text() == "old"


def test_a_recording_that_cannot_be_written_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "none/r.csv"
    with pytest.raises(ConfigError, match="No such file") as caught:
        record(Counting(name="c"), 1, path, clock=SimulatedClock())
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("resolution", "places"), [(0.1, 1), (0.25, 2), (1.0, 0), (1000, -3), (1e-7, 7)])
def test_places_follow_the_resolution(resolution: float, places: int) -> None:
    assert decimals(resolution) == places


@given(st.sampled_from([0.001, 0.01, 0.1, 1.0, 10.0, 1000.0]), st.integers(-(10**6), 10**6))
def test_a_value_that_is_a_multiple_of_its_resolution_survives_exactly(resolution: float, steps: int) -> None:
    value = steps * resolution
    assert round(round(value, decimals(resolution)) / resolution) == steps
