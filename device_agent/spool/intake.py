"""What sensing hands its events to: accepted when they are on disk, held in memory while they cannot be.

```
offer ─▶ hold ─┬─ an event of the lane ``events``, or ``group_commit_s`` passed ─▶ append (fsync) ─▶ accepted
               └─ the disk is full, read-only or damaged: wait, try again; too much held: the lowest lane's oldest go
```
Rules:
1. An episode or Health is on disk when ``offer`` returns, unless the disk does not take it.
2. A summary or context waits at most ``group_commit_s``, and rides along free with any commit before that.
3. Order within a lane is the order of offering, whatever happens.
4. No disk ends the process. What had to go is counted, and told as a ``Loss`` when the disk is back.

Not here: what the spool itself gives up (``surrender``).
"""

import heapq
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from contract.codec import encode_event
from contract.events import LANES, Lane
from contract.kinds import AnyEvent, lane_of
from device_agent.errors import SpoolError
from device_agent.spool.port import Accepted, Appender, Lost

FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 5.0
COMMIT_AT_BYTES: Final = 64 * 1024
"""So much waiting is written at once, however soon that is."""

_MOST_BYTES: Final = 256 * 1024
"""Of one transaction: after an outage of the disk, what was held goes in several."""

_CAREFUL_BYTES: Final = 16 * 1024
"""Of the first one after trouble: where there is little room, little may still fit."""

logger = logging.getLogger(__name__)

OnAccepted = Callable[[Sequence[AnyEvent], Sequence[Accepted]], None]


class Patience(NamedTuple):
    """How long and how much may wait in memory.

    Attributes:
        group_commit_s: Summaries and context, for a common write.
        hold_bytes: All lanes together, while the disk does not take them.
    """

    group_commit_s: float
    hold_bytes: int


class _Held(NamedTuple):
    number: int
    event: AnyEvent
    size_bytes: int


class Intake:
    """The way into a spool. Any thread may call it.

    Args:
        spool: Where events become durable.
        boot_id: Under which they happen.
        patience: See there.
        monotonic_s: Seconds, never going back.
        on_accepted: Called after each commit, in its order, with what is now durable.
    """

    def __init__(
        self,
        spool: Appender,
        boot_id: str,
        patience: Patience,
        *,
        monotonic_s: Callable[[], float],
        on_accepted: OnAccepted = lambda _events, _places: None,
    ) -> None:
        self._spool = spool
        self._boot_id = boot_id
        self._patience = patience
        self._now = monotonic_s
        self._on_accepted = on_accepted
        self._mutex = threading.RLock()
        self._held: dict[Lane, deque[_Held]] = {lane: deque() for lane in LANES}
        self._held_bytes = 0
        self._offered = 0
        self._since_s = 0.0
        self._shed: dict[Lane, Lost] = {}
        self._retry_s = 0.0
        self._retry_at_s = 0.0
        self.trouble = ""
        self.counters: dict[str, int] = {}

    def offer(self, events: Sequence[AnyEvent]) -> None:
        """Takes events, in their order; never raises for what the disk does."""
        with self._mutex:
            for event in events:
                self._hold(event)
            if self._held["events"]:
                self._commit()
            else:
                self.tick()

    @property
    def is_holding(self) -> bool:
        """Whether anything waits for a commit."""
        return bool(self._held_bytes)

    def tick(self) -> None:
        """Commits what has waited long enough; call it several times a second."""
        with self._mutex:
            waited = self._now() - self._since_s >= self._patience.group_commit_s
            if self._held_bytes and (waited or self._held_bytes >= COMMIT_AT_BYTES or self.trouble):
                self._commit()

    def flush(self) -> bool:
        """Commits everything now, if the disk takes it; returns whether nothing waits any more."""
        with self._mutex:
            self._retry_at_s = 0.0
            self._commit()
            return not self._held_bytes

    def tell_losses(self, *, wall_ms: int, monotonic_ms: int) -> None:
        """What was given up since this was last called becomes ``Loss`` events."""
        with self._mutex:
            try:
                told = self._spool.tell_losses(self._boot_id, wall_ms=wall_ms, monotonic_ms=monotonic_ms)
            except SpoolError as exc:
                self._suffer(exc)
                return
            if not self._held_bytes:
                self._recover()
            if told:
                self._on_accepted([event for event, _ in told], [place for _, place in told])

    def _hold(self, event: AnyEvent) -> None:
        if not self._held_bytes:
            self._since_s = self._now()
        self._offered += 1
        held = _Held(self._offered, event, len(encode_event(event)))
        self._held[lane_of(event)].append(held)
        self._held_bytes += held.size_bytes
        while self._held_bytes > self._patience.hold_bytes:
            self._shed_one()

    def _shed_one(self) -> None:
        lane = next(lane for lane in reversed(LANES) if self._held[lane])
        gone = self._held[lane].popleft()
        self._held_bytes -= gone.size_bytes
        before = self._shed.get(lane, Lost(lane, "shed", 0))
        self._shed[lane] = before._replace(
            number=(before.number or 0) + 1, size_bytes=before.size_bytes + gone.size_bytes
        )
        self._count(f"shed.{lane}")

    def _commit(self) -> None:
        while (self._held_bytes or self._shed) and self._now() >= self._retry_at_s:
            urgent = bool(self.trouble and self._held["events"])
            events, size_bytes = self._next(urgent=urgent)
            try:
                places = self._spool.append(self._boot_id, events, list(self._shed.values()))
            except SpoolError as exc:
                self._suffer(exc)
                return
            for event in events:
                self._held[lane_of(event)].popleft()
            self._held_bytes -= size_bytes
            self._shed = {}
            if not urgent:
                self._recover()
            self._on_accepted(events, places)

    def _next(self, *, urgent: bool) -> tuple[list[AnyEvent], int]:
        """The oldest that are held, in the order in which they were offered, and their bytes.

        Args:
            urgent: Only those of the lane ``events``: a disk without room for everything may have some for them.
        """
        most = _CAREFUL_BYTES if self.trouble else _MOST_BYTES
        events, size_bytes = list[AnyEvent](), 0
        lanes = [self._held["events"]] if urgent else self._held.values()
        for held in heapq.merge(*lanes):
            if events and size_bytes + held.size_bytes > most:
                break
            events.append(held.event)
            size_bytes += held.size_bytes
        return events, size_bytes

    def _suffer(self, exc: SpoolError) -> None:
        if not self.trouble:
            logger.error("intake.held", extra={"reason": str(exc), "remedy": exc.remedy})
        self.trouble = str(exc)
        self._count("append_failures")
        self._retry_s = min(LAST_RETRY_S, max(FIRST_RETRY_S, 2 * self._retry_s))
        self._retry_at_s = self._now() + self._retry_s

    def _recover(self) -> None:
        if self.trouble:
            logger.warning("intake.resumed", extra={"after": self.trouble})
        self.trouble, self._retry_s, self._retry_at_s = "", 0.0, 0.0

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1
