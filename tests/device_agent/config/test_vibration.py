"""What is made of a vibration is known to the rest of the document."""

import pytest

from device_agent.config import parse
from device_agent.errors import ConfigError
from device_agent.sampling.describing import describe

DOCUMENT = """
gateway: press-3
state_dir: state
sensors:
  - type: spi_analog
    name: motor
    rate_hz: 1600
    inputs: {{x_g: {{channel: 0, unit: g}}}}
    channels: {{x_g: {{spectral: {{bands_hz: [[10, 100]]}}}}}}
  - {{type: host, name: {other}}}
rules:
  - {{name: shaking, when: motor-spectrum.{channel} > 2}}
"""


@pytest.mark.parametrize("channel", ["x_g_rms", "x_g_kurtosis", "x_g_crest", "x_g_10_100_hz"])
def test_a_rule_may_name_the_numbers_of_a_vibration(channel: str) -> None:
    config = parse(DOCUMENT.format(other="host", channel=channel).encode(), source="a.yaml")
    assert config.rules[0].when == f"motor-spectrum.{channel} > 2"


def test_a_number_that_is_not_made_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="`motor-spectrum` has no channel `x_g_rsm`") as caught:
        parse(DOCUMENT.format(other="host", channel="x_g_rsm").encode(), source="a.yaml")
    assert "x_g_rms" in caught.value.remedy


def test_bands_that_a_rate_cannot_carry_are_refused_before_anything_is_opened() -> None:
    text = DOCUMENT.format(other="host", channel="x_g_rms").replace("[10, 100]", "[10, 900]")
    with pytest.raises(ConfigError, match=r"sensor `motor`: channels\.x_g\.spectral\.bands_hz\[0\]: 10 to 900 Hz"):
        describe(parse(text.encode(), source="a.yaml"))  # as doctor, reload and a delivered layer do


def test_no_sensor_may_have_the_name_of_another_ones_numbers() -> None:
    with pytest.raises(ConfigError, match=r"'motor-spectrum' is used twice - at `\$\.sensors\[1\]\.name`"):
        parse(DOCUMENT.format(other="motor-spectrum", channel="x_g_rms").encode(), source="a.yaml")
