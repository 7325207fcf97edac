from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from contract.events import Drift
from device_agent.condense.moment import Moment
from device_agent.drift.reference import REFERENCE_BLOCKS
from device_agent.drift.store import FileReferences, MemoryReferences, ReferenceStore
from device_agent.drift.watch import MOST_A_DAY, DriftWatch, Seen
from device_agent.sensors.port import Channel

BLOCK = 64
PATIENCE = 12
SCANS = REFERENCE_BLOCKS * BLOCK
CHANNELS = (Channel(name="temperature", unit="°C", resolution=0.01), Channel(name="pressure", unit="bar", floor=0.1))
QUIET = Seen("armed", quiet=True, score=0.1)


def _watch(store: ReferenceStore | None = None) -> DriftWatch:
    return DriftWatch("press", CHANNELS, store or MemoryReferences(), rate_hz=10.0, patience=PATIENCE)


def _noise(scans: int, seed: int = 0, *, moved: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return np.random.default_rng(seed).normal([40.0 + moved[0], 2.0 + moved[1]], [0.2, 0.01], (scans, 2))


def _feed(watch: DriftWatch, rows: Iterable[np.ndarray], *, seen: Seen = QUIET, at_s: float = 0.0) -> list[Drift]:
    told: list[Drift] = []
    for i, row in enumerate(rows):
        now_ns = round((at_s + i / 10) * 1e9)
        told += watch.push(Moment(now_ns // 1_000_000, now_ns), row, seen)
    return told


def test_a_sensor_that_stays_as_it_was_calibrated_never_drifts() -> None:
    watch = _watch()
    assert not _feed(watch, _noise(40_000))
    assert not watch.drifting


def test_a_level_that_creeps_away_is_told_once_with_how_far_it_went() -> None:
    watch = _watch()
    _feed(watch, _noise(SCANS))
    creep = np.column_stack([np.linspace(0, 3, 6000), np.zeros(6000)])
    told = _feed(watch, _noise(6000, seed=1) + creep)
    assert [(drift.phase, drift.of, drift.channel) for drift in told] == [("began", "level", "temperature")]
    assert told[0].before == pytest.approx(40, abs=0.1)
    assert told[0].before + 0.4 < told[0].now < 43
    assert told[0].reason.startswith("temperature stays above where it was calibrated")
    assert watch.drifting == ["level of temperature"]


def test_what_comes_back_is_told_to_have_ended() -> None:
    watch = _watch()
    _feed(watch, _noise(SCANS))
    _feed(watch, _noise(3000, seed=1, moved=(2.0, 0.0)))
    told = _feed(watch, _noise(6000, seed=2))
    assert [(drift.phase, drift.of) for drift in told] == [("ended", "level")]
    assert not watch.drifting


def test_a_floor_says_what_is_too_little_to_tell() -> None:
    watch = _watch()
    _feed(watch, _noise(SCANS))
    assert not _feed(watch, _noise(6000, seed=1, moved=(0.0, 0.15)))  # 15 spreads, but under four floors
    assert [drift.channel for drift in _feed(watch, _noise(6000, seed=1, moved=(0.0, 0.6)))] == ["pressure"]


@pytest.mark.parametrize(("factor", "side"), [(5.0, "more"), (0.05, "less")])
def test_a_channel_that_varies_otherwise_is_told(factor: float, side: str) -> None:
    watch = _watch()
    _feed(watch, _noise(SCANS))
    rows = _noise(4000, seed=1)
    rows[:, 0] = 40 + (rows[:, 0] - 40) * factor
    told = _feed(watch, rows)
    assert [(drift.of, drift.channel) for drift in told] == [("spread", "temperature")]
    assert f"varies {side}" in told[0].reason


def test_a_score_that_rises_while_all_is_quiet_is_told_and_again_when_it_fell() -> None:
    watch = _watch()
    _feed(watch, _noise(SCANS))
    _feed(watch, _noise(3000, seed=1))
    began = _feed(watch, _noise(6000, seed=2), seen=QUIET._replace(score=0.45))
    assert [(drift.phase, drift.of) for drift in began] == [("began", "score")]
    assert watch.drifting == ["score"]
    ended = _feed(watch, _noise(20_000, seed=3))
    assert [(drift.phase, drift.of) for drift in ended] == [("ended", "score")]


def test_an_episode_is_not_told_a_second_time_as_a_drift() -> None:
    watch = _watch()
    _feed(watch, _noise(SCANS))
    assert not _feed(watch, _noise(6000, seed=1, moved=(9.0, 0.0)), seen=QUIET._replace(quiet=False, score=3.0))


def test_a_new_calibration_begins_a_new_reference() -> None:
    store = MemoryReferences()
    watch = _watch(store)
    _feed(watch, _noise(SCANS))
    calibrating = Seen("calibrating", quiet=True, score=None)
    elsewhere = _noise(SCANS, seed=1, moved=(5.0, 0.0))
    _feed(watch, elsewhere[:400], seen=calibrating)
    assert store.load() is None
    assert not _feed(watch, np.vstack([elsewhere[400:], _noise(6000, seed=2, moved=(5.0, 0.0))]))


def test_a_change_during_a_power_cut_is_found_after_it(tmp_path: Path) -> None:
    place = FileReferences(tmp_path / "state" / "drift-press.json")
    _feed(_watch(place), _noise(SCANS))
    told = _feed(_watch(place), _noise(3000, seed=1, moved=(2.0, 0.0)))
    assert [drift.channel for drift in told] == ["temperature"]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"channels": 3}', b"\xff"])
def test_a_damaged_reference_counts_as_none(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "drift-press.json"
    path.write_bytes(damage)
    assert FileReferences(path).load() is None


def test_a_reference_of_other_channels_is_not_used() -> None:
    store = MemoryReferences()
    _feed(_watch(store), _noise(SCANS))
    other = (CHANNELS[1], CHANNELS[0])
    watch = DriftWatch("press", other, store, rate_hz=10.0, patience=PATIENCE)
    assert not _feed(watch, _noise(SCANS)[:, ::-1])


def test_a_disk_that_takes_no_reference_costs_nothing_but_a_count(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    watch = _watch(FileReferences(tmp_path / "file" / "drift-press.json"))
    told = _feed(watch, np.vstack([_noise(SCANS), _noise(3000, seed=1, moved=(2.0, 0.0))]))
    assert len(told) == 1
    assert watch.unsaved == 1


def test_gaps_are_no_drift() -> None:
    watch = _watch()
    _feed(watch, _noise(SCANS))
    rows = _noise(6000, seed=1)
    rows[:, 0] = np.nan
    rows[::3, 1] = np.nan
    assert not _feed(watch, rows)


def test_a_moody_machine_is_told_of_so_often_a_day_and_the_rest_is_counted() -> None:
    watch = _watch()
    _feed(watch, _noise(SCANS))
    swings = (_noise(1500, seed=i, moved=(3.0 * (i % 2), 0.0)) for i in range(60))
    told = sum(len(_feed(watch, swing, at_s=i * 150)) for i, swing in enumerate(swings))
    assert told == MOST_A_DAY
    assert watch.untold > 0
