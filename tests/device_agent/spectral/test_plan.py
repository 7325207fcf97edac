import pytest

from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel
from device_agent.sensors.treatment import SpectralConfig, Treatment
from device_agent.spectral.plan import judged_of, plan_of


def channel(name: str, asked: SpectralConfig | None = None) -> Channel:
    treatment = Treatment(spectral=asked) if asked else None
    return Channel(name=name, unit="g", resolution=0.004, floor=0.02, treatment=treatment)


def test_nothing_is_made_of_a_sensor_of_whose_channels_nothing_is_asked() -> None:
    assert plan_of([channel("x_g")], 1000) is None


def test_each_channel_asked_for_becomes_its_numbers_and_is_not_judged_itself() -> None:
    channels = [channel("x_g", SpectralConfig(bands_hz=((10, 100), (100, 400)))), channel("celsius")]
    plan = plan_of(channels, 1000)
    assert plan is not None
    assert [made.name for made in plan.channels] == [
        "x_g_rms",
        "x_g_kurtosis",
        "x_g_crest",
        "x_g_10_100_hz",
        "x_g_100_400_hz",
    ]
    assert {made.unit for made in plan.channels} == {"g", ""}
    assert plan.channels[0].resolution == pytest.approx(0.0004)
    assert (plan.window_scans, plan.segment_scans, plan.step_scans) == (500, 250, 125)
    assert judged_of(channels) == [1]


@pytest.mark.parametrize(
    ("asked", "rate_hz", "says"),
    [
        (SpectralConfig(bands_hz=((10, 600),)), 1000, r"bands_hz\[0\]: 10 to 600 Hz"),
        (SpectralConfig(bands_hz=((20, 40), (2, 10))), 1000, r"bands_hz\[1\]: 2 to 10 Hz"),
        (SpectralConfig(bands_hz=((40, 20),)), 1000, r"bands_hz\[0\]"),
        (SpectralConfig(bands_hz=((20, 21),)), 1000, "narrower than 4 Hz"),
        (SpectralConfig(), 10, r"segment_s: 2 scans at 10 Hz, at least 16"),
        (SpectralConfig(window_s=0.1), 1000, "window_s: 100 scans"),
    ],
)
def test_what_cannot_be_had_at_the_rate_is_refused_with_its_place(
    asked: SpectralConfig, rate_hz: float, says: str
) -> None:
    with pytest.raises(ConfigError, match=rf"channels\.x_g\.spectral\.{says}" if "narrower" not in says else says):
        plan_of([channel("x_g", asked)], rate_hz)


def test_channels_of_one_sensor_share_their_windows() -> None:
    with pytest.raises(ConfigError, match=r"channels\.y_g\.spectral: other windows than `x_g`"):
        plan_of([channel("x_g", SpectralConfig()), channel("y_g", SpectralConfig(window_s=1))], 1000)
