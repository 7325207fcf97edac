"""Time as a port: what the wall says, what has passed since boot, and waiting for a moment of the latter.

Wall time may jump; nothing is ever paced or measured by it. Durations and deadlines are monotonic.

Not here: time zones, offsets learnt by the cloud.
"""

import ctypes
import threading
import time
from typing import Final, Protocol

from device_agent.identity import monotonic_ns

_LONGEST_WAIT_NS = 1_000_000_000
_SHORT_WAIT_NS = 120_000_000
"""A wait so short is slept: an event that is waited for costs half as much again, and comes later."""

_TIMEX_BYTES: Final = 512
"""More than ``struct timex`` has on any Linux; all zero reads and sets nothing."""

_TIME_ERROR: Final = 5


def is_steered() -> bool | None:
    """Whether any time service (timesyncd, chrony, ntpd, PTP) keeps the wall right; ``None`` where nobody says.

    The kernel knows: adjtimex(2).
    """
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _TIME_ERROR


class Clock(Protocol):
    """The time. Any thread may ask at any moment."""

    def wall_ms(self) -> int:
        """Unix milliseconds by this machine's own clock, which may be wrong and may jump."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since boot, suspend included; never goes back."""

    def wait_until(self, deadline_ns: int, stop: threading.Event) -> bool:
        """Waits for a moment of ``monotonic_ns``; a moment already past does not wait.

        Returns:
            True when the moment came, False when ``stop`` was set first.
        """


class SystemClock:
    """This machine's clocks: ``CLOCK_REALTIME`` and ``CLOCK_BOOTTIME`` (clock_gettime(2))."""

    def wall_ms(self) -> int:
        """See ``Clock``."""
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        """See ``Clock``."""
        return monotonic_ns()

    def wait_until(self, deadline_ns: int, stop: threading.Event) -> bool:
        """See ``Clock``.

        A wait does not notice a suspend while ``CLOCK_BOOTTIME`` does, so it is cut into pieces of at most 1 s.
        ``stop`` is noticed within 0.12 s.
        """
        while (left_ns := deadline_ns - monotonic_ns()) > 0:
            if left_ns <= _SHORT_WAIT_NS:
                time.sleep(left_ns / 1e9)
            elif stop.wait(min(left_ns - _SHORT_WAIT_NS // 2, _LONGEST_WAIT_NS) / 1e9):
                return False
        return not stop.is_set()


class SimulatedClock:
    """A clock that moves only when someone waits or a test says so; waiting takes no time.

    Args:
        wall_ms: The wall's time at the beginning; ``jump_wall`` moves it alone.
        monotonic_ns: Nanoseconds since the simulated boot.
    """

    def __init__(self, wall_ms: int = 1_700_000_000_000, monotonic_ns: int = 1_000_000_000) -> None:
        self._wall_offset_ns = wall_ms * 1_000_000 - monotonic_ns
        self._now_ns = monotonic_ns

    def wall_ms(self) -> int:
        """See ``Clock``."""
        return (self._now_ns + self._wall_offset_ns) // 1_000_000

    def monotonic_ns(self) -> int:
        """See ``Clock``."""
        return self._now_ns

    def wait_until(self, deadline_ns: int, stop: threading.Event) -> bool:
        """See ``Clock``; arrives exactly at the deadline."""
        if stop.is_set():
            return False
        self._now_ns = max(self._now_ns, deadline_ns)
        return True

    def advance(self, seconds: float) -> None:
        """Lets time pass for both clocks, as work does."""
        self._now_ns += round(seconds * 1e9)

    def jump_wall(self, seconds: float) -> None:
        """Sets the wall clock forward or back; monotonic time knows nothing of it."""
        self._wall_offset_ns += round(seconds * 1e9)
