import pytest

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.chips.ads1115 import Ads1115, Ads1115Input, settings, volts
from device_agent.sensors.rates import Missing
from tests.device_agent.sensors.simulated_i2c import SimulatedAds1115, SimulatedBus


def four_inputs(bus: SimulatedBus, **changes) -> Ads1115:
    inputs = {
        "tank": Ads1115Input(terminal="0"),
        "bridge": Ads1115Input(terminal="0-1", range_mv=256),
        "back": Ads1115Input(terminal="2-3", range_mv=2048),
        "rail": Ads1115Input(terminal="3", range_mv=6144),
    }
    return Ads1115(**{"name": "adc", "inputs": inputs, "bus": bus.device, "data_rate": 860} | changes)


def test_every_input_is_measured_with_its_own_range(bus: SimulatedBus) -> None:
    bus.chips[0x48] = SimulatedAds1115(1.25, 1.15, 0.5, 2.0)
    sensor = four_inputs(bus).open()
    assert sensor.read().values == pytest.approx((1.25, 0.1, -1.5, 2.0), abs=0.0002)
    sensor.close()


def test_an_input_at_the_end_of_its_range_is_a_gap(bus: SimulatedBus) -> None:
    bus.chips[0x48] = SimulatedAds1115(1.0, 0.0, 0.0, 2.048)
    sensor = four_inputs(bus).open()
    assert sensor.read().gaps == {"bridge": "beyond 256 mV", "back": "beyond -2048 mV"}
    sensor.close()


@pytest.mark.parametrize(
    ("code", "expected"),
    [("7fff", Missing("beyond 4096 mV")), ("8000", Missing("beyond -4096 mV")), ("0001", 0.000125)],
)
def test_codes_are_those_of_the_data_sheet(code: str, expected: float) -> None:
    assert volts(bytes.fromhex(code), 4096) == expected


def test_the_settings_are_those_of_the_data_sheet() -> None:
    assert settings(Ads1115Input(terminal="0-1", range_mv=2048), 128) == 0x8583
    assert settings(Ads1115Input(terminal="3", range_mv=6144), 860) == 0xF1E3


def test_a_chip_that_another_program_set_otherwise_is_an_error_and_no_number(bus: SimulatedBus) -> None:
    class Meddled(SimulatedAds1115):
        def written(self, data: bytes) -> None:
            super().written(data)
            self.config ^= 0x1000 if len(data) == 3 else 0

    bus.chips[0x48] = Meddled(1.0, 2.0, 0.0, 0.0)
    sensor = four_inputs(bus).open()
    with pytest.raises(SensorError, match="forgot its settings"):
        sensor.read()
    sensor.close()


def test_more_inputs_than_the_data_rate_allows_are_refused_with_the_reason(bus: SimulatedBus) -> None:
    with pytest.raises(ConfigError, match="4 inputs at a `data_rate` of 128"):
        four_inputs(bus, data_rate=128, rate_hz=50).describe()
    four_inputs(bus, data_rate=860, rate_hz=50).describe()


def test_a_channel_keeps_every_step_of_the_converter(bus: SimulatedBus) -> None:
    steps = {"tank": 4.096, "bridge": 0.256, "back": 2.048, "rail": 6.144}
    for channel in four_inputs(bus).describe().channels:
        assert channel.resolution <= steps[channel.name] / 2**15 < 10 * channel.resolution
