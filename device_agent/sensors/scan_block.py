"""Scans of a sensor that is read in blocks: together, in arrays, from the sampler to the spool.

Not here: what a driver gives (``port.Block``), how its scans get their times (``device_agent.sampling.blocks``).
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from device_agent.sensors.port import NOT_MEASURED, Channel, Scan

if TYPE_CHECKING:  # who reads scan by scan has no NumPy
    import numpy as np
    from numpy.typing import NDArray


class ScanBlock(NamedTuple):
    """Neighbouring scans with their times, none missing between them.

    Attributes:
        seq: Of the first, see ``Scan``; each later one counts one more.
        wall_ms: When the first was taken, Unix milliseconds by the gateway's clock.
        monotonic_ns: When each was, nanoseconds since boot.
        values: Scans by channels, in the channels' units; ``GAP`` where there is none.
        flags: By channel and flag (``device_agent.sensors.flags``): how many values were taken out.
        reasons: By channel: why a value is missing, of the latest that is.
    """

    seq: int
    wall_ms: int
    monotonic_ns: "NDArray[np.int64]"
    values: "NDArray[np.float64]"
    flags: Mapping[str, Mapping[str, int]]
    reasons: Mapping[str, str]

    @property
    def scans(self) -> int:
        """How many."""
        return len(self.values)

    def singly(self, channels: tuple[Channel, ...]) -> Iterator[Scan]:
        """One after the other; every gap of a channel with its latest reason."""
        first_ns = int(self.monotonic_ns[0]) if self.scans else 0
        for number, (at_ns, row) in enumerate(zip(self.monotonic_ns.tolist(), self.values.tolist(), strict=True)):
            gaps = {
                channel.name: self.reasons.get(channel.name, NOT_MEASURED)
                for channel, value in zip(channels, row, strict=True)
                if math.isnan(value)
            }
            yield Scan(self.seq + number, self.wall_ms + (at_ns - first_ns) // 1_000_000, at_ns, tuple(row), gaps)


def singly(taken: Iterable[Scan | ScanBlock], channels: tuple[Channel, ...]) -> Iterator[Scan]:
    """Scans and blocks of scans as scans, in order."""
    for each in taken:
        if isinstance(each, Scan):
            yield each
        else:
            yield from each.singly(channels)
