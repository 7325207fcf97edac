import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.errors import SensorError
from device_agent.sensors.chips.bme280 import Bme280, Bmp280, Calibration, compensate
from device_agent.sensors.rates import Missing
from tests.device_agent.sensors.simulated_i2c import SimulatedBme280, SimulatedBmp280, SimulatedBus

CHIP = SimulatedBme280
CALIBRATION = Calibration(CHIP.T, CHIP.P, (CHIP.H1, CHIP.H2, CHIP.H3, CHIP.H4, CHIP.H5, CHIP.H6))


def data(temperature: int, pressure: int, humidity: int) -> bytes:
    return (pressure << 4).to_bytes(3) + (temperature << 4).to_bytes(3) + humidity.to_bytes(2)


def integer_percent(raw: int, fine: int) -> float:
    """The data sheet's other formula for humidity (4.2.3), in 32-bit integers, in units of 1/1024 %."""
    h1, h2, h3, h4, h5, h6 = CALIBRATION.h
    x = fine - 76800
    x = (((raw << 14) - (h4 << 20) - h5 * x + 16384) >> 15) * (
        ((((((x * h6) >> 10) * (((x * h3) >> 11) + 32768)) >> 10) + 2097152) * h2 + 8192) >> 14
    )
    x -= ((((x >> 15) * (x >> 15)) >> 7) * h1) >> 4
    return (min(max(x, 0), 419430400) >> 12) / 1024


def test_the_data_sheets_worked_example_comes_out() -> None:
    celsius, hpa, _ = compensate(data(519888, 415148, 28000), CALIBRATION)
    assert celsius == pytest.approx(25.08, abs=0.005)
    assert hpa == pytest.approx(1006.5327, abs=0.0001)


@pytest.mark.parametrize("raw", [22000, 25000, 28000, 31000, 34000])
def test_humidity_agrees_with_the_data_sheets_integer_formula(raw: int) -> None:
    percent = compensate(data(519888, 415148, raw), CALIBRATION)[2]
    assert percent == pytest.approx(integer_percent(raw, 128422), abs=0.02)


def test_the_calibration_is_read_from_the_chips_registers_with_its_signs(bus: SimulatedBus) -> None:
    bus.chips[0x77] = SimulatedBme280()
    sensor = Bme280(name="air", bus=bus.device, address=0x77).open()
    assert sensor.read().values == pytest.approx((25.0825, 1006.5327, integer_percent(28000, 128422)), abs=0.02)
    sensor.close()


def test_nibbles_of_the_humidity_calibration_keep_their_sign() -> None:
    first = struct.pack("<HhhH8hxB", *CHIP.T, *CHIP.P, 75)
    second = struct.pack("<hBbBbb", -359, 0, -2, 0xA5, -3, -30)
    assert Calibration.parse(first, second).h == (75, -359, 0, -2 * 16 + 5, -3 * 16 + 10, -30)


def test_a_chip_that_is_slow_is_waited_for_and_one_that_never_ends_is_an_error(bus: SimulatedBus) -> None:
    chip = bus.chips[0x76] = SimulatedBme280()
    sensor = Bme280(name="air", bus=bus.device).open()
    chip.busy_polls = 10
    assert not sensor.read().gaps
    chip.busy_polls = 10_000
    with pytest.raises(SensorError, match="still busy"):
        sensor.read()
    sensor.close()


def test_a_chip_that_lost_its_power_measures_everything_again(bus: SimulatedBus) -> None:
    chip = bus.chips[0x76] = SimulatedBme280()
    sensor = Bme280(name="air", bus=bus.device).open()
    before = sensor.read()
    chip.lose_power()
    assert sensor.read() == before
    sensor.close()


def test_what_was_not_measured_is_a_gap() -> None:
    assert compensate(data(0x80000, 415148, 28000), CALIBRATION) == (Missing("not measured"),) * 3
    assert compensate(data(519888, 0x80000, 0x8000), CALIBRATION)[1:] == (Missing("not measured"),) * 2


@pytest.mark.parametrize(("found", "named"), [(0x58, "0x58: `type: bmp280`"), (0x00, "0x00$")])
def test_another_chip_at_the_address_is_told(bus: SimulatedBus, found: int, named: str) -> None:
    chip = bus.chips[0x76] = SimulatedBme280()
    chip.chip_id = found
    chip.lose_power()
    with pytest.raises(SensorError, match=named):
        Bme280(name="air", bus=bus.device).open()


def test_the_chip_without_humidity_gives_the_data_sheets_other_two(bus: SimulatedBus) -> None:
    bus.chips[0x76] = SimulatedBmp280()
    sensor = Bmp280(name="air", bus=bus.device).open()
    assert [channel.name for channel in sensor.channels] == ["temperature_celsius", "pressure_hpa"]
    assert sensor.read().values == pytest.approx((25.0825, 1006.5327), abs=0.0001)
    sensor.close()


def test_a_calibration_without_content_is_told(bus: SimulatedBus) -> None:
    chip = bus.chips[0x76] = SimulatedBme280()
    chip._registers[0x88:0xA2] = bytes(26)
    with pytest.raises(SensorError, match="its calibration is empty"):
        Bme280(name="air", bus=bus.device).open()


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=26, max_size=26), st.binary(min_size=7, max_size=7))
def test_no_bytes_ever_break_it_or_give_an_impossible_humidity(raw: bytes, first: bytes, second: bytes) -> None:
    values = compensate(raw, Calibration.parse(first, second))
    assert len(values) == 3
    assert isinstance(values[2], Missing) or 0 <= values[2] <= 100
