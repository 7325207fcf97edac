from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.errors import SensorError
from device_agent.sensors.port import EndOfRecordingError, Reading
from device_agent.sensors.replay import AHEAD_ROWS, LONGEST_HOLE_SCANS, Holes, Replay, ReplaySensor, ahead

TEN_HZ = "timestamp,a\n2026-01-01T00:00:00.0Z,1\n2026-01-01T00:00:00.1Z,2\n2026-01-01T00:00:00.2Z,3\n"


def replay(folder: Path, text: str, *, speed: float = 1.0, loop: bool = False) -> ReplaySensor:
    path = folder / "recording.csv"
    path.write_text(text)
    return ReplaySensor(name="r", path=str(path), speed=speed, loop=loop)


def values(sensor: Replay, count: int) -> list[float | str]:
    readings = [sensor.read() for _ in range(count)]
    return [reading.gaps.get("a", reading.values[0]) for reading in readings]


def test_the_rate_is_the_recorded_one_times_the_speed(tmp_path: Path) -> None:
    assert replay(tmp_path, TEN_HZ, speed=4).describe().rate_hz == pytest.approx(40)


def test_a_recording_ends(tmp_path: Path) -> None:
    sensor = replay(tmp_path, TEN_HZ).open()
    assert values(sensor, 3) == [1, 2, 3]
    for _ in range(2):
        with pytest.raises(EndOfRecordingError):
            sensor.read()


def test_where_a_loop_starts_over_stands_one_gap(tmp_path: Path) -> None:
    sensor = replay(tmp_path, TEN_HZ, loop=True).open()
    assert values(sensor, 8) == [1, 2, 3, "recording restarts", 1, 2, 3, "recording restarts"]


def test_a_hole_in_the_recording_keeps_its_length_as_gaps(tmp_path: Path) -> None:
    sensor = replay(tmp_path, TEN_HZ + "2026-01-01T00:00:00.5Z,4\n").open()
    assert values(sensor, 6) == [1, 2, 3, *["row 5: hole in the recording"] * 2, 4]


def test_a_very_long_hole_is_cut_to_one_window(tmp_path: Path) -> None:
    sensor = replay(tmp_path, TEN_HZ + "2027-01-01T00:00:00Z,4\n").open()
    found = values(sensor, 3 + LONGEST_HOLE_SCANS + 1)
    assert found[-2:] == ["row 5: hole in the recording", 4]


def test_times_that_jump_back_or_cannot_be_read_make_no_hole(tmp_path: Path) -> None:
    sensor = replay(tmp_path, TEN_HZ + "1999-01-01T00:00:00Z,4\nnever,5\ninf,6\n").open()
    assert values(sensor, 6) == [1, 2, 3, 4, 5, 6]


def test_a_late_scan_is_no_hole(tmp_path: Path) -> None:
    rows = "2026-01-01T00:00:00.37Z,4\n2026-01-01T00:00:00.4Z,5\n2026-01-01T00:00:00.55Z,6\n"
    assert values(replay(tmp_path, TEN_HZ + rows).open(), 6) == [1, 2, 3, 4, 5, 6]


def test_a_recording_that_tells_its_rate_has_a_row_per_deadline_whatever_its_timestamps(tmp_path: Path) -> None:
    text = '# thresher-recording: {"rate_hz":10}\n' + TEN_HZ + "2026-01-01T00:00:09Z,4\n"
    assert values(replay(tmp_path, text).open(), 4) == [1, 2, 3, 4]


@given(st.lists(st.floats(0, 0.7), min_size=2, max_size=60), st.floats(0.999, 1.001))
def test_lateness_and_a_clock_that_runs_a_little_off_make_no_hole(late: list[float], off: float) -> None:
    holes = Holes(0.1)
    assert not any(holes.before((n + late[n]) * 0.1 * off) for n in range(len(late)))


@given(st.lists(st.tuples(st.floats(0, 0.2), st.integers(0, 5)), min_size=2, max_size=40))
def test_every_missed_scan_becomes_a_gap(rows: list[tuple[float, int]]) -> None:
    holes, seq = Holes(0.1), 0
    holes.before(0.0)
    for late, missing in rows:
        seq += 1 + missing
        assert holes.before((seq + late) * 0.1) == missing


def test_a_malformed_row_does_not_stop_the_replay(tmp_path: Path) -> None:
    sensor = replay(tmp_path, TEN_HZ + "2026-01-01T00:00:00.3Z,oops\n2026-01-01T00:00:00.4Z,5\n").open()
    assert values(sensor, 5) == [1, 2, 3, "row 5: not a number: 'oops'", 5]


def test_without_timestamps_the_configured_rate_holds(tmp_path: Path) -> None:
    assert replay(tmp_path, "a\n1\n2\n", speed=3).describe().rate_hz == 30


def test_a_relative_path_is_taken_from_the_configurations_folder(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(TEN_HZ)
    config = ReplaySensor(name="r", path="r.csv").located(tmp_path)
    assert values(config.open(), 1) == [1]
    assert config.located(Path("/elsewhere")).path == config.path


def test_a_closed_replay_cannot_be_read(tmp_path: Path) -> None:
    sensor = replay(tmp_path, TEN_HZ).open()
    sensor.close()
    with pytest.raises(SensorError, match="closed"):
        sensor.read()


@pytest.mark.parametrize("name", ["cpu_burn", "disk_storm", "memory_leak"])
def test_every_shipped_recording_can_be_replayed_whole(name: str) -> None:
    folder = Path(__file__).parents[3] / "twin/recordings"
    config = ReplaySensor(name="r", path=str(folder / f"{name}.csv"), speed=8)
    assert config.describe().rate_hz == 80
    sensor = config.open()
    readings = list(islice(iter(sensor.read, None), 1900))
    assert sum(len(reading.gaps) for reading in readings) < 200
    assert (folder / f"{name}.csv").stat().st_size <= 250_000
    assert (folder / f"{name}.labels.csv").read_text().count(name) == 1


def test_what_was_read_before_a_file_failed_is_given_out_before_the_failure() -> None:
    def failing():
        yield from (Reading((float(number),), {}) for number in range(AHEAD_ROWS + 6))
        raise OSError("unplugged")

    readings = ahead(failing())
    taken = [next(readings).values[0] for _ in range(AHEAD_ROWS + 6)]
    assert taken == [float(number) for number in range(AHEAD_ROWS + 6)]
    with pytest.raises(OSError, match="unplugged"):
        next(readings)


def test_reading_ahead_is_bounded_and_ends_with_its_file() -> None:
    begun: list[int] = []

    def endless():
        try:
            while True:
                begun.append(len(begun))
                yield Reading((0.0,), {})
        finally:
            begun.append(-1)

    readings = ahead(endless())
    next(readings)
    assert len(begun) == AHEAD_ROWS
    readings.close()
    assert begun[-1] == -1
