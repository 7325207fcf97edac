import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.errors import SensorError
from device_agent.sensors.chips.crc8 import maxim, sensirion
from device_agent.sensors.chips.sht import FAMILIES, Sht, decode
from device_agent.sensors.rates import Missing
from tests.device_agent.sensors.simulated_i2c import SimulatedBus, SimulatedSht

COMMANDS = {"sht3x": b"\x24\x00", "sht4x": b"\xfd"}


def frame(temperature: int, humidity: int) -> bytes:
    words = (temperature.to_bytes(2), humidity.to_bytes(2))
    return b"".join(word + bytes([sensirion(word)]) for word in words)


def test_the_checksum_is_that_of_the_data_sheet() -> None:
    assert sensirion(b"\xbe\xef") == 0x92


def test_maxims_checksum_is_that_of_its_application_note() -> None:
    assert maxim(bytes.fromhex("021cb801000000")) == 0xA2


@pytest.mark.parametrize(
    ("chip", "at_zero", "at_full"), [("sht3x", (-45, 0), (130, 100)), ("sht4x", (-45, -6), (130, 119))]
)
def test_both_ends_of_the_range_come_out_as_the_formula_says(
    chip: str, at_zero: tuple[float, ...], at_full: tuple[float, ...]
) -> None:
    family = FAMILIES[chip]
    assert decode(frame(0, 0), family)[0] == at_zero[0]
    assert decode(frame(0xFFFF, 0xFFFF), family)[0] == at_full[0]
    assert (family.percent_offset, family.percent_offset + family.percent_span) == (at_zero[1], at_full[1])


@pytest.mark.parametrize("chip", ["sht3x", "sht4x"])
def test_a_measurement_is_waited_for_while_the_chip_does_not_answer(bus: SimulatedBus, chip: str) -> None:
    simulated = bus.chips[0x44] = SimulatedSht(COMMANDS[chip])
    sensor = Sht(name="air", chip=chip, bus=bus.device).open()
    assert sensor.read().values == pytest.approx((25.0, 50.0 if chip == "sht3x" else 56.5), abs=0.01)
    simulated.busy_polls = 10_000
    with pytest.raises(SensorError, match="still busy"):
        sensor.read()
    sensor.close()


def test_the_other_family_does_not_understand_the_command(bus: SimulatedBus) -> None:
    bus.chips[0x44] = SimulatedSht(COMMANDS["sht3x"])
    with pytest.raises(SensorError, match="no answer"):
        Sht(name="air", chip="sht4x", bus=bus.device).open()


def test_a_wrong_checksum_spoils_its_own_value_only(bus: SimulatedBus) -> None:
    simulated = bus.chips[0x44] = SimulatedSht(COMMANDS["sht4x"])
    sensor = Sht(name="air", chip="sht4x", bus=bus.device).open()
    simulated.spoilt = bytes([0, 1, 0, 0, 0, 0])
    reading = sensor.read()
    assert reading.gaps == {"temperature_celsius": "wrong checksum"}
    assert reading.values[1] == pytest.approx(56.5, abs=0.01)
    sensor.close()


@given(st.binary(min_size=3, max_size=3), st.integers(0, 23))
def test_no_flipped_bit_passes_the_checksum(word: bytes, bit: int) -> None:
    right = word[:2] + bytes([sensirion(word[:2])])
    spoilt = (int.from_bytes(right) ^ 1 << bit).to_bytes(3)
    assert decode(spoilt + right, FAMILIES["sht3x"])[0] == Missing("wrong checksum")


def test_an_impossible_humidity_with_a_right_checksum_is_a_gap() -> None:
    assert isinstance(decode(frame(0x6666, 0xFFFF), FAMILIES["sht4x"])[1], Missing)
    assert decode(frame(0x6666, 0x0A00), FAMILIES["sht4x"])[1] == 0.0
