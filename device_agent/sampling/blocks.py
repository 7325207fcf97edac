"""Blocks of scans, as the hardware took them, get a time and a number for each scan.

```
taken at      now ──────────────────────────────▶ offset (below 0)
hardware   ─n───n+1──n+2──n+3─┐ hole: lost ┌─n+6──n+7─     ``seq`` jumps over what was lost, as over missed deadlines
```
Not here: asking for blocks (``device_agent.sampling.sampler``), cleaning.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from device_agent.condense.moment import Moment
from device_agent.sensors.flags import flag_of
from device_agent.sensors.port import Block, Channel, Reading
from device_agent.sensors.scan_block import ScanBlock

LONGEST_GAP_S: Final = 1.0
"""Scans without values are made for at most so long at once; what is longer only shows in ``seq``."""

_NONE: Final[Mapping[str, Any]] = {}


class Grid:
    """The numbers and times of one sensor's scans.

    Args:
        channels: Of the sensor.
        interval_ns: Between two scans.
    """

    def __init__(self, channels: tuple[Channel, ...], interval_ns: float) -> None:
        self._channels = len(channels)
        self._interval_ns = interval_ns
        self._seq = 0
        self._next_ns: float | None = None
        self.missed = 0

    def take(self, taken: Block | Reading, *, wall_ms: int, now_ns: int) -> ScanBlock:
        """The scans of a block; or, of a reading that says why there is none, one for each that should have come.

        Args:
            taken: What the connection gave.
            wall_ms: When it was asked for, Unix.
            now_ns: Likewise, monotonic.
        """
        if isinstance(taken, Block):
            return self._scans(taken, wall_ms, now_ns)
        return self._gaps(taken, wall_ms, now_ns)

    def _scans(self, block: Block, wall_ms: int, now_ns: int) -> ScanBlock:
        self._skip(block.lost)
        first_ns = now_ns + block.offset_ns
        if self._next_ns is not None:  # a clock that was read late twice must not turn two scans round
            first_ns = max(first_ns, round(self._next_ns - self._interval_ns / 2))
        made = self._block(Moment(wall_ms, now_ns).shifted_to(first_ns), block.values)
        if made.scans:
            self._next_ns = first_ns + made.scans * self._interval_ns
        return made

    def _gaps(self, reading: Reading, wall_ms: int, now_ns: int) -> ScanBlock:
        if self._next_ns is None:
            self._next_ns = float(now_ns)
        due = max(0, int((now_ns - self._next_ns) / self._interval_ns) + 1)
        made = min(due, max(1, int(LONGEST_GAP_S * 1e9 / self._interval_ns)))
        self._skip(due - made)
        self._next_ns += (due - made) * self._interval_ns
        first = Moment(wall_ms, now_ns).shifted_to(round(self._next_ns))
        block = self._block(first, np.full((made, self._channels), np.nan))
        self._next_ns += made * self._interval_ns
        flags = {name: {flag: made} for name, reason in reading.gaps.items() if (flag := flag_of(reason)) and made}
        return block._replace(flags=flags, reasons=reading.gaps)

    def _skip(self, scans: int) -> None:
        self._seq += scans
        self.missed += scans

    def _block(self, first: Moment, values: NDArray[np.float64]) -> ScanBlock:
        """The next so many scans, each at its own moment."""
        times_ns = first.monotonic_ns + np.rint(np.arange(len(values)) * self._interval_ns).astype(np.int64)
        seq, self._seq = self._seq, self._seq + len(values)
        return ScanBlock(seq, first.wall_ms, times_ns, values, _NONE, _NONE)
