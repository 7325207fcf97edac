import msgspec
import numpy as np
import pytest

from device_agent.filters.calibration import Array, Calibration
from device_agent.filters.gate import LevelGate, Verdict
from device_agent.filters.model import LevelModel
from device_agent.filters.signature import WINDOW_SCANS
from device_agent.filters.store import CalibrationStore, MemoryCalibrations
from device_agent.sensors.port import Channel

CHANNELS = (Channel(name="a"), Channel(name="b"))


def _gate(
    store: CalibrationStore | None = None, *, channels: tuple[Channel, ...] = CHANNELS, rate_hz: float = 10.0
) -> LevelGate:
    model = LevelModel.load(None, len(channels))
    kept = store or MemoryCalibrations()
    return LevelGate(channels, model, kept, rate_hz=rate_hz, calibration_scans=200, hop_scans=4)


def _quiet(rows: int, *, seed: int = 0, offset: float = 0.0) -> Array:
    return np.random.default_rng(seed).normal(10 + offset, 1, (rows, len(CHANNELS)))


def _feed(gate: LevelGate, rows: Array) -> list[Verdict]:
    verdicts = [gate.push(row, 0) for row in rows]
    return [verdict for verdict in verdicts if verdict is not None]


def test_it_says_nothing_until_it_has_watched_enough() -> None:
    gate = _gate()
    assert not _feed(gate, _quiet(199))
    assert gate.state == "calibrating"
    _feed(gate, _quiet(1))
    assert gate.state == "armed"


def test_scans_without_a_reading_do_not_count_as_watched() -> None:
    gate = _gate()
    _feed(gate, np.full((500, 2), np.nan))
    assert gate.state == "calibrating"


@pytest.mark.parametrize("wild", [np.inf, -np.inf, 1e300])
def test_readings_beyond_all_bounds_do_not_blind_their_channel(wild: float) -> None:
    gate, quiet = _gate(), _quiet(400)
    quiet[::10, 1] = wild
    _feed(gate, quiet)
    jumped = _quiet(100, seed=1)
    jumped[:, 1] += 8
    assert _feed(gate, jumped)[-1].score >= 1


def test_it_judges_a_window_every_hop() -> None:
    gate = _gate()
    _feed(gate, _quiet(200))
    assert len(_feed(gate, _quiet(40, seed=1))) == gate.windows == 10


def test_a_quiet_sensor_stays_quiet_and_a_jump_scores() -> None:
    gate = _gate()
    _feed(gate, _quiet(200))
    assert max(verdict.score for verdict in _feed(gate, _quiet(2000, seed=1))) < 0.7
    jump = _feed(gate, _quiet(80, seed=2, offset=6))
    assert jump[-1].score > 1
    assert jump[-1].deviation == pytest.approx([6, 6], abs=1.5)


def test_a_slow_drift_is_followed() -> None:
    gate = _gate()
    _feed(gate, _quiet(200))
    rows = _quiet(30_000, seed=1) + np.linspace(0, 30, 30_000).reshape(-1, 1)
    last = _feed(gate, rows)
    assert max(verdict.score for verdict in last) < 1
    assert last[-1].moved == pytest.approx([29, 29], abs=3)


def test_a_fault_in_one_channel_does_not_stop_the_others_from_following() -> None:
    gate = _gate()
    _feed(gate, _quiet(200))
    rows = _quiet(20_000, seed=1) + np.linspace(0, 20, 20_000).reshape(-1, 1)
    rows[:, 0] = 1000.0
    verdicts = _feed(gate, rows)
    assert min(verdict.channel_score[0] for verdict in verdicts[20:]) > 1
    assert max(verdict.channel_score[1] for verdict in verdicts) < 1


def test_a_lasting_new_level_is_normal_in_the_end() -> None:
    gate = _gate(rate_hz=1.0)
    _feed(gate, _quiet(200))
    scores = [verdict.score for verdict in _feed(gate, _quiet(12_000, seed=1, offset=6))]
    assert min(scores[100:500]) > 1
    assert max(scores[-100:]) < 0.8


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_a_constant_channel_that_stays_elsewhere_is_calibrated_there(noise: float) -> None:
    gate = _gate(rate_hz=1.0)
    rows = np.full((22_000, 2), 7.0)
    rows[300:] += 0.5 + noise * np.random.default_rng(2).normal(0, 1, (21_700, 2))
    verdicts = _feed(gate, rows)
    assert min(verdict.score for verdict in verdicts[100:2000]) > 1
    assert max(verdict.score for verdict in verdicts[-500:]) < 0.8
    assert verdicts[-1].moved.min() > 8, "its home is still known"
    assert _feed(gate, rows[-100:] + 20)[-1].score > 1


def test_noise_that_grows_is_learnt_and_a_jump_beyond_it_still_scores() -> None:
    gate = _gate(rate_hz=1.0)
    _feed(gate, _quiet(200))
    noisy = 10 + 2.5 * (_quiet(20_000, seed=1) - 10)
    assert max(verdict.score for verdict in _feed(gate, noisy)) < 1
    assert _feed(gate, noisy[:80] + 20)[-1].score > 1


def test_a_fault_does_not_become_the_new_normal() -> None:
    gate = _gate()
    _feed(gate, _quiet(200))
    assert _feed(gate, _quiet(20_000, seed=1, offset=6))[-1].score > 1


def test_a_verdict_depends_on_no_later_scan() -> None:
    rows = np.vstack([_quiet(300), _quiet(100, seed=1, offset=4)])
    changed = rows.copy()
    changed[350:] = 1e6
    first, second = (_feed(_gate(), which)[: 150 // 4] for which in (rows, changed))
    assert [verdict.score for verdict in first] == [verdict.score for verdict in second]


def test_a_window_that_is_mostly_gaps_has_no_verdict_and_is_counted() -> None:
    gate = _gate()
    _feed(gate, _quiet(200))
    before = gate.windows
    gaps = np.full((WINDOW_SCANS, 2), np.nan)
    assert len(_feed(gate, gaps)) == gate.windows - before == 8
    assert gate.unscored == 8


def test_one_silent_channel_does_not_silence_the_other() -> None:
    gate = _gate()
    _feed(gate, _quiet(200))
    rows = _quiet(80, seed=1, offset=6)
    rows[:, 0] = np.nan
    last = _feed(gate, rows)[-1]
    assert last.channel_score[0] == 0
    assert last.channel_score[1] > 1
    assert last.gaps


def test_a_restart_goes_on_with_the_kept_calibration() -> None:
    store = MemoryCalibrations()
    first = _gate(store)
    _feed(first, _quiet(400))
    first.keep()
    second = _gate(store)
    assert second.state == "armed"
    assert second.calibration == first.calibration
    assert _feed(second, _quiet(100, seed=2, offset=6))[-1].score > 1


def test_after_a_power_cut_the_centre_is_at_most_an_hour_old() -> None:
    store = MemoryCalibrations()
    gate = _gate(store, rate_hz=0.1)
    _feed(gate, _quiet(200))
    _feed(gate, _quiet(720, seed=1) + np.linspace(0, 1, 720).reshape(-1, 1))
    kept = store.load()
    assert kept is not None
    assert min(kept.mu) > 10.3


@pytest.mark.parametrize("changed", ["rate", "floor", "model"])
def test_a_calibration_made_for_something_else_is_refused_and_made_again(changed: str) -> None:
    store = MemoryCalibrations()
    _feed(_gate(store), _quiet(200))
    channels = (Channel(name="a", floor=3.0), CHANNELS[1]) if changed == "floor" else CHANNELS
    if changed == "model":
        channels = tuple(Channel(name=str(n)) for n in range(9))
    gate = _gate(store, channels=channels, rate_hz=5.0 if changed == "rate" else 10.0)
    assert gate.state == "calibrating"
    assert gate.recalibrations == 1


@pytest.mark.parametrize("damage", [{"sd": (0.0, 1.0)}, {"bulk": (0.0, 1.0)}, {"mu": (1.0,)}, {"home": (np.nan, 1.0)}])
def test_a_calibration_that_no_threshold_can_come_from_is_refused(damage: dict[str, tuple[float, ...]]) -> None:
    store = MemoryCalibrations()
    _feed(_gate(store), _quiet(200))
    kept = store.load()
    assert kept is not None
    store.save(msgspec.structs.replace(kept, **damage))
    assert _gate(store).state == "calibrating"


def test_an_armed_filter_learns_anew_when_someone_asks() -> None:
    store = MemoryCalibrations()
    gate = _gate(store)
    _feed(gate, _quiet(200))
    store.ask_anew()
    _feed(gate, _quiet(10, offset=20))
    assert (gate.state, gate.recalibrations, store.load()) == ("calibrating", 1, None)
    assert not _feed(gate, _quiet(200, seed=3, offset=20))[1:]
    assert max(verdict.score for verdict in _feed(gate, _quiet(400, seed=4, offset=20))) < 0.7


def test_a_wish_while_the_filter_learns_begins_the_learning_again() -> None:
    store = MemoryCalibrations()
    gate = _gate(store)
    _feed(gate, _quiet(190))
    store.ask_anew()
    _feed(gate, _quiet(100))
    assert gate.state == "calibrating"


def test_a_wish_that_came_while_nobody_filtered_is_heard_at_the_start() -> None:
    store = MemoryCalibrations()
    _feed(_gate(store), _quiet(200))
    store.ask_anew()
    assert _gate(store).state == "calibrating"


class _ReadOnly(MemoryCalibrations):
    asked = 0

    def forget(self) -> None:
        self.asked += 1
        raise OSError(30, "Read-only file system")


def test_a_calibration_that_cannot_be_forgotten_stays_and_is_tried_again_in_a_minute() -> None:
    store = _ReadOnly()
    gate = _gate(store)
    _feed(gate, _quiet(200))
    store.ask_anew()
    _feed(gate, _quiet(590))
    assert (gate.state, store.asked) == ("armed", 1)
    _feed(gate, _quiet(40))
    assert store.asked == 2


class _FullDisk(MemoryCalibrations):
    def load(self) -> Calibration | None:
        return None

    def save(self, calibration: Calibration) -> None:
        raise OSError(28, "No space left on device", str(calibration.scans))


def test_a_calibration_that_cannot_be_kept_still_arms_and_is_counted() -> None:
    gate = _gate(_FullDisk())
    _feed(gate, _quiet(200))
    assert gate.state == "armed"
    assert gate.unsaved == 1
