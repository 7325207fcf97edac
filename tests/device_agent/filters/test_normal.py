import numpy as np
import pytest

from device_agent.filters.calibration import Calibration
from device_agent.filters.distance import distances
from device_agent.filters.normal import MOST_GROWN, MovingNormal, Pace, pace
from device_agent.sensors.port import AlarmOn, Channel

FAR = distances(rate_hz=1.0, false_per_week=1.0)
PACE = pace(rate_hz=1.0, hop_scans=1)
STRIDES = pace(rate_hz=1.0, hop_scans=50)


def _calibration(channel: Channel, **changes: object) -> Calibration:
    fields = {
        "channels": (channel,),
        "rate_hz": 1.0,
        "model_sha256": "ab",
        "made_wall_ms": 1,
        "scans": 400,
        "mu": (50.0,),
        "home": (50.0,),
        "sd": (10.0,),
        "shown": (0.5,),
        "bulk": (1.0,),
        "square": (1.0,),
        "watched": (True,),
    }
    return Calibration(**{**fields, **changes})


def _normal(channel: Channel, **changes: object) -> MovingNormal:
    return MovingNormal(_calibration(channel, **changes), FAR)


def _rise_threshold(normal: MovingNormal) -> float:
    return 1 / float(normal.tensors.inv_rise[0])


def _learn(normal: MovingNormal, *, times: int, latest: float, deviation: float, score: float, at: Pace = PACE) -> None:
    for _ in range(times):
        normal.learn(
            np.array([latest]),
            np.array([True]),
            deviation=np.array([deviation]),
            score=np.array([score]),
            at=at,
        )


@pytest.mark.parametrize(("alarm_on", "rise", "fall"), [("rise", 1, 0), ("fall", 0, 1), ("both", 1, 1)])
def test_a_direction_that_does_not_matter_is_switched_off(alarm_on: AlarmOn, rise: int, fall: int) -> None:
    tensors = _normal(Channel(name="one", alarm_on=alarm_on)).tensors
    assert (tensors.inv_rise[0] > 0, tensors.inv_fall[0] > 0) == (rise, fall)


def test_an_unwatched_channel_is_off() -> None:
    tensors = _normal(Channel(name="one"), watched=(False,)).tensors
    assert tensors.inv_rise[0] == tensors.inv_fall[0] == tensors.inv_sd[0] == 0


def test_the_threshold_is_what_matters_or_what_calibration_showed() -> None:
    channel = Channel(name="one")
    assert _rise_threshold(_normal(channel)) == pytest.approx(3.8)
    assert _rise_threshold(_normal(channel, shown=(4.0,))) == pytest.approx(6.0)


def test_where_a_channel_states_a_floor_four_of_them_matter() -> None:
    assert _rise_threshold(_normal(Channel(name="one", floor=5.0))) == pytest.approx(2.0)


@pytest.mark.parametrize(("mu", "threshold"), [(20.0, 4.0), (60.0, 2.8), (80.0, 1.4), (90.0, 1.0), (100.0, 1.0)])
def test_near_the_end_of_the_range_less_is_enough(mu: float, threshold: float) -> None:
    channel = Channel(name="cpu_percent", floor=10, high=100)
    assert _rise_threshold(_normal(channel, mu=(mu,))) == pytest.approx(threshold)


def test_the_margin_ends_before_the_range_does() -> None:
    channel = Channel(name="cpu_percent", floor=10, high=100)
    assert _rise_threshold(_normal(channel, mu=(60.0,), shown=(3.0,))) == pytest.approx(3.6)


def test_the_centre_of_a_quiet_channel_follows_and_the_threshold_with_it() -> None:
    normal = _normal(Channel(name="cpu_percent", floor=10, high=100), mu=(60.0,))
    _learn(normal, times=1, latest=40, deviation=-4 / PACE.follow / 2, score=0.6)
    assert normal.calibration.mu == pytest.approx((40.0,))
    assert _rise_threshold(normal) == pytest.approx(4.0)


def test_the_centre_of_a_suspicious_channel_creeps_a_threshold_in_5000_scans_at_most() -> None:
    normal = _normal(Channel(name="one"))
    _learn(normal, times=5000, latest=1e6, deviation=1e5, score=1e5)
    assert normal.moved == pytest.approx([3.8], rel=0.01)
    assert normal.calibration.home == (50.0,)


def test_the_spread_grows_with_the_noise_and_never_falls_below_the_calibrated_one() -> None:
    normal = _normal(Channel(name="one"))
    for latest, spread in ((70.0, 20.0), (50.0, 10.0)):
        _learn(normal, times=800, latest=latest, deviation=0.0, score=0.0, at=STRIDES)
        assert normal.spread == pytest.approx([spread], rel=0.01)


def test_the_spread_neither_grows_in_an_alarm_nor_without_bound() -> None:
    normal = _normal(Channel(name="one"))
    _learn(normal, times=100, latest=150, deviation=0.0, score=1.2, at=STRIDES)
    assert normal.spread == pytest.approx([10.0])
    _learn(normal, times=2_000, latest=1e6, deviation=0.0, score=0.0, at=STRIDES)
    assert normal.spread[0] <= 10 * MOST_GROWN


def test_a_fast_sensor_follows_by_the_second_and_a_slow_one_by_the_scan() -> None:
    assert pace(rate_hz=10.0, hop_scans=10) == pytest.approx(pace(rate_hz=1.0, hop_scans=1), rel=0.01)
    assert pace(rate_hz=1 / 300, hop_scans=1) == pace(rate_hz=1.0, hop_scans=1)
