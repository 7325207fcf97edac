"""Probes of the machine itself: the only door to psutil on the sensing path.

Each probe has its channels and looks at one thing. Where it looks is an argument, so a rule can be
tested with counters that a healthy machine never shows.

Not here: arithmetic of rates (``device_agent.sensors.rates``), pacing.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import psutil

from device_agent.sensors.port import Channel
from device_agent.sensors.rates import CounterRates, CpuShare, CpuTimes, Look, Missing, Value

Counters = Mapping[str, tuple[int, ...]]

TICKS_PER_S = 100
"""The kernel counts CPU time in these (proc(5), USER_HZ)."""

CPU = Channel(name="cpu_percent", unit="%", resolution=0.1, floor=10, low=0, high=100, alarm_on="rise")
LOAD = Channel(name="load_1m", resolution=0.01, floor=0.75, low=0, alarm_on="rise")
MEMORY = Channel(name="memory_percent", unit="%", resolution=0.01, floor=1, low=0, high=100, alarm_on="rise")
TEMPERATURE = Channel(
    name="temperature_celsius", unit="°C", resolution=0.1, floor=3, low=-40, high=150, alarm_on="rise"
)


def _throughput(name: str, floor: float) -> Channel:
    return Channel(name=name, unit="B/s", resolution=1000, floor=floor, low=0, alarm_on="rise")


DISK = (_throughput("disk_read_bytes_per_s", 8e6), _throughput("disk_write_bytes_per_s", 8e6))
NETWORK = (_throughput("network_rx_bytes_per_s", 1e6), _throughput("network_tx_bytes_per_s", 1e6))


class Probe(Protocol):
    """Looks at one thing of the machine. One thread at a time may call it."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What it measures, always the same."""

    def look(self, monotonic_ns: int) -> tuple[Value, ...]:
        """One value, or reason, per channel; ``monotonic_ns`` is the time now. Raises ``OSError``."""


class CpuProbe:
    """Share of all cores' time that was work, from differences; never blocks to measure."""

    channels = (CPU,)

    def __init__(self, source: Callable[[], CpuTimes]) -> None:
        self._source = source
        self._share = CpuShare()

    def look(self, monotonic_ns: int) -> tuple[Value, ...]:
        """See ``Probe``; the kernel's own ticks are the interval."""
        del monotonic_ns
        return (self._share.update(self._source()),)


class GaugeProbe:
    """A quantity that is read as it stands: load, memory, temperature. ``None`` from the source is a gap."""

    def __init__(self, channel: Channel, source: Callable[[], float | None]) -> None:
        self.channels = (channel,)
        self._source = source

    def look(self, monotonic_ns: int) -> tuple[Value, ...]:
        """See ``Probe``."""
        del monotonic_ns
        value = self._source()
        return (Missing("not reported") if value is None else value,)


class CounterProbe:
    """Rates of counters, summed over disks or over network interfaces."""

    def __init__(self, channels: tuple[Channel, ...], source: Callable[[], Counters]) -> None:
        self.channels = channels
        self._source = source
        self._rates = CounterRates(len(channels))

    def look(self, monotonic_ns: int) -> tuple[Value, ...]:
        """See ``Probe``."""
        return self._rates.update(Look(monotonic_ns, self._source()))


def machine_probes(sys: Path = Path("/sys")) -> tuple[Probe, ...]:
    """Probes for what this machine has; a machine without a disk or thermometer lacks those channels."""
    probes: list[Probe] = [
        CpuProbe(_cpu_times),
        GaugeProbe(LOAD, lambda: os.getloadavg()[0] / (os.cpu_count() or 1)),
        GaugeProbe(MEMORY, _memory_percent),
    ]
    disks = physical(sys / "block")
    if disks:
        probes.append(CounterProbe(DISK, lambda: _disk_counters(disks)))
    probes.append(CounterProbe(NETWORK, _Interfaces(sys / "class/net")))
    if _temperature() is not None:
        probes.append(GaugeProbe(TEMPERATURE, _temperature))
    return tuple(probes)


def physical(folder: Path) -> frozenset[str]:
    """Names under ``/sys/block`` or ``/sys/class/net`` that are hardware.

    Partitions, loop, RAM and mapped devices, and bridges, repeat what the hardware under them counts;
    only hardware has a ``device`` link (sysfs(5)).
    """
    return frozenset(entry.parent.name for entry in folder.glob("*/device"))


def cpu_ticks(seconds: Mapping[str, float]) -> CpuTimes:
    """Psutil's CPU times by name as ticks: sums of floating-point seconds differ by what is no time."""
    ticks = {name: round(value * TICKS_PER_S) for name, value in seconds.items()}
    guests = ticks.get("guest", 0) + ticks.get("guest_nice", 0)  # already within user and nice
    idle, iowait = ticks["idle"], ticks.get("iowait", 0)
    return CpuTimes(sum(ticks.values()) - guests - idle - iowait, idle, iowait)


def _cpu_times() -> CpuTimes:
    return cpu_ticks(psutil.cpu_times()._asdict())


def _memory_percent() -> float:
    memory = psutil.virtual_memory()  # its own percentage is rounded to 0.1
    return 100.0 * (memory.total - memory.available) / memory.total


def _disk_counters(disks: frozenset[str]) -> Counters:
    # psutil's own wrap correction would hide what has to become a gap
    found = psutil.disk_io_counters(perdisk=True, nowrap=False)
    return {name: (io.read_bytes, io.write_bytes) for name, io in found.items() if name in disks}


class _Interfaces:
    """Counters of the interfaces that count; looks for hardware again only when an interface comes or goes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: frozenset[str] = frozenset()
        self._counting: frozenset[str] = frozenset()

    def __call__(self) -> Counters:
        found = psutil.net_io_counters(pernic=True, nowrap=False)
        if found.keys() != self._seen:
            self._seen = frozenset(found)
            hardware = physical(self._folder) & self._seen
            self._counting = hardware or self._seen - {"lo"}  # a container's only interface is no hardware
        return {name: (found[name].bytes_recv, found[name].bytes_sent) for name in self._counting}


def _temperature() -> float | None:
    """The hottest thermometer, °C."""
    read = getattr(psutil, "sensors_temperatures", dict)  # Linux and FreeBSD only
    found = [entry.current for entries in read().values() for entry in entries]
    return max(found, default=None)
