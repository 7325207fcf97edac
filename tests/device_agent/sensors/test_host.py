import time
from pathlib import Path

from device_agent.sensors.host import Host, HostSensor
from device_agent.sensors.port import Channel
from device_agent.sensors.probes import CounterProbe, GaugeProbe, cpu_ticks, physical
from device_agent.sensors.rates import CpuShare, CpuTimes

CPU_CHANNELS = {"cpu_percent", "load_1m", "memory_percent"}


def test_the_host_measures_this_machine() -> None:
    sensor = HostSensor(name="host").open()
    names = [channel.name for channel in sensor.channels]
    assert set(names) >= CPU_CHANNELS
    first = sensor.read()
    assert "cpu_percent" in first.gaps
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        sum(range(1000))
    found = dict(zip(names, sensor.read().values, strict=True))
    assert 10 < found["cpu_percent"] <= 100
    assert 0 < found["memory_percent"] < 100
    assert found["load_1m"] >= 0
    sensor.close()


def test_a_probe_that_fails_makes_gaps_in_its_own_channels_only() -> None:
    def broken() -> dict[str, tuple[int, ...]]:
        raise FileNotFoundError(2, "No such file or directory", "/proc/diskstats")

    a, b, c = (Channel(name=name) for name in "abc")
    sensor = Host((GaugeProbe(a, lambda: 1.0), CounterProbe((b, c), broken)), (a, b, c), lambda: 0)
    reading = sensor.read()
    assert reading.values[0] == 1.0
    assert reading.gaps == dict.fromkeys("bc", "cannot be read: No such file or directory")


def test_a_thermometer_that_stops_reporting_is_a_gap() -> None:
    channel = Channel(name="temperature_celsius")
    sensor = Host((GaugeProbe(channel, lambda: None),), (channel,), lambda: 0)
    assert sensor.read().gaps == {"temperature_celsius": "not reported"}


def test_only_hardware_is_counted_so_that_nothing_counts_twice(tmp_path: Path) -> None:
    (tmp_path / "sda/device").mkdir(parents=True)
    (tmp_path / "sda/sda1").mkdir()
    (tmp_path / "loop0").mkdir()
    (tmp_path / "dm-0").mkdir()
    assert physical(tmp_path) == {"sda"}


def test_reading_the_host_takes_little_of_a_core() -> None:
    sensor = HostSensor(name="host").open()
    sensor.read()
    begin = time.process_time()
    for _ in range(100):
        sensor.read()
    assert (time.process_time() - begin) / 100 < 0.005  # 5 % of a core at 10 Hz; a small fraction is usual
    sensor.close()


def test_an_idle_machine_is_at_zero_whatever_floating_point_makes_of_its_seconds() -> None:
    begin = {"user": 12.1 + 0.2, "system": 3.3, "idle": 100.7, "iowait": 1.1}
    share = CpuShare()
    share.update(cpu_ticks(begin))
    assert share.update(cpu_ticks(begin | {"user": 12.3, "idle": 100.9})) == 0.0


def test_time_of_guests_is_not_counted_twice() -> None:
    assert cpu_ticks({"user": 5.0, "guest": 4.0, "idle": 1.0}) == CpuTimes(500, 100, 0)
