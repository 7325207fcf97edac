import threading
from itertools import pairwise

import pytest

from device_agent.clock import SimulatedClock
from device_agent.errors import ConfigError, SensorError
from device_agent.sampling.sampler import Sampler
from device_agent.sensors.chips.adxl345 import RATES_HZ, Accelerometer, Fifo, channels, supported
from device_agent.sensors.chips.adxl345_i2c import Adxl345I2c
from device_agent.sensors.i2c import Chip, I2cSensor
from tests.device_agent.sensors.simulated_i2c import SimulatedAdxl345, SimulatedBus
from tests.device_agent.sensors.sinks import Enough


@pytest.fixture
def simulated(bus: SimulatedBus) -> SimulatedAdxl345:
    bus.chips[0x53] = SimulatedAdxl345(per_look=0)
    return bus.chips[0x53]


@pytest.fixture
def chip(bus: SimulatedBus) -> Chip:
    return Chip(I2cSensor(name="pump", bus=bus.device), 0x53)


def test_scans_come_out_in_order_and_in_g(simulated: SimulatedAdxl345, chip: Chip) -> None:
    fifo = Fifo(chip, 200, 16)
    simulated.feed(3)
    drained = fifo.drain()
    assert drained.scans.tolist() == [[n / 256, -n / 256, 1.0] for n in (1, 2, 3)]
    assert not drained.overrun
    fifo.close()


def test_a_fifo_that_overran_says_so_once_and_keeps_the_latest(simulated: SimulatedAdxl345, chip: Chip) -> None:
    fifo = Fifo(chip, 200, 16)
    simulated.feed(40)
    drained = fifo.drain()
    assert drained.overrun
    assert (drained.scans[:, 0] * 256).tolist() == list(range(9, 41))
    simulated.feed(1)
    assert not fifo.drain().overrun
    fifo.close()


def test_an_empty_fifo_is_no_error_while_the_chip_measures(simulated: SimulatedAdxl345, chip: Chip) -> None:
    fifo = Fifo(chip, 200, 2)
    assert fifo.drain().scans.shape == (0, 3)
    simulated.lose_power()
    with pytest.raises(SensorError, match="forgot its settings"):
        fifo.drain()
    fifo.close()


def test_what_an_earlier_owner_left_in_the_fifo_is_forgotten(simulated: SimulatedAdxl345, chip: Chip) -> None:
    Fifo(chip, 200, 2)
    simulated.feed(5)
    assert Fifo(chip, 200, 2).drain().scans.shape == (0, 3)


def test_another_chip_at_the_address_is_told(simulated: SimulatedAdxl345, chip: Chip) -> None:
    simulated._registers[0] = 0x33
    with pytest.raises(SensorError, match="no ADXL345: it calls itself 0x33"):
        Fifo(chip, 200, 2)


def test_rates_and_their_codes_are_those_of_the_data_sheet() -> None:
    assert RATES_HZ[3200] == 0xF
    assert RATES_HZ[100] == 0xA
    assert RATES_HZ[6.25] == 0x6


def test_a_rate_that_the_chip_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match="no 150 Hz") as caught:
        supported(150, 800, "")
    assert "100, 200, 400, 800" in caught.value.remedy


@pytest.mark.parametrize("range_g", [2, 4, 8, 16])
def test_the_ends_of_the_range_are_beyond_it(range_g: int) -> None:
    for channel in channels(range_g):
        assert channel.high < (range_g * 256 - 1) / 256
        assert channel.low > -range_g


def test_a_block_says_when_its_first_scan_was_taken(simulated: SimulatedAdxl345, chip: Chip) -> None:
    sensor = Accelerometer(channels(16), Fifo(chip, 200, 16), 200)
    simulated.feed(4)
    block = sensor.read_block()
    assert block.values.shape == (4, 3)
    assert block.offset_ns == -17_500_000
    assert (block.gap, block.lost) == ("", 0)
    assert sensor.read_block().values.shape == (0, 3)
    sensor.close()


def test_what_an_overrun_cost_is_told_by_the_time_that_passed(simulated: SimulatedAdxl345, chip: Chip) -> None:
    times = iter([0, 500_000_000])
    sensor = Accelerometer(channels(16), Fifo(chip, 200, 16), 200, lambda: next(times))
    simulated.feed(100)
    block = sensor.read_block()
    assert (len(block.values), block.gap, block.lost) == (32, "the chip's FIFO overran", 68)
    sensor.close()


@pytest.mark.parametrize(("bus_khz", "highest"), [(100, 200), (400, 400)])
def test_a_rate_that_i2c_cannot_carry_is_refused_with_the_reason(bus_khz: int, highest: int) -> None:
    assert Adxl345I2c(name="p", bus_khz=bus_khz, rate_hz=highest).describe().rate_hz == highest
    with pytest.raises(ConfigError, match=f"at most {highest} here: .* over I2C at `bus_khz` {bus_khz}") as caught:
        Adxl345I2c(name="p", bus_khz=bus_khz, rate_hz=3200).describe()
    assert "SPI" in caught.value.remedy


def test_read_scan_by_scan_it_gives_the_newest_one_and_never_one_twice(
    simulated: SimulatedAdxl345, bus: SimulatedBus
) -> None:
    sensor = Adxl345I2c(name="pump", bus=bus.device, rate_hz=200).open()
    simulated.feed(3)
    assert sensor.read().values[0] == 3 / 256
    with pytest.raises(SensorError, match="measures nothing"):
        sensor.read()
    simulated.per_look = 1
    assert sensor.read().values[0] == 4 / 256
    sensor.close()


def test_sampled_in_blocks_no_scan_is_lost_doubled_or_out_of_order(
    simulated: SimulatedAdxl345, bus: SimulatedBus
) -> None:
    simulated.per_look = 20
    stop = threading.Event()
    config = Adxl345I2c(name="pump", bus=bus.device, bus_khz=400, rate_hz=400)
    scans = Enough(stop, 200, config.describe().channels)
    Sampler(config, SimulatedClock(), scans).run(stop)
    assert [round(scan.values[0] * 256) for scan in scans.taken] == list(range(1, 201))
    assert [scan.seq for scan in scans.taken] == list(range(200))
    steps = {later.monotonic_ns - scan.monotonic_ns for scan, later in pairwise(scans.taken)}
    assert steps == {2_500_000}


def test_what_an_overrun_lost_is_missed_in_the_numbers_of_the_scans(
    simulated: SimulatedAdxl345, bus: SimulatedBus
) -> None:
    simulated.per_look = 40
    stop = threading.Event()
    config = Adxl345I2c(name="pump", bus=bus.device, rate_hz=100)
    scans = Enough(stop, 64, config.describe().channels)
    sampler = Sampler(config, SimulatedClock(), scans)
    sampler.run(stop)
    assert sampler.counters.missed >= 2
    assert scans.taken[-1].seq == 63 + sampler.counters.missed
