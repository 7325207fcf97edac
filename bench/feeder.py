"""Fills a spool with hours of a gateway's life in seconds, through the real pipeline.

```
plant (8 channels, 10 Hz) ─▶ SensorPipeline ─▶ append (fsync, many at a time) ─▶ spool ─▶ ledger
                      health, once a minute ───┘
```
Time is simulated: it ends at a wall time the caller names, under a boot of its own, as after a restart. Nothing is
left out of the stages: every scan is judged. What is not here: sampler and queue (their work is pacing).
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from bench.plant import CHANNELS, RATE_HZ, SENSOR, Plant, Scans
from contract.events import Lane
from contract.health import Health, SensorHealth
from contract.kinds import AnyEvent, lane_of
from device_agent import VERSION
from device_agent.condense.notes import MemoryNotes
from device_agent.config import GatewayConfig
from device_agent.filters.model import LevelModel
from device_agent.filters.store import MemoryCalibrations
from device_agent.identity import Identity
from device_agent.ledger import Acceptance, Ledger
from device_agent.pipeline import SensorPipeline
from device_agent.sensor_memory import Memory
from device_agent.sensors.port import Scan
from device_agent.spool.port import Appender

BOOT_ID: Final = "fed0" * 8
_STEP_NS: Final = round(1e9 / RATE_HZ)
_NO_GAPS: Final[dict[str, str]] = {}


class Fed(NamedTuple):
    """What a feeding put into the spool.

    Attributes:
        hours: Simulated.
        scans: Pushed through the pipeline.
        events: Accepted, by lane.
        seconds: It took.
    """

    hours: int
    scans: int
    events: dict[Lane, int]
    seconds: float

    @property
    def us_per_scan(self) -> float:
        """Microseconds of this machine per scan, making the scans included."""
        return self.seconds / self.scans * 1e6


class Feeder:
    """Feeds one spool.

    Args:
        config: The gateway's: filter, context, summary and health intervals are taken from it.
        spool: Where events become accepted.
        end_wall_ms: When the fed time ends, Unix milliseconds.
        plant: Where the scans come from.
        ledger: A harness's account.
        memory: Where calibration and open episode are kept; by default in memory.
    """

    def __init__(
        self,
        config: GatewayConfig,
        spool: Appender,
        *,
        end_wall_ms: int,
        plant: Plant | None = None,
        ledger: Ledger | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._config, self._spool, self._ledger = config, spool, ledger
        self._plant = plant or Plant()
        self._end_wall_ms = end_wall_ms
        self._begin_wall_ms = end_wall_ms
        self._pipeline = SensorPipeline(
            SENSOR,
            CHANNELS,
            RATE_HZ,
            config=config,
            identity=Identity(config.gateway, BOOT_ID),
            model=LevelModel.load(config.model_path(), len(CHANNELS)),
            memory=memory or Memory(MemoryCalibrations(), MemoryNotes()),
        )
        self._seq = 0
        self._health_every = max(1, round(config.health_s * RATE_HZ))

    def feed(self, hours: int) -> Fed:
        """Feeds so many hours. Call it once.

        Raises:
            SpoolError: The spool did not take them.
        """
        began_s = time.perf_counter()
        self._begin_wall_ms = self._end_wall_ms - hours * 3_600_000
        counts: Counter[Lane] = Counter()
        for scans in self._plant.hours(hours):
            self._accept(list(self._push(scans)), counts)
        self._accept(self._pipeline.finish(*self._now()), counts)
        return Fed(hours, self._seq, dict(counts), time.perf_counter() - began_s)

    def _push(self, scans: Scans) -> Iterator[AnyEvent]:
        push, begin_ms = self._pipeline.push, self._begin_wall_ms
        for values in scans.tolist():
            at_ns = self._seq * _STEP_NS
            yield from push(Scan(self._seq, begin_ms + at_ns // 1_000_000, at_ns, tuple(values), _NO_GAPS))
            self._seq += 1
            if self._seq % self._health_every == 0:
                yield self._health()

    def _accept(self, events: list[AnyEvent], counts: Counter[Lane]) -> None:
        places = self._spool.append(BOOT_ID, events)
        counts.update(lane_of(event) for event in events)
        if self._ledger is not None and events:
            self._ledger.record(Acceptance(self._spool.spool_id, events, places))

    def _now(self) -> tuple[int, int]:
        at_ns = self._seq * _STEP_NS
        return self._begin_wall_ms + at_ns // 1_000_000, at_ns

    def _health(self) -> Health:
        wall_ms, at_ns = self._now()
        sensor = SensorHealth(
            state=self._pipeline.state,
            rate_hz=RATE_HZ,
            scans=self._seq,
            samples=self._seq * len(CHANNELS),
            windows=self._pipeline.windows,
        )
        return Health(
            wall_ms=wall_ms,
            monotonic_ms=at_ns // 1_000_000,
            version=VERSION,
            uptime_ms=at_ns // 1_000_000,
            interval_ms=round(self._config.health_s * 1000),
            sensors={SENSOR: sensor},
            counters={name: count for name, count in self._pipeline.counters.items() if count},
        )
