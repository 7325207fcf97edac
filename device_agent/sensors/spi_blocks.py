"""Takes burst after burst on a thread of its own, and keeps them until they are asked for.

Kept are at most ``KEPT_S``; what nobody takes makes room for what is newer, and is counted as lost.

Not here: the bytes (``device_agent.sensors.spi_converter``), when a burst begins (``device_agent.sensors.spi_pacing``).
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device_agent.errors import SensorError
from device_agent.identity import monotonic_ns
from device_agent.sensors.port import Block
from device_agent.sensors.spi_pacing import Pacing

KEPT_S = 5.0
LATE = "the machine was too busy to read the bus in time"
UNASKED = "scans were not taken in time"
SILENT_S = 2.0
"""A bus that gave nothing for so long hangs, and for as long its end is waited for."""


class _Taken(NamedTuple):
    begun_ns: int
    values: NDArray[np.float64]
    lost: int


class Collector:
    """One thread that reads, one that takes.

    Args:
        burst: Reads scans by channels, with pauses of so many microseconds; raises ``SensorError``.
        pacing: Whose moments.
        block_s: How long a burst lasts.
    """

    def __init__(self, burst: Callable[[int], NDArray[np.float64]], pacing: Pacing, block_s: float) -> None:
        self._burst = burst
        self._pacing = pacing
        self._kept: deque[_Taken] = deque()
        self._most = max(2, round(KEPT_S / block_s))
        self._silent_ns = round((SILENT_S + 2 * block_s) * 1e9)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._failure: SensorError | None = None
        self._heard_ns = monotonic_ns()
        self._overflown = 0
        self._thread = threading.Thread(target=self._collect, name="spi", daemon=True)
        self._thread.start()

    def take(self) -> Block:
        """What has gathered up to the next hole. Raises ``SensorError``."""
        with self._lock:
            now_ns, overflown = monotonic_ns(), self._overflown
            if not self._kept:
                return self._nothing(now_ns)
            taken = [self._kept.popleft()]
            while self._kept and not self._kept[0].lost:
                taken.append(self._kept.popleft())
            self._overflown = 0
        lost = taken[0].lost + overflown
        gap = (UNASKED if overflown else LATE) if lost else ""
        return Block(np.concatenate([each.values for each in taken]), taken[0].begun_ns - now_ns, gap, lost)

    def close(self) -> None:
        """Ends the thread. A second call does nothing."""
        self._ending.set()
        self._thread.join(SILENT_S)

    def _nothing(self, now_ns: int) -> Block:
        if self._failure:
            raise self._failure
        if now_ns - self._heard_ns > self._silent_ns:
            raise SensorError("the SPI bus takes no end", remedy="dmesg may say more; take its power away once")
        return Block(np.empty((0, 0)), 0)

    def _collect(self) -> None:
        try:
            while not self._ending.is_set():
                now_ns = monotonic_ns()
                lost, due_ns = self._pacing.next(now_ns)
                if not self._ending.wait(max(0, due_ns - now_ns) / 1e9):
                    self._once(lost)
        except SensorError as exc:
            self._failure = exc

    def _once(self, lost: int) -> None:
        begun_ns = monotonic_ns()
        values = self._burst(self._pacing.pause_us)
        ended_ns = monotonic_ns()
        self._pacing.took(ended_ns - begun_ns)
        with self._lock:
            self._heard_ns = ended_ns
            if len(self._kept) >= self._most:
                oldest = self._kept.popleft()
                self._overflown += oldest.lost + len(oldest.values)
            self._kept.append(_Taken(begun_ns, values, lost))
