import errno
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.chips.bme280 import Bme280
from device_agent.sensors.chips.sht import Sht
from tests.device_agent.sensors.simulated_i2c import SimulatedBme280, SimulatedBus, SimulatedSht


@pytest.mark.parametrize(
    ("number", "said", "remedy"),
    [
        (errno.EREMOTEIO, "0x76 on .*/i2c-1: no answer", "i2cdetect -y 1"),
        (errno.ENXIO, "no answer", "i2cdetect -y 1"),
        (errno.EAGAIN, "lost the bus to another master", "noise"),
        (errno.ETIMEDOUT, "the bus hangs", "pull-ups"),
        (errno.EIO, "Input/output error", "wiring"),
    ],
)
def test_what_a_bus_can_do_wrong_is_told_with_a_remedy(bus: SimulatedBus, number: int, said: str, remedy: str) -> None:
    bus.chips[0x76] = SimulatedBme280()
    sensor = Bme280(name="air", bus=bus.device).open()
    bus.fault = number
    with pytest.raises(SensorError, match=said) as caught:
        sensor.read()
    assert remedy in caught.value.remedy
    bus.fault = None
    assert not sensor.read().gaps
    sensor.close()


def test_a_bus_that_hangs_costs_one_timeout(bus: SimulatedBus) -> None:
    bus.chips[0x44] = SimulatedSht(b"\xfd")
    sensor = Sht(name="air", chip="sht4x", bus=bus.device, timeout_ms=20).open()
    bus.hangs = True
    before, begin = bus.transfers, time.monotonic()
    with pytest.raises(SensorError, match="hangs"):
        sensor.read()
    assert bus.transfers - before == 1
    assert bus.timeout_s == 0.02
    assert time.monotonic() - begin < 1
    sensor.close()


def test_sensors_of_one_bus_keep_their_own_timeouts(bus: SimulatedBus) -> None:
    bus.chips[0x76] = SimulatedBme280()
    bus.chips[0x44] = SimulatedSht(b"\xfd")
    patient = Sht(name="patient", chip="sht4x", bus=bus.device, timeout_ms=1000).open()
    hasty = Bme280(name="hasty", bus=bus.device, timeout_ms=15).open()
    patient.read()
    assert bus.timeout_s == 1.0
    hasty.read()
    assert bus.timeout_s == 0.02
    patient.close()
    hasty.close()


def test_a_bus_that_others_hold_is_waited_for_no_longer_than_the_timeout(bus: SimulatedBus) -> None:
    bus.chips[0x76] = SimulatedBme280()
    bus.chips[0x44] = SimulatedSht(b"\xfd")
    held = Sht(name="held", chip="sht4x", bus=bus.device, timeout_ms=500).open()
    waits = Bme280(name="waits", bus=bus.device, timeout_ms=10).open()
    bus.hangs = True

    def hold() -> None:
        with pytest.raises(SensorError):
            held.read()

    holder = threading.Thread(target=hold)
    holder.start()
    while not bus._busy.locked():
        assert holder.is_alive()
    with pytest.raises(SensorError, match="others use the bus"):
        waits.read()
    assert holder.is_alive()
    holder.join()
    held.close()
    waits.close()


def test_sensors_that_share_a_bus_never_disturb_each_other(bus: SimulatedBus) -> None:
    bus.chips[0x76] = SimulatedBme280()
    bus.chips[0x44] = SimulatedSht(b"\xfd")
    air = Bme280(name="air", bus=bus.device).open()
    other = Sht(name="other", chip="sht4x", bus=bus.device).open()
    seen: dict[str, list[tuple[float, ...]]] = {"air": [], "other": []}

    def watch(name: str, sensor) -> None:
        seen[name] = [sensor.read().values for _ in range(10)]

    threads = [threading.Thread(target=watch, args=pair) for pair in (("air", air), ("other", other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert bus.overlaps == 0
    assert [len(values) for values in seen.values()] == [10, 10]
    assert all(a == b for values in seen.values() for a, b in pairwise(values))
    air.close()
    other.close()


def test_a_chip_belongs_to_one_sensor_until_it_is_closed(bus: SimulatedBus) -> None:
    bus.chips[0x76] = SimulatedBme280()
    config = Bme280(name="air", bus=bus.device)
    first = config.open()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(SensorError, match="in use by another sensor"):
        config.open()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    first.close()
    config.open().close()


def test_a_chip_that_cannot_be_prepared_is_given_back(bus: SimulatedBus) -> None:
    config = Bme280(name="air", bus=bus.device)
    for _ in range(2):
        with pytest.raises(SensorError, match="no answer"):
            config.open()


def test_a_bus_that_is_not_there_is_worth_another_try(bus: SimulatedBus) -> None:
    with pytest.raises(SensorError, match="no such bus") as caught:
        Bme280(name="air", bus=bus.device + "7").open()
    assert "do_i2c" in caught.value.remedy


def test_a_device_that_is_no_bus_is_told(tmp_path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(SensorError, match="Inappropriate ioctl"):
        Bme280(name="air", bus=str(path)).open()


def test_a_missing_library_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smbus2", None)
    with pytest.raises(ConfigError) as caught:
        Bme280(name="air").open()
    assert "[i2c]" in caught.value.remedy
    assert len(Bme280(name="air").describe().channels) == 3


def test_a_rate_beyond_the_chip_is_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="200 scans per second, at most 70 here: a measurement"):
        Bme280(name="air", rate_hz=200).describe()
