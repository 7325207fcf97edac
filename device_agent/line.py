"""Sensors that this process reads itself: sampler → queue → condenser, two threads each.

```
sampler thread ──ScanQueue──▶ condenser thread ──events──▶ accept (fsync)
```
Not here: what the condenser does (``device_agent.condenser``), scans that another process took
(``device_agent.greengrass.blocks``).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from contract.health import SensorHealth
from device_agent.condenser import Condenser, Shape, Surroundings
from device_agent.config import GatewayConfig
from device_agent.sampling.connection import naming
from device_agent.sampling.queue import CAPACITY, CAPACITY_S, ScanQueue
from device_agent.sampling.sampler import Sampler
from device_agent.sensors.drivers import AnySensorConfig
from device_agent.sensors.port import Scan
from device_agent.sensors.scan_block import ScanBlock
from device_agent.spectrum_line import spectrum_line
from device_agent.supervisor import Supervisor
from device_agent.told import told

GATHER_S: Final = 0.4
"""Scans wait so long for company, where no rule waits for them: waking a thread costs as much as judging ten scans."""

MOST_COMPANY: Final = 4
"""More at once save little, and would keep the interpreter from a fast sampler for longer than it may be late."""

PATIENCE_S: Final = 0.5
"""No scan waits longer; and how often a condenser without any looks whether it should end."""


class Line(Protocol):
    """One sensor as the process's status sees it. Any thread may look.

    Attributes:
        condenser: Its events.
    """

    @property
    def condenser(self) -> Condenser:
        """See the class."""

    def health(self) -> SensorHealth:
        """Its counters as the cloud gets them."""

    def counters(self) -> Mapping[str, int]:
        """What else its stages count, by name."""


class Lines(Protocol):
    """All sensors of a process, each with its threads."""

    def start(self, supervisor: Supervisor) -> None:
        """Starts their threads. Called once."""

    def all(self) -> Sequence[Line]:
        """Those there are now, in an order that stays."""


OpenLines = Callable[[Surroundings], Lines]


class SensorLine:
    """Everything that belongs to one sensor that is read here.

    Args:
        sensor: Its configuration.
        around: What it shares with the other lines.

    Attributes:
        condenser: See ``Line``.
        spectrum: What is made of its vibrations, if anything is.

    Raises:
        ConfigError: The sensor cannot work as configured.
        ModelError: The model cannot be used.
    """

    def __init__(self, sensor: AnySensorConfig, around: Surroundings) -> None:
        with naming(sensor.name):
            rate_hz = sensor.describe().rate_hz
        self._queue = ScanQueue(round(max(CAPACITY, CAPACITY_S * rate_hz)), company=company(rate_hz, around.config))
        sampler = self._sampler = Sampler(sensor, around.clock, self._queue)
        self._standstill = around.standstill
        self.condenser = Condenser(Shape(sensor.name, sampler.channels, sampler.rate_hz, sampler.speed), around)
        self.spectrum = spectrum_line(self.condenser, around)

    def sample(self, stop: threading.Event) -> None:
        """The sampler thread's work."""
        self._sampler.run(stop)

    def condense(self, stop: threading.Event) -> None:
        """The condenser thread's work: ends when the sampler has ended, or hangs after ``stop``."""
        while not self._queue.finished:
            scans = self._queue.take(PATIENCE_S)
            if not scans and stop.is_set():
                break
            self._take(scans)
        self.condenser.finish()
        if self.spectrum:
            self.spectrum.condenser.finish()

    def _take(self, scans: Sequence[Scan | ScanBlock]) -> None:
        self.condenser.take(scans)
        if self.spectrum:
            self.spectrum.take(scans)

    def health(self) -> SensorHealth:
        """See ``Line``."""
        counted, before = self._sampler.counters, self._standstill
        missed = counted.missed + before.missed(self._sampler.rate_hz)
        last_gap = counted.last_gap or before.reason or None
        counted = counted._replace(missed=missed, last_gap=last_gap)
        return told(counted, self.condenser, failing=self._sampler.failing)

    def counters(self) -> Mapping[str, int]:
        """See ``Line``."""
        return {"failures": self._sampler.counters.failures, **self.condenser.counters}


def company(rate_hz: float, config: GatewayConfig) -> int:
    """So many scans of a sensor are condensed at once."""
    return 1 if config.rules else max(1, min(MOST_COMPANY, int(GATHER_S * rate_hz)))


class SensorLines:
    """A line for each configured sensor.

    Raises:
        ConfigError: A sensor cannot work as configured.
        ModelError: The model cannot be used.
    """

    def __init__(self, around: Surroundings) -> None:
        self._lines = [SensorLine(sensor, around) for sensor in around.config.sensors]

    def start(self, supervisor: Supervisor) -> None:
        """See ``Lines``."""
        for line in self._lines:
            name = line.condenser.shape.name
            supervisor.start(f"sample-{name}", line.sample)
            supervisor.start(f"condense-{name}", line.condense)

    def all(self) -> Sequence[Line]:
        """See ``Lines``; what is made of a sensor's vibrations follows it."""
        return [each for line in self._lines for each in (line, line.spectrum) if each]
