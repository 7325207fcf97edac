import numpy as np
import pytest

from device_agent.filters.arming import calibrate
from device_agent.filters.calibration import Array, Calibration
from device_agent.filters.distance import distances
from device_agent.filters.model import LevelModel
from device_agent.filters.normal import MovingNormal
from device_agent.sensors.port import Channel

FLOORED = Channel(name="floored", floor=10.0)
BARE = Channel(name="bare")


def _made(scans: Array, *channels: Channel) -> Calibration:
    model = LevelModel.load(None, len(channels))
    made = calibrate(scans, channels, model, rate_hz=10.0, wall_ms=5)
    assert made is not None
    return made


def _noise(*, rows: int = 400, columns: int = 1, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(50, 2, (rows, columns))


def _alarms(made: Calibration, at: float) -> bool:
    """Whether a lasting level there would be an alarm."""
    tensors = MovingNormal(made, distances(rate_hz=10.0, false_per_week=1.0)).tensors
    level = min(8.0, max(-8.0, float((at - tensors.mu[0]) * tensors.inv_sd[0])))
    return level * float(tensors.inv_rise[0]) > 1 or -level * float(tensors.inv_fall[0]) > 1


def test_centre_and_spread_are_those_of_the_noise() -> None:
    made = _made(_noise(rows=4000), BARE)
    assert made.mu == pytest.approx((50,), abs=0.2)
    assert made.sd == pytest.approx((2,), rel=0.1)


@pytest.mark.parametrize("start", [0, 100, 280])
def test_a_fault_in_three_tenths_of_the_calibration_hardly_moves_it(start: int) -> None:
    clean = _noise()
    dirty = clean.copy()
    dirty[start : start + 120] += 40
    made, expected = _made(dirty, BARE), _made(clean, BARE)
    assert made.mu == pytest.approx(expected.mu, abs=2)
    assert made.sd[0] < 0.12 * 40
    assert _alarms(made, 90), "the same fault later"


@pytest.mark.parametrize("wild", [1e3, 1e9])
def test_a_few_wild_readings_do_not_blind_a_channel(wild: float) -> None:
    scans = _noise()
    scans[::50] = wild
    assert _alarms(_made(scans, BARE), 64)


def test_a_coarse_channel_has_the_spread_of_its_rare_values() -> None:
    scans = np.random.default_rng(3).choice([31.0, 32.0], (400, 1), p=[0.2, 0.8])
    made = _made(scans, BARE)
    assert made.sd == pytest.approx((0.1,), rel=0.1)
    assert not _alarms(made, 31.8)


def test_a_channel_that_wanders_ends_its_calibration_where_it_is() -> None:
    scans = _noise() + np.linspace(0, 20, 400).reshape(-1, 1)
    assert _made(scans, BARE).mu[0] > 59


def test_a_fault_at_the_end_of_the_calibration_is_not_followed() -> None:
    scans = _noise()
    scans[280:] += 40
    assert _made(scans, BARE).mu == pytest.approx((50,), abs=2.5)


def test_a_constant_channel_gets_the_spread_of_its_resolution() -> None:
    made = _made(np.full((400, 1), 7.0), Channel(name="constant", resolution=0.5))
    assert made.mu == (7.0,)
    assert made.sd == (0.5,)


def test_a_large_constant_gets_no_less_spread_than_float32_tells_apart() -> None:
    made = _made(np.full((400, 1), 1e9), Channel(name="counter", resolution=0.001))
    assert made.sd[0] > 100


def test_a_floor_sets_the_least_spread() -> None:
    assert _made(_noise(), FLOORED).sd == (10.0,)


def test_noise_above_the_floor_does_not_make_the_gate_blind() -> None:
    scans = np.random.default_rng(3).choice([0.0, 50.0, 100.0], (400, 1), p=[0.5, 0.3, 0.2])
    made = _made(scans, FLOORED)
    assert _alarms(made, 100)


def test_gaps_are_no_values() -> None:
    scans = _noise()
    scans[::3] = np.nan
    assert _made(scans, BARE).mu == pytest.approx((50,), abs=0.5)


def test_a_channel_that_is_mostly_missing_is_not_watched() -> None:
    scans = _noise(columns=2)
    scans[:250, 1] = np.nan
    made = _made(scans, BARE, FLOORED)
    assert made.watched == (True, False)


def test_nothing_but_gaps_gives_no_calibration() -> None:
    model = LevelModel.load(None, 1)
    assert calibrate(np.full((400, 1), np.nan), [BARE], model, rate_hz=1, wall_ms=0) is None
