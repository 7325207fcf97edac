import numpy as np
import pytest

from device_agent.filters.calibration import Calibration
from device_agent.filters.normal import MovingNormal
from device_agent.sensors.port import AlarmOn, Channel


def _calibration(channel: Channel, **changes: object) -> Calibration:
    fields = {
        "channels": (channel,),
        "rate_hz": 10.0,
        "model_sha256": "ab",
        "made_wall_ms": 1,
        "scans": 400,
        "mu": (50.0,),
        "sd": (10.0,),
        "base": (0.0,),
        "shown": (0.5,),
        "least": (4.0,),
        "watched": (True,),
    }
    return Calibration(**{**fields, **changes})


def _rise_threshold(calibration: Calibration) -> float:
    return 1 / float(MovingNormal(calibration).tensors.inv_rise[0])


@pytest.mark.parametrize(("alarm_on", "rise", "fall"), [("rise", 1, 0), ("fall", 0, 1), ("both", 1, 1)])
def test_a_direction_that_does_not_matter_is_switched_off(alarm_on: AlarmOn, rise: int, fall: int) -> None:
    tensors = MovingNormal(_calibration(Channel(name="one", alarm_on=alarm_on))).tensors
    assert (tensors.inv_rise[0] > 0, tensors.inv_fall[0] > 0) == (rise, fall)


def test_an_unwatched_channel_is_off() -> None:
    tensors = MovingNormal(_calibration(Channel(name="one"), watched=(False,))).tensors
    assert tensors.inv_rise[0] == tensors.inv_fall[0] == tensors.inv_sd[0] == 0


def test_the_threshold_is_what_matters_or_what_calibration_showed() -> None:
    channel = Channel(name="one")
    assert _rise_threshold(_calibration(channel)) == pytest.approx(4.0)
    assert _rise_threshold(_calibration(channel, shown=(4.0,))) == pytest.approx(6.0)


@pytest.mark.parametrize(("mu", "threshold"), [(20.0, 4.0), (60.0, 2.8), (80.0, 1.4), (90.0, 1.0), (100.0, 1.0)])
def test_near_the_end_of_the_range_less_is_enough(mu: float, threshold: float) -> None:
    channel = Channel(name="cpu_percent", high=100)
    assert _rise_threshold(_calibration(channel, mu=(mu,))) == pytest.approx(threshold)


def test_the_centre_follows_and_the_threshold_with_it() -> None:
    normal = MovingNormal(_calibration(Channel(name="cpu_percent", high=100), mu=(60.0,)))
    normal.follow(np.array([-4.0], dtype=np.float32), 0.5)
    assert normal.calibration.mu == pytest.approx((40.0,))
    assert normal.tensors.inv_rise[0] == pytest.approx(1 / 4.0)


def test_the_margin_ends_before_the_range_does() -> None:
    calibration = _calibration(Channel(name="cpu_percent", high=100), mu=(60.0,), shown=(3.0,))
    assert _rise_threshold(calibration) == pytest.approx(3.6)
