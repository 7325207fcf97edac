"""Sensors that this process reads itself: sampler → queue → condenser, two threads each.

```
sampler thread ──ScanQueue──▶ condenser thread ──events──▶ accept (fsync)
```
Not here: what the condenser does (``device_agent.condenser``), scans that another process took
(``device_agent.greengrass.blocks``).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from contract.events import SensorState
from contract.health import SensorHealth
from device_agent.condenser import Condenser, Shape, Surroundings
from device_agent.sampling.queue import ScanQueue
from device_agent.sampling.sampler import Counters, Sampler
from device_agent.sensors.drivers import AnySensorConfig
from device_agent.supervisor import Supervisor

_PATIENCE_S = 0.5
"""How long the condenser waits for scans before it looks whether it should end."""


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

    Raises:
        ConfigError: The sensor cannot work as configured.
        ModelError: The model cannot be used.
    """

    def __init__(self, sensor: AnySensorConfig, around: Surroundings) -> None:
        self._queue = ScanQueue()
        self._sampler = Sampler(sensor, around.clock, self._queue)
        sampler = self._sampler
        self.condenser = Condenser(Shape(sensor.name, sampler.channels, sampler.rate_hz, sampler.speed), around)

    def sample(self, stop: threading.Event) -> None:
        """The sampler thread's work."""
        self._sampler.run(stop)

    def condense(self, stop: threading.Event) -> None:
        """The condenser thread's work: ends when the sampler has ended, or hangs after ``stop``."""
        while not self._queue.finished:
            scans = self._queue.take(_PATIENCE_S)
            if not scans and stop.is_set():
                break
            self.condenser.take(scans)
        self.condenser.finish()

    def health(self) -> SensorHealth:
        """See ``Line``."""
        return told(self._sampler.counters, self.condenser, failing=self._sampler.failing)

    def counters(self) -> Mapping[str, int]:
        """See ``Line``."""
        return {"failures": self._sampler.counters.failures, **self.condenser.counters}


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
        """See ``Lines``."""
        return self._lines


def told(counted: Counters, condenser: Condenser, *, failing: bool) -> SensorHealth:
    """A sampler's counters and its condenser's as the cloud gets them."""
    state: SensorState = "failed" if failing else condenser.state
    return SensorHealth(
        state=state,
        rate_hz=condenser.shape.rate_hz,
        scans=counted.scans,
        samples=counted.samples,
        windows=condenser.windows,
        gaps=counted.gaps,
        late=counted.late,
        missed=counted.missed,
        shed=counted.shed,
        last_gap=counted.last_gap,
        drifting=condenser.drifting,
        raised=condenser.raised,
        shadow=condenser.shadow,
    )
