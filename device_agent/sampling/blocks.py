"""Blocks of scans, as the hardware took them, become scans with a time and a number each.

```
taken at      now ──────────────────────────────▶ offset (below 0)
hardware   ─n───n+1──n+2──n+3─┐ hole: lost ┌─n+6──n+7─     ``seq`` jumps over what was lost, as over missed deadlines
```
Not here: asking for blocks (``device_agent.sampling.sampler``), cleaning.
"""

import math
from collections.abc import Iterator
from typing import Final

from device_agent.sensors.port import Block, Channel, Reading, Scan

NO_VALUE: Final = "not measured"
LONGEST_GAP_S: Final = 1.0
"""Scans without values are made for at most so long at once; what is longer only shows in ``seq``."""


class Grid:
    """The numbers and times of one sensor's scans.

    Args:
        channels: Of the sensor.
        interval_ns: Between two scans.
    """

    def __init__(self, channels: tuple[Channel, ...], interval_ns: float) -> None:
        self._names = [channel.name for channel in channels]
        self._interval_ns = interval_ns
        self._seq = 0
        self._next_ns: float | None = None
        self.missed = 0

    def take(self, taken: Block | Reading, *, wall_ms: int, now_ns: int) -> Iterator[Scan]:
        """The scans of a block; or, of a reading that says why there is none, one for each that should have come.

        Args:
            taken: What the connection gave.
            wall_ms: When it was asked for, Unix.
            now_ns: Likewise, monotonic.
        """
        if isinstance(taken, Block):
            return self._scans(taken, wall_ms, now_ns)
        return self._gaps(taken, wall_ms, now_ns)

    def _scans(self, block: Block, wall_ms: int, now_ns: int) -> Iterator[Scan]:
        self._skip(block.lost)
        first_ns = now_ns + block.offset_ns
        if self._next_ns is not None:  # a clock that was read late twice must not turn two scans round
            first_ns = max(first_ns, round(self._next_ns - self._interval_ns / 2))
        for nth, values in enumerate(block.values):
            at_ns = first_ns + round(nth * self._interval_ns)
            yield self._scan(at_ns, wall_ms + (at_ns - now_ns) // 1_000_000, Reading(tuple(values.tolist()), {}))
        if len(block.values):
            self._next_ns = first_ns + len(block.values) * self._interval_ns

    def _gaps(self, reading: Reading, wall_ms: int, now_ns: int) -> Iterator[Scan]:
        if self._next_ns is None:
            self._next_ns = float(now_ns)
        due = int((now_ns - self._next_ns) / self._interval_ns) + 1
        made = min(due, max(1, int(LONGEST_GAP_S * 1e9 / self._interval_ns)))
        if due > made:
            self._skip(due - made)
            self._next_ns += (due - made) * self._interval_ns
        for _ in range(made):
            at_ns = round(self._next_ns)
            yield self._scan(at_ns, wall_ms + (at_ns - now_ns) // 1_000_000, reading)
            self._next_ns += self._interval_ns

    def _skip(self, scans: int) -> None:
        self._seq += scans
        self.missed += scans

    def _scan(self, at_ns: int, wall_ms: int, reading: Reading) -> Scan:
        gaps = reading.gaps
        if not gaps and not all(map(math.isfinite, reading.values)):
            gaps = {
                name: NO_VALUE
                for name, value in zip(self._names, reading.values, strict=True)
                if not math.isfinite(value)
            }
        scan = Scan(self._seq, wall_ms, at_ns, reading.values, gaps)
        self._seq += 1
        return scan
