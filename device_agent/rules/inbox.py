"""Scans on their way to the rules. Whoever puts never waits: what does not fit is shed and counted."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from device_agent.rules.latest import Source
from device_agent.sensors.port import Scan

CAPACITY: Final = 16_384
"""Scans of all sensors that may wait."""


class Batch(NamedTuple):
    """Scans of one sensor, in their order."""

    source: Source
    scans: Sequence[Scan]


class Inbox:
    """Any thread puts, one takes.

    Attributes:
        shed: Scans that no rule saw.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._batches: deque[Batch] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self.shed = 0

    def put(self, batch: Batch) -> None:
        """Hands scans over."""
        with self._changed:
            if self._waiting + len(batch.scans) > self._capacity:
                self.shed += len(batch.scans)
                return
            self._batches.append(batch)
            self._waiting += len(batch.scans)
            self._changed.notify()

    def take(self, timeout_s: float) -> list[Batch]:
        """All that waits; waits up to ``timeout_s`` for the first."""
        with self._changed:
            self._changed.wait_for(lambda: self._batches, timeout_s)
            batches = list(self._batches)
            self._batches.clear()
            self._waiting = 0
            return batches
