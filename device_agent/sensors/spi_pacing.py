"""When blocks of scans begin, and how long the pauses within them are.

```
due n ─ wait ─▶ burst: scans with learnt pauses, one call ─▶ codes ─▶ units      due n+1 = due n + scans / rate
```
Blocks begin at absolute moments; within one the kernel paces the scans. How long a scan takes besides its pause
(transfers, chip selects, the kernel's own slack) is learnt from each block and taken off the pauses of the next.
A block that comes too late leaves out the scans whose time has passed, and says how many.

Not here: waiting, the bus.
"""

from device_agent.sensors.spi_bus import LONGEST_PAUSE_US


class Pacing:
    """When blocks begin, and how long the pauses within them are.

    Args:
        scans: Of a block.
        rate_hz: Scans per second.
        busy_s: What a scan is thought to take, until it was measured.
    """

    def __init__(self, scans: int, rate_hz: float, busy_s: float) -> None:
        self._scans = scans
        self._interval_ns = 1e9 / rate_hz
        self._busy_ns = busy_s * 1e9
        self._due_ns: float | None = None

    @property
    def pause_us(self) -> int:
        """Between two scans of the next block."""
        return max(0, min(LONGEST_PAUSE_US, round((self._interval_ns - self._busy_ns) / 1000)))

    def next(self, now_ns: int) -> tuple[int, int]:
        """How many scans are lost, and when the block is due."""
        due_ns = now_ns if self._due_ns is None else self._due_ns
        lost = max(0, int((now_ns - due_ns) / self._interval_ns))
        due_ns += lost * self._interval_ns
        self._due_ns = due_ns + self._scans * self._interval_ns
        return lost, round(due_ns)

    def took(self, took_ns: int) -> None:
        """How long the block took: its scans, and a pause between any two."""
        busy_ns = (took_ns - (self._scans - 1) * self.pause_us * 1000) / self._scans
        self._busy_ns += (min(busy_ns, self._interval_ns) - self._busy_ns) / 4
