"""How far one lane has come: which of its blocks is sent next.

First what failed or was refused and is due again, then what the cloud named as missing, then what was never
sent. A block is sent again only because its publish was not acknowledged, or because the cloud misses it:
never because time passed. What it misses although it once said that it was stored is gone here: that is
declared, or its watermark would stand still for ever. After a start nothing is known, so every sealed block is
sent once more; the cloud keeps one copy.

Not here: sending, the order between lanes (``device_agent.forwarder``).
"""

from collections.abc import Container, Iterable
from typing import NamedTuple

from contract.envelope import Range
from contract.events import Lane
from device_agent.spool.port import Block, Outbox

MAX_RETRIES = 16
"""While so many blocks of a lane wait for another try, no new one is taken: then it is not the blocks' fault."""

MISSING_GRACE_S = 5.0
"""A block named missing may still be on its way through the cloud's queue, overtaken by a later one."""


class Retry(NamedTuple):
    """A block whose publish was not acknowledged.

    Attributes:
        due_s: When it may go again.
        failures: Publishes that got no answer.
        refusals: Publishes that the broker refused.
        acknowledged: How many of the lane's publishes were acknowledged when it was first refused.
    """

    due_s: float = 0.0
    failures: int = 0
    refusals: int = 0
    acknowledged: int = 0


class Choice(NamedTuple):
    """What to send next, and whether it may have arrived before."""

    block: Block
    again: bool


class LaneProgress:
    """Of one lane since the agent's start; times are monotonic seconds.

    Args:
        lane: Which lane.
        outbox: The spool.
        linger_s: How long an event may wait for company; 0 seals at once.
    """

    def __init__(self, lane: Lane, outbox: Outbox, *, linger_s: float) -> None:
        self.lane = lane
        self.acknowledged = 0
        self.retries: dict[int, Retry] = {}
        self._outbox = outbox
        self._linger_s = linger_s
        self._cursor = 0
        self._missing: dict[int, tuple[int, float]] = {}
        self._waiting_since: tuple[int, float] | None = None

    def next(self, now_s: float, in_flight: Container[int], *, flush: bool) -> Choice | None:
        """The next block to send, or ``None``. ``in_flight`` are first sequences; ``flush`` ends all lingering."""
        again = self._due_retry(now_s, in_flight) or self._due_missing(now_s, in_flight)
        if again is not None:
            return Choice(again, again=True)
        if len(self.retries) >= MAX_RETRIES:
            return None
        partial = flush or self._lingered(now_s)
        block = self._outbox.take(self.lane, after=self._cursor, partial=partial)
        if block is None:
            return None
        self._cursor = block.first_seq
        return Choice(block, again=False)

    def miss(self, ranges: Iterable[Range], now_s: float) -> None:
        """The cloud misses these, and nothing else; they go again when the grace is over."""
        known = self._missing
        self._missing = {
            each.first: (each.last, known[each.first][1] if each.first in known else now_s + MISSING_GRACE_S)
            for each in ranges
        }

    def _due_retry(self, now_s: float, in_flight: Container[int]) -> Block | None:
        for first, retry in sorted(self.retries.items()):
            if retry.due_s > now_s or first in in_flight:
                continue
            block = self._outbox.take(self.lane, after=first - 1, partial=False)
            if block is not None and block.first_seq == first:
                return block
            del self.retries[first]  # stored or given up meanwhile
        return None

    def _due_missing(self, now_s: float, in_flight: Container[int]) -> Block | None:
        for first, (last, due_s) in sorted(self._missing.items()):
            if due_s > now_s:
                continue
            del self._missing[first]
            block = self._outbox.take(self.lane, after=first - 1, partial=False)
            if block is None or block.first_seq > first:
                gone = last if block is None else min(last, block.first_seq - 1)
                self._outbox.give_up(self.lane, first, gone, "forgotten")
            if block is None or block.first_seq > min(last, self._cursor):
                continue  # not here any more, or never sent: its turn comes
            if block.last_seq < last:
                self._missing[block.last_seq + 1] = (last, due_s)
            if block.first_seq not in in_flight and block.first_seq not in self.retries:
                return block
        return None

    def _lingered(self, now_s: float) -> bool:
        if self._linger_s == 0:
            return True
        first = self._outbox.waiting(self.lane)
        if first is None:
            self._waiting_since = None
            return False
        if self._waiting_since is None or self._waiting_since[0] != first:
            self._waiting_since = (first, now_s)
        return now_s - self._waiting_since[1] >= self._linger_s
