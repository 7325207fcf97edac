"""The bounded hand-over of scans from a sampler's thread to its pipeline's.

Rule: the sampler never waits. When the pipeline cannot follow, the newest scans are shed and the
sampler counts them, so what is missing is one stretch that its sequence numbers show.
"""

import threading
from collections import deque
from typing import Final, Protocol

from device_agent.sensors.port import Scan
from device_agent.sensors.scan_block import ScanBlock

CAPACITY: Final = 4096
"""Scans that may wait, or those of ``CAPACITY_S`` where that is more."""

CAPACITY_S: Final = 5.0


class ScanSink(Protocol):
    """Where a sampler puts its scans, from its own thread."""

    def put(self, scan: Scan) -> bool:
        """Takes a scan without waiting; False when it could not and the scan is lost."""

    def put_block(self, block: ScanBlock) -> bool:
        """Takes scans of a sensor that is read in blocks; False when it could not and all of them are lost."""

    def close(self) -> None:
        """Says that nothing will be put any more."""


class ScanQueue:
    """Scans in order, at most ``capacity`` of them. One thread puts, one takes.

    Args:
        capacity: Scans.
        company: So many must wait before the taker is woken: each wake costs more than a scan does.
    """

    def __init__(self, capacity: int = CAPACITY, *, company: int = 1) -> None:
        self._capacity, self._company = capacity, company
        self._taken: deque[Scan | ScanBlock] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._closed = False

    def put(self, scan: Scan) -> bool:
        """Hands a scan over; False when the queue is full and the scan was not taken."""
        return self._put(scan, 1)

    def put_block(self, block: ScanBlock) -> bool:
        """Likewise; a block is taken whole or not at all."""
        return self._put(block, block.scans)

    def take(self, timeout_s: float) -> list[Scan | ScanBlock]:
        """All that waits, oldest first; waits up to ``timeout_s`` for company, then takes what there is."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting >= self._company or self._closed, timeout_s)
            taken = list(self._taken)
            self._taken.clear()
            self._waiting = 0
            return taken

    def close(self) -> None:
        """Says that nothing will be put any more; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Whether the queue is closed and empty."""
        with self._changed:
            return self._closed and not self._taken

    def _put(self, taken: Scan | ScanBlock, scans: int) -> bool:
        with self._changed:
            if self._waiting + scans > self._capacity:
                return False
            self._taken.append(taken)
            self._waiting += scans
            if self._waiting >= self._company:
                self._changed.notify()
            return True
