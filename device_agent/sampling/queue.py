"""The bounded hand-over of scans from a sampler's thread to its pipeline's.

Rule: the sampler never waits. When the pipeline cannot follow, the newest scan is shed and the
sampler counts it, so what is missing is one stretch that its sequence numbers show.
"""

import threading
from collections import deque
from typing import Protocol

from device_agent.sensors.port import Scan


class ScanSink(Protocol):
    """Where a sampler puts its scans, from its own thread."""

    def put(self, scan: Scan) -> bool:
        """Takes a scan without waiting; False when it could not and the scan is lost."""

    def close(self) -> None:
        """Says that nothing will be put any more."""


class ScanQueue:
    """Scans in order, at most ``capacity`` of them. One thread puts, one takes."""

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._scans: deque[Scan] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, scan: Scan) -> bool:
        """Hands a scan over; False when the queue is full and the scan was not taken."""
        with self._changed:
            if len(self._scans) >= self._capacity:
                return False
            self._scans.append(scan)
            self._changed.notify()
            return True

    def take(self, timeout_s: float) -> list[Scan]:
        """All scans waiting, oldest first; waits up to ``timeout_s`` for the first one, else empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._scans or self._closed, timeout_s)
            scans = list(self._scans)
            self._scans.clear()
            return scans

    def close(self) -> None:
        """Says that nothing will be put any more; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Whether the queue is closed and empty."""
        with self._changed:
            return self._closed and not self._scans
