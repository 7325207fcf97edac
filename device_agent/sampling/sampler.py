"""Reads one sensor on a thread of its own, paced by absolute deadlines.

```
deadline n = start + n / rate        so a slow reading delays one scan and never shifts the next
            ┌── on time ──┐ late: begun more than half an interval after its deadline, still taken
 ──n────────n+1────────n+2────────n+3──   missed: wholly overrun, no scan; ``seq`` jumps by as many
```
While a sensor does not answer, each deadline still gives a scan: every channel a gap with the reason. It is
closed and opened again meanwhile, with pauses (``device_agent.sampling.retry``).

Wall and monotonic time are stamped when a reading begins, and kept apart: a wall clock that is set
changes stamps, never the pace.

A sensor that keeps its own pace (``BlockSensor``) is asked for what has gathered every ``BLOCK_EVERY_NS``; its scans
stay together, in arrays, from here to the spool.

Not here: waiting for the pipeline. A scan that its sink cannot take is shed and counted.
"""

import logging
import random
import threading
from collections.abc import Callable
from typing import NamedTuple

from device_agent.cleaning.cleaner import Cleaner
from device_agent.clock import Clock
from device_agent.errors import ConfigError
from device_agent.sampling.connection import Connection, naming
from device_agent.sampling.queue import ScanSink
from device_agent.sampling.retry import Retry
from device_agent.sensors.port import (
    HIGHEST_BLOCK_RATE_HZ,
    HIGHEST_RATE_HZ,
    Channel,
    EndOfRecordingError,
    Scan,
    SensorConfig,
)
from device_agent.sensors.scan_block import ScanBlock

logger = logging.getLogger(__name__)

HUNG_AFTER_NS = 2_000_000_000
"""A reading begun this long ago that should have ended makes the sensor count as failing."""


BLOCK_EVERY_NS = 50_000_000
"""A sensor that keeps its own pace is asked for what has gathered so often."""


class Counters(NamedTuple):
    """What a sampler did since it was made; see ``contract.health.SensorHealth`` for the words."""

    scans: int = 0
    samples: int = 0
    gaps: int = 0
    late: int = 0
    missed: int = 0
    shed: int = 0
    failures: int = 0
    last_gap: str | None = None


class Sampler:
    """Takes scans from one sensor and puts them, cleaned, into a sink.

    Args:
        sensor: Whose configuration.
        clock: Paces and stamps.
        out: Closed when ``run`` returns.
        jitter: Random numbers from 0 to 1 for the pauses between attempts to open.

    Raises:
        ConfigError: The sensor cannot work as configured.
    """

    def __init__(
        self,
        sensor: SensorConfig,
        clock: Clock,
        out: ScanSink,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._config = sensor
        self._clock = clock
        self._out = out
        with naming(sensor.name):
            self._description = sensor.describe()
        highest_hz = HIGHEST_BLOCK_RATE_HZ if self._description.in_blocks else HIGHEST_RATE_HZ
        if not 0 < self._description.rate_hz <= highest_hz:
            raise ConfigError(
                f"sensor `{sensor.name}`: {self._description.rate_hz:g} scans per second",
                remedy=f"choose a rate, or a replay's speed, above 0 and up to {highest_hz} a second",
            )
        self._connection = Connection(sensor, self._description.channels, Retry(jitter))
        self._cleaner = Cleaner(self._description.channels)
        self._interval_ns = 1e9 / self._description.rate_hz
        self._counters = Counters()
        self._next_ns: int | None = None
        self._ended = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What every scan holds, in this order; known before the sensor answers."""
        return self._description.channels

    @property
    def rate_hz(self) -> float:
        """Deadlines per second; for a replay its recorded rate times its speed."""
        return self._description.rate_hz

    @property
    def speed(self) -> float:
        """Seconds of the sensor's own time in a second; see ``Description``."""
        return self._description.speed

    @property
    def counters(self) -> Counters:
        """The counts now, from any thread; deadlines that pass while a reading hangs count as missed already."""
        counters, overdue = self._counters, self._overdue()
        return counters._replace(missed=counters.missed + int(overdue / self._interval_ns))

    @property
    def failing(self) -> bool:
        """Whether the sensor cannot be read now, because it says so or because it does not come back."""
        return self._connection.failing or self._overdue() > max(HUNG_AFTER_NS, 2 * self._interval_ns)

    @property
    def ended(self) -> bool:
        """Whether a recording came to its end."""
        return self._ended

    def run(self, stop: threading.Event) -> None:
        """Samples until stopped or until a recording ends; blocks its own thread.

        Raises:
            ConfigError: Opening found what the description could not.
        """
        try:
            if self._description.in_blocks:
                self._run_blocks(stop)
            else:
                self._run_scans(stop)
        except EndOfRecordingError:
            self._ended = True
            logger.info("sampler.ended", extra={"sensor": self._config.name})
        finally:
            self._next_ns = None
            self._connection.close()
            self._out.close()

    def _run_scans(self, stop: threading.Event) -> None:
        start_ns, seq = self._clock.monotonic_ns(), 0
        while self._clock.wait_until(deadline_ns := start_ns + round(seq * self._interval_ns), stop):
            self._take(seq, deadline_ns)
            seq = self._next_seq(seq, start_ns)

    def _run_blocks(self, stop: threading.Event) -> None:
        from device_agent.sampling.blocks import Grid  # noqa: PLC0415 - NumPy; scans need none

        grid, turn_ns = Grid(self.channels, self._interval_ns), self._clock.monotonic_ns()
        while self._clock.wait_until(turn_ns, stop):
            wall_ms, now_ns = self._clock.wall_ms(), self._clock.monotonic_ns()
            turn_ns = max(turn_ns + BLOCK_EVERY_NS, now_ns)
            self._next_ns = now_ns + BLOCK_EVERY_NS
            block = grid.take(self._connection.read_block(now_ns), wall_ms=wall_ms, now_ns=now_ns)
            if block.scans:
                clean = self._cleaner.cleaned_block(block)
                self._count_block(clean, shed=not self._out.put_block(clean))
            self._counters = self._counters._replace(missed=grid.missed, failures=self._connection.failures)

    def _take(self, seq: int, deadline_ns: int) -> None:
        wall_ms, now_ns = self._clock.wall_ms(), self._clock.monotonic_ns()
        self._next_ns = deadline_ns + round(self._interval_ns)
        reading = self._connection.read(now_ns)
        scan = self._cleaner.clean(Scan(seq, wall_ms, now_ns, reading.values, reading.gaps))
        self._count(scan, late=now_ns - deadline_ns > self._interval_ns / 2, shed=not self._out.put(scan))

    def _next_seq(self, seq: int, start_ns: int) -> int:
        """The next deadline, or the latest one already overrun; those between are missed."""
        following = max(seq + 1, int((self._clock.monotonic_ns() - start_ns) / self._interval_ns))
        self._next_ns = start_ns + round((following + 1) * self._interval_ns)
        if following > seq + 1:
            self._counters = self._counters._replace(missed=self._counters.missed + following - seq - 1)
        return following

    def _count(self, scan: Scan, *, late: bool, shed: bool) -> None:
        counted, gaps = self._counters, len(scan.gaps)
        name = next(iter(scan.gaps), None)
        self._counters = counted._replace(
            scans=counted.scans + 1,
            samples=counted.samples + len(scan.values) - gaps,
            gaps=counted.gaps + gaps,
            late=counted.late + late,
            shed=counted.shed + shed,
            failures=self._connection.failures,
            last_gap=counted.last_gap if name is None else f"{name}: {scan.gaps[name]}",
        )

    def _count_block(self, block: ScanBlock, *, shed: bool) -> None:
        """Hardware that keeps its own pace is never late: what it could not keep is missed."""
        counted, values = self._counters, block.values
        gaps = int((values != values).sum())  # noqa: PLR0124 - only a gap is not itself
        name = next(iter(block.reasons), None)
        self._counters = counted._replace(
            scans=counted.scans + block.scans,
            samples=counted.samples + int(values.size) - gaps,
            gaps=counted.gaps + gaps,
            shed=counted.shed + (block.scans if shed else 0),
            last_gap=counted.last_gap if name is None else f"{name}: {block.reasons[name]}",
        )

    def _overdue(self) -> float:
        """Nanoseconds by which the next scan is overdue."""
        next_ns = self._next_ns
        return 0 if next_ns is None else max(0, self._clock.monotonic_ns() - next_ns)
