from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device_agent.filters.calibration import Array
from device_agent.filters.deseasoned import DeseasonedReadings
from device_agent.filters.gate import LevelGate, Verdict
from device_agent.filters.model import LevelModel
from device_agent.filters.season import Course, Season
from device_agent.filters.season_store import FileSeasons, MemorySeasons
from device_agent.filters.store import MemoryCalibrations
from device_agent.sensors.port import Channel

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
STEP_MS = 600_000
NEVER = np.array([False])

Reopen = Callable[[], FileSeasons | MemorySeasons]


@pytest.fixture(params=["file", "memory"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    memory = MemorySeasons()
    if request.param == "memory":
        return lambda: memory
    return lambda: FileSeasons(tmp_path / "deep" / "season-host.json")


def _course() -> Course:
    return Season(("a",), None).course


def test_what_was_kept_last_comes_back(reopen: Reopen) -> None:
    assert reopen().load() is None
    reopen().save(_course())
    assert reopen().load() == _course()


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "season.json"
    path.write_bytes(b'{"days": 3}')
    assert FileSeasons(path).load() is None


def _usual(wall_ms: int) -> float:
    return 20.0 + 6.0 * float(np.sin(2 * np.pi * wall_ms / DAY_MS))


def _rows(days: float, *, start: int = 0, seed: int = 1) -> list[tuple[Array, int]]:
    noise = np.random.default_rng(seed)
    times = [(start + n) * STEP_MS for n in range(round(days * DAY_MS / STEP_MS))]
    return [(np.array([_usual(wall_ms) + noise.normal(0, 0.5)]), wall_ms) for wall_ms in times]


def _gate(store: MemorySeasons | None, *, calibration_scans: int = 288) -> LevelGate:
    rate_hz = 1000 / STEP_MS
    season = DeseasonedReadings(("a",), store, rate_hz=rate_hz) if store else None
    channels = (Channel(name="a"),)
    return LevelGate(
        channels,
        LevelModel.load(None, 1),
        MemoryCalibrations(),
        rate_hz=rate_hz,
        calibration_scans=calibration_scans,
        hop_scans=1,
        season=season,
    )


def _feed(gate: LevelGate, rows: list[tuple[Array, int]]) -> list[Verdict]:
    verdicts = [gate.push(values, wall_ms) for values, wall_ms in rows]
    return [verdict for verdict in verdicts if verdict is not None]


def test_a_day_that_ends_makes_no_step_in_the_level() -> None:
    gate = _gate(MemorySeasons())
    deviations = [float(verdict.deviation[0]) for verdict in _feed(gate, _rows(8))]
    assert max(abs(np.diff(deviations))) < 0.3


def test_once_the_day_is_known_its_rush_is_no_deviation() -> None:
    week = _rows(14)
    with_season, without = (
        [abs(float(verdict.deviation[0])) for verdict in _feed(_gate(store), week)][-144:]
        for store in (MemorySeasons(), None)
    )
    assert max(with_season) < 0.4 * max(without)


def test_calibrating_again_with_a_known_day_finds_what_was_hidden_in_it() -> None:
    store = MemorySeasons()
    _feed(_gate(store), _rows(8))
    assert store.load() is not None
    shifted = [(values + 4.0, wall_ms) for values, wall_ms in _rows(0.5, start=10 * 144, seed=3)]
    known, unknown = _gate(store), _gate(None)
    for gate in (known, unknown):
        _feed(gate, _rows(2, start=8 * 144, seed=2))
    assert max(verdict.score for verdict in _feed(known, shifted)) > 1
    assert max(verdict.score for verdict in _feed(unknown, shifted)) < 1


@pytest.mark.parametrize("jump_ms", [7 * HOUR_MS, -30 * HOUR_MS])
def test_setting_the_clock_makes_no_step_in_the_level(jump_ms: int) -> None:
    gate = _gate(MemorySeasons())
    _feed(gate, _rows(8))
    rows = [(values, wall_ms + jump_ms) for values, wall_ms in _rows(0.2, start=8 * 144, seed=4)]
    deviations = [float(verdict.deviation[0]) for verdict in _feed(gate, rows)]
    assert max(abs(np.diff(deviations))) < 0.4


def test_missed_scans_are_no_set_clock() -> None:
    store = MemorySeasons()
    _feed(_gate(store), _rows(8))
    readings = DeseasonedReadings(("a",), store, rate_hz=1000 / STEP_MS)
    rows = _rows(0.5, start=8 * 144)
    readings.take(*rows[0], missed=0, alarmed=NEVER)
    assert readings.take(*rows[30], missed=29, alarmed=NEVER).correction is None
    assert readings.take(*rows[60], missed=0, alarmed=NEVER).correction is not None


def test_an_alarm_teaches_nothing_once_a_day_is_known() -> None:
    store = MemorySeasons()
    _feed(_gate(store), _rows(8))
    before = store.load()
    readings = DeseasonedReadings(("a",), store, rate_hz=1000 / STEP_MS)
    for _, wall_ms in _rows(1.1, start=8 * 144):
        readings.take(np.array([1000.0]), wall_ms, missed=0, alarmed=np.array([True]))
    assert store.load() == before


def test_a_gap_stays_one() -> None:
    readings = DeseasonedReadings(("a",), MemorySeasons(), rate_hz=1.0)
    assert np.isnan(readings.take(np.array([np.nan]), 0, missed=0, alarmed=NEVER).values).all()


class _FullDisk(MemorySeasons):
    def save(self, course: Course) -> None:
        raise OSError(28, "No space left on device", str(course.days))


def test_a_course_that_cannot_be_kept_is_counted_and_used() -> None:
    readings = DeseasonedReadings(("a",), _FullDisk(), rate_hz=1000 / STEP_MS)
    for values, wall_ms in _rows(8):
        last = readings.take(values, wall_ms, missed=0, alarmed=NEVER)
    assert readings.unsaved == 7
    assert abs(last.values[0] - 20) < 3
