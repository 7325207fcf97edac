import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.onewire import Ds18b20, celsius
from device_agent.sensors.rates import Missing
from tests.device_agent.sensors.simulated_onewire import SimulatedOneWire, scratchpad, sealed, shown

FLOW, BACK = "28-0316a2795aff", "28-0316a27900ab"
REAL = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"


@pytest.fixture
def wire(tmp_path) -> SimulatedOneWire:
    return SimulatedOneWire(tmp_path / "devices")


def boiler(wire: SimulatedOneWire, **changes) -> Ds18b20:
    return Ds18b20(**{"name": "boiler", "probes": {"flow": FLOW, "back": BACK}, "folder": str(wire.folder)} | changes)


def test_what_a_real_kernel_shows_is_read() -> None:
    assert celsius(REAL) == 23.125


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("07d0", 125),
        ("0191", 25.0625),
        ("00a2", 10.125),
        ("0008", 0.5),
        ("0000", 0),
        ("fff8", -0.5),
        ("ff5e", -10.125),
        ("fe6f", -25.0625),
        ("fc90", -55),
    ],
)
def test_the_data_sheets_table_of_temperatures_comes_out(word: str, expected: float) -> None:
    assert celsius(shown(scratchpad(int.from_bytes(bytes.fromhex(word), signed=True)))) == expected


def test_a_value_of_85_is_a_gap_unless_the_probe_shows_that_it_converted() -> None:
    assert celsius(shown(scratchpad(0x0550, converted=False))) == Missing(
        "power-on value of 85 °C: it lost its power, or did not convert"
    )
    assert celsius(shown(scratchpad(0x0550, converted=True))) == 85.0
    assert celsius(shown(scratchpad(0x0551))) == 85.0625


def test_a_bus_that_is_shorted_to_ground_is_a_gap_though_its_checksum_is_right() -> None:
    text = shown(bytes(9))
    assert "YES" in text
    assert celsius(text) == Missing("only zeros: the bus is shorted to ground")


def test_bytes_without_settings_are_no_probes() -> None:
    data = scratchpad(0x0191)
    assert celsius(shown(sealed(data[:4] + b"\0" + data[5:8]))) == Missing("not the bytes of a DS18B20")


@pytest.mark.parametrize("bit", range(72))
def test_no_flipped_bit_is_ever_a_temperature(bit: int) -> None:
    spoilt = (int.from_bytes(scratchpad(0x0191)) ^ 1 << bit).to_bytes(9)
    assert celsius(shown(spoilt)) == Missing("wrong checksum")
    assert celsius(shown(spoilt, verdict="YES")) == Missing("wrong checksum")


def test_a_no_of_the_kernel_counts_whatever_the_bytes_say() -> None:
    assert celsius(shown(scratchpad(0x0191), verdict="NO")) == Missing("wrong checksum")


@pytest.mark.parametrize(("bits", "expected"), [(9, 10.5), (10, 10.75), (11, 10.875), (12, 10.9375)])
def test_bits_below_the_resolution_that_a_probe_is_set_to_count_as_none(bits: int, expected: float) -> None:
    assert celsius(shown(scratchpad(0xAF, bits=bits))) == expected


@given(st.text(max_size=120) | st.binary(min_size=9, max_size=9).map(shown))
def test_no_text_ever_breaks_it(text: str) -> None:
    value = celsius(text)
    assert isinstance(value, Missing) or -2048 <= value < 2048


def test_a_probe_that_is_missing_leaves_the_others(wire: SimulatedOneWire) -> None:
    wire.put(FLOW, REAL)
    reading = boiler(wire).open().read()
    assert reading.values[0] == 23.125
    assert reading.gaps == {"back": f"{BACK} is not on the bus"}


def test_no_probe_at_all_is_an_error_with_a_remedy(wire: SimulatedOneWire) -> None:
    wire.put(FLOW, "")
    with pytest.raises(SensorError, match=f"flow: no answer; back: {BACK} is not on the bus") as caught:
        boiler(wire).open().read()
    assert "pull-up" in caught.value.remedy


def test_a_probe_that_comes_back_is_read_without_opening_again(wire: SimulatedOneWire) -> None:
    wire.put(FLOW, REAL)
    sensor = boiler(wire).open()
    assert "back" in sensor.read().gaps
    wire.put(BACK, REAL)
    assert not sensor.read().gaps


def test_a_machine_without_the_bus_says_how_to_get_one(tmp_path) -> None:
    with pytest.raises(SensorError, match="no 1-Wire bus") as caught:
        Ds18b20(name="b", probes={"flow": FLOW}, folder=str(tmp_path / "none")).open()
    assert "dtoverlay=w1-gpio" in caught.value.remedy


def test_more_probes_than_the_rate_allows_are_refused_with_the_reason(wire: SimulatedOneWire) -> None:
    with pytest.raises(ConfigError, match=r"each of 2 probes converts for 0\.75 s at 12 bits"):
        boiler(wire, rate_hz=1).describe()
    assert boiler(wire, rate_hz=1, bits=10).describe().rate_hz == 1


def test_a_probe_cannot_be_a_path_out_of_the_bus() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "b", "type": "ds18b20", "probes": {"flow": "../../etc"}}, Ds18b20)
