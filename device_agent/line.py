"""One sensor's line: sampler → queue → pipeline → spool.

```
sampler thread ──ScanQueue──▶ condenser thread ──events──▶ accept (fsync)
```
An event counts as accepted when ``accept`` returned, never before.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from contract.events import AnyEvent, SensorHealth
from device_agent.clock import Clock
from device_agent.config import GatewayConfig
from device_agent.filters.model import LevelModel
from device_agent.identity import Identity
from device_agent.pipeline import SensorPipeline
from device_agent.sampling.queue import ScanQueue
from device_agent.sampling.sampler import Sampler
from device_agent.sensors.drivers import AnySensorConfig

Accept = Callable[[Sequence[AnyEvent]], None]

_PATIENCE_S = 0.5
"""How long the condenser waits for scans before it looks whether it should end."""


class Surroundings(NamedTuple):
    """What all lines of a process share."""

    config: GatewayConfig
    identity: Identity
    clock: Clock
    accept: Accept


class SensorLine:
    """Everything that belongs to one sensor.

    Args:
        sensor: Its configuration.
        around: What it shares with the other lines.

    Raises:
        ConfigError: The sensor cannot work as configured.
        ModelError: The model cannot be used.
    """

    def __init__(self, sensor: AnySensorConfig, around: Surroundings) -> None:
        self.name = sensor.name
        self.accepted = 0
        self._clock = around.clock
        self._accept = around.accept
        self._queue = ScanQueue()
        self.sampler = Sampler(sensor, around.clock, self._queue)
        self._pipeline = make_pipeline(sensor.name, self.sampler, around)

    @property
    def raw_bytes(self) -> int:
        """What its samples would weigh as compact JSON."""
        return self._pipeline.raw_bytes

    def sample(self, stop: threading.Event) -> None:
        """The sampler thread's work."""
        self.sampler.run(stop)

    def condense(self, stop: threading.Event) -> None:
        """The condenser thread's work: ends when the sampler has ended, or hangs after ``stop``."""
        while not self._queue.finished:
            scans = self._queue.take(_PATIENCE_S)
            if not scans and stop.is_set():
                break
            self._keep([event for scan in scans for event in self._pipeline.push(scan)])
        self._keep(self._pipeline.finish(self._clock.wall_ms(), self._clock.monotonic_ns()))

    def health(self) -> SensorHealth:
        """Its counters as the cloud gets them."""
        counted = self.sampler.counters
        return SensorHealth(
            state="failed" if self.sampler.failing else self._pipeline.state,
            rate_hz=self.sampler.rate_hz,
            scans=counted.scans,
            samples=counted.samples,
            windows=self._pipeline.windows,
            gaps=counted.gaps,
            late=counted.late,
            missed=counted.missed,
            shed=counted.shed,
            last_gap=counted.last_gap,
            drifting=self._pipeline.drifting,
        )

    def counters(self) -> Mapping[str, int]:
        """What else its stages count, by name."""
        return {"failures": self.sampler.counters.failures, **self._pipeline.counters}

    def _keep(self, events: Sequence[AnyEvent]) -> None:
        if events:
            self._accept(events)
            self.accepted += len(events)


def make_pipeline(name: str, sampler: Sampler, around: Surroundings) -> SensorPipeline:
    """The pipeline for a sensor, with the configured model or the shipped one."""
    path = around.config.model_path()
    return SensorPipeline(
        name,
        sampler.channels,
        sampler.rate_hz,
        config=around.config,
        identity=around.identity,
        model=LevelModel.load(path, len(sampler.channels)),
    )
