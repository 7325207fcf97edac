"""A sensor that is not there: known signals, known noise, and faults on a schedule.

For trying a configuration, a rule or a dashboard without hardware, for demonstrations and measurements. Time is the
gateway's running time since the process began, so that a sensor that failed and is opened again goes on where it would
be by now, as a real one does.

Not here: signals (``device_agent.sensors.waveforms``), recordings (``device_agent.sensors.replay``).
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from device_agent.errors import ConfigError, SensorError
from device_agent.identity import monotonic_ns
from device_agent.sensors.port import GAP, Channel, Description, Reading, SensorConfig, override
from device_agent.sensors.waveforms import Finite, Signal

CHUNK_SCANS: Final = 64
"""Computed together: for one scan alone, numpy's calls cost more than the numbers."""
_TICKS_PER_S: Final = 100
"""Of proc(5)'s start time, USER_HZ."""
_START_FIELD: Final = 19
"""``starttime`` among the fields of /proc/self/stat that follow the command's name (proc(5))."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong, at a known time.

    Attributes:
        kind: ``step`` adds ``size``; ``drift`` adds ever more, ``size`` at the end; ``spike`` adds ``size`` to one
            scan; ``stuck`` repeats the value it began with; ``gap`` has no value; ``silent`` makes the sensor fail,
            ``hang`` makes a reading take until the fault is over: these two concern the whole sensor.
        channel: Which; empty for all.
        at_s: When it first begins, seconds after the process began.
        for_s: How long it lasts.
        every_s: After how long it comes again; 0 for never.
        size: In units.
    """

    kind: Literal["step", "drift", "spike", "stuck", "gap", "silent", "hang"]
    channel: str = ""
    at_s: Annotated[float, Meta(ge=0, le=1e9)]
    for_s: Annotated[float, Meta(gt=0, le=1e9)] = 1.0
    every_s: Annotated[float, Meta(ge=0, le=1e9)] = 0.0
    size: Finite = 0.0

    def since_s(self, now_s: float) -> float | None:
        """How long it has lasted; ``None`` while all is well."""
        since = now_s - self.at_s
        if since < 0:
            return None
        if self.every_s:
            since %= self.every_s
        return since if since < self.for_s else None


class SimulatedSensor(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="simulated"):
    """Signals without hardware.

    Attributes:
        signals: By channel name.
        seed: Chooses the noise.
        faults: On a schedule.
    """

    signals: Annotated[dict[str, Signal], Meta(min_length=1, max_length=512)]
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    faults: Annotated[tuple[Fault, ...], Meta(max_length=100)] = ()

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        for index, fault in enumerate(self.faults):
            _check(fault, f"faults[{index}]", self.signals)
        channels = tuple(signal.channel(name) for name, signal in self.signals.items())
        return Description(override(channels, self.channels), self.rate_hz)

    def open(self) -> "Simulated":
        """See ``SensorConfig``."""
        began_ns = process_start_ns()
        return Simulated(self, lambda: monotonic_ns() - began_ns)


class Simulated:
    """The open sensor, see ``Sensor``.

    Args:
        config: What to simulate.
        now_ns: Nanoseconds since the simulated world began.
    """

    def __init__(self, config: SimulatedSensor, now_ns: Callable[[], int]) -> None:
        self._channels = config.describe().channels
        self._config = config
        self._now_ns = now_ns
        self._chunk_number = -1
        self._chunk: list[list[float]] = []
        self._closed = threading.Event()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``; a ``hang`` blocks until it is over or the sensor is closed."""
        if self._closed.is_set():
            raise SensorError("the simulated sensor is closed")
        now_s = self._now_ns() / 1e9
        active = [(fault, since) for fault in self._config.faults if (since := fault.since_s(now_s)) is not None]
        scan = round(now_s * self._config.rate_hz)
        values = self._at(scan)
        gaps: dict[str, str] = {}
        for fault, since_s in active:
            self._apply(fault, since_s, scan, values=values, gaps=gaps)
        return Reading(tuple(values), gaps)

    def close(self) -> None:
        """See ``Sensor``."""
        self._closed.set()

    def _at(self, scan: int) -> list[float]:
        number, row = divmod(scan, CHUNK_SCANS)
        if number != self._chunk_number:
            self._chunk_number, self._chunk = number, self._computed(number * CHUNK_SCANS)
        return self._chunk[row].copy()

    def _computed(self, first: int) -> list[list[float]]:
        from device_agent.sensors.wave_values import scans_of  # noqa: PLC0415 - NumPy; who only reads a document has none

        scans = range(first, first + CHUNK_SCANS)
        return scans_of(self._config.signals, self._config.seed, scans, self._config.rate_hz)

    def _apply(self, fault: Fault, since_s: float, scan: int, *, values: list[float], gaps: dict[str, str]) -> None:
        if fault.kind == "silent":
            raise SensorError("simulated: no answer")
        if fault.kind == "hang":
            self._closed.wait(fault.for_s - since_s)
            raise SensorError("simulated: no answer in time")
        began = scan - int(since_s * self._config.rate_hz)
        before = self._at(began) if fault.kind == "stuck" else values
        for index, channel in enumerate(self._channels):
            if fault.channel not in ("", channel.name):
                continue
            if fault.kind == "gap":
                values[index], gaps[channel.name] = GAP, "simulated: no value"
            elif fault.kind == "stuck":
                values[index] = before[index]
            elif fault.kind != "spike" or scan == began:
                values[index] += fault.size * (since_s / fault.for_s if fault.kind == "drift" else 1.0)


def process_start_ns(stat: Path = Path("/proc/self/stat")) -> int:
    """When this process began, on the clock of ``identity.monotonic_ns``; to a hundredth of a second (proc(5))."""
    fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[_START_FIELD]) * (1_000_000_000 // _TICKS_PER_S)


def _check(fault: Fault, place: str, signals: Mapping[str, Signal]) -> None:
    if fault.channel and fault.channel not in signals:
        raise ConfigError(f"{place}.channel: unknown `{fault.channel}`", remedy=f"use one of: {', '.join(signals)}")
    if fault.channel and fault.kind in ("silent", "hang"):
        raise ConfigError(f"{place}: {fault.kind} concerns the whole sensor", remedy="leave out `channel`, or use gap")
    if fault.every_s and fault.every_s <= fault.for_s:
        raise ConfigError(f"{place}: comes again before it is over", remedy="make every_s longer than for_s")
