"""The latest raw scans of one sensor, in arrays that never grow.

Not here: which of them are sent, and when (``device_agent.condense.context``).
"""

from typing import NamedTuple

import numpy as np

from device_agent.condense.grid import Array
from device_agent.condense.moment import NS_PER_MS, Moment
from device_agent.condense.packing import Integers


class Frozen(NamedTuple):
    """Neighbouring scans, at least one.

    Attributes:
        first: When the first was taken.
        monotonic_ns: When each was, nanoseconds since boot.
        values: [scans, channels], NaN for a gap.
    """

    first: Moment
    monotonic_ns: Integers
    values: Array

    def part(self, rows: slice) -> "Frozen":
        """Some of them."""
        later = self.monotonic_ns[rows]
        first = self.first.shifted_to(int(later[0])) if len(later) else self.first
        return Frozen(first, later, self.values[rows])


class Ring:
    """Holds so many scans; each new one takes the oldest one's place.

    Args:
        scans: How many.
        channels: Values in each.
    """

    def __init__(self, scans: int, channels: int) -> None:
        self._values = np.empty((scans, channels))
        self._ns = np.empty(scans, dtype=np.int64)
        self._wall = np.empty(scans, dtype=np.int64)
        self._next = self._held = 0

    def __len__(self) -> int:
        return self._held

    @property
    def capacity(self) -> int:
        """How many scans it can hold."""
        return len(self._ns)

    def push(self, at: Moment, values: Array) -> None:
        """Takes one scan."""
        place = self._next
        self._values[place], self._ns[place], self._wall[place] = values, at.monotonic_ns, at.wall_ms
        self._next = (place + 1) % len(self._ns)
        self._held = min(self._held + 1, len(self._ns))

    def extend(self, scans: Frozen) -> None:
        """Takes neighbouring scans, at most as many as it holds."""
        count = len(scans.monotonic_ns)
        places = np.arange(self._next, self._next + count) % len(self._ns)
        self._values[places], self._ns[places] = scans.values, scans.monotonic_ns
        self._wall[places] = scans.first.wall_ms + (scans.monotonic_ns - scans.first.monotonic_ns) // NS_PER_MS
        self._next = (self._next + count) % len(self._ns)
        self._held = min(self._held + count, len(self._ns))

    def freeze(self, scans: int) -> Frozen:
        """A copy of the latest so many; at least one and at most as many as it holds."""
        start = (self._next - scans) % len(self._ns)
        pieces = [slice(start, min(start + scans, len(self._ns))), slice(0, max(0, start + scans - len(self._ns)))]
        return Frozen(
            Moment(int(self._wall[start]), int(self._ns[start])),
            np.concatenate([self._ns[piece] for piece in pieces]),
            np.concatenate([self._values[piece] for piece in pieces]),
        )
