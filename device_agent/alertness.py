"""When a forwarder looks into its spool: at once after a write, and seldom while nobody writes.

```
calm ──(a write is told)──▶ alert: looks every 0.04 s, for five at most ──(its commit can be seen)──▶ a step, calm
  └── once a second all the same: lingering ends, a retry is due, the month goes on
```
Where nobody tells of writes the spool is asked every ``POLL_S`` whether there is anything new.

Not here: who tells (``device_agent.spool.noticing``), what a step does (``device_agent.forwarder``).
"""

from collections.abc import Callable
from typing import Final

from device_agent.errors import SpoolError

POLL_S: Final = 0.15
"""How soon a new row is noticed where nobody tells of it."""

LOOK_S: Final = 1.0
"""How often a spool is looked through that nobody wrote to."""

ALERT_POLL_S: Final = 0.04
ALERT_S: Final = 5.0
"""A write is told before its commit can be seen; a disk that takes longer is found by the next look."""

Version = tuple[int, ...]


class Alertness:
    """Of one forwarder; its thread asks, any thread may tell.

    Args:
        version: Of the spool, see ``Outbox.version``.
        now_s: Monotonic seconds.
        is_told: Whether writes are told of.
    """

    def __init__(
        self, version: Callable[[], Version], now_s: Callable[[], float], is_told: Callable[[], bool] = lambda: False
    ) -> None:
        self._version, self._now, self._is_told = version, now_s, is_told
        self._seen: Version = ()
        self._look_at_s = self._until_s = now_s()

    def written(self) -> None:
        """Somebody writes to the spool."""
        self._until_s = self._now() + ALERT_S

    def begins(self) -> None:
        """A step begins; what comes from now on is a reason for another one. Raises ``SpoolError``."""
        self._seen = self._version()

    def ended(self) -> None:
        """The step did all there was to do."""
        self._look_at_s = self._now() + LOOK_S

    def is_due(self, *, calm: bool) -> bool:
        """Whether a step could do anything; ``calm`` where nothing waits for its time."""
        if not calm or self._now() >= self._look_at_s:
            return True
        try:
            changed = self._version() != self._seen
        except SpoolError:
            return True  # and the step says so
        if changed:
            self._until_s = self._now()
        return changed

    def pause_s(self, *, calm: bool) -> float:
        """Until it is to be asked again."""
        if self._now() < self._until_s:
            return ALERT_POLL_S
        return LOOK_S if calm and self._is_told() else POLL_S
