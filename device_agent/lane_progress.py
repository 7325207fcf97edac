"""How far one lane has come: which of its blocks is sent next.

```
sequence ──▶  …stored│▓▓ sent ▓▓│░░ backlog ░░│▓▓ sent ▓▓│ live ▶
```
What was there when the link came back is backlog, but for the latest few events: the gateway may have noticed the
link some seconds after it was good again. What came after is live, and is sealed and sent before the backlog.
First goes what failed or was refused and is due again, then what is live, then what the cloud named as missing,
then the backlog, oldest first.

A block is sent again only because its publish was not acknowledged, or because the cloud misses it: never
because time passed. What it misses although the gateway does not have it any more is declared, or its watermark
would stand still for ever. What it misses although it was acknowledged again and again is poison: given up. After
a start nothing is known, so every sealed block is sent once more; the cloud keeps one copy.

Not here: sending, the order between lanes (``device_agent.forwarder``).
"""

from collections.abc import Container, Iterable, Iterator
from typing import Final, NamedTuple

from contract.envelope import Range
from contract.events import Lane
from device_agent.spool.port import Block, Outbox

MAX_RETRIES: Final = 16
"""While so many blocks of a lane wait for another try, no new one is taken: then it is not the blocks' fault."""

MISSING_GRACE_S: Final = (5.0, 60.0, 600.0)
"""A block named missing may still be on its way through the cloud's queue, overtaken by a later one: so long it is
waited before each new copy. Named once more after the last one, it will never be understood there. A queue shows a
message again 100 s after a try that failed (``VisibilityTimeout`` in the template): all of them together outlast
several such tries."""

FRESH_EVENTS: Final = 20
"""So many of the newest events are no backlog: a few envelopes, which delay nothing."""


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


class Span(NamedTuple):
    """Sequences above ``after``, up to ``end``, of which nothing was sent yet."""

    after: int
    end: int


class LaneProgress:
    """Of one lane since the agent's start; times are monotonic seconds.

    Args:
        lane: Which lane.
        outbox: The spool.
        linger_s: How long an event may wait for company; 0 seals at once.

    Attributes:
        acknowledged: Publishes of this lane that the broker took.
        retries: By first sequence.
        poison: Blocks given up because the cloud never understood them.
    """

    def __init__(self, lane: Lane, outbox: Outbox, *, linger_s: float) -> None:
        self.lane = lane
        self.acknowledged = 0
        self.retries: dict[int, Retry] = {}
        self.poison: list[Block] = []
        self._outbox = outbox
        self._linger_s = linger_s
        self._live = 0
        self._backlog: list[Span] = []
        self._missing: dict[int, tuple[int, float]] = {}
        self._copies: dict[int, int] = {}
        self._waiting_since: tuple[int, float] | None = None

    @property
    def is_calm(self) -> bool:
        """Whether nothing waits but what is new."""
        return not (self.retries or self._backlog or self._missing)

    def link_came_up(self) -> None:
        """What waits now is backlog, the newest excepted; what comes from now on is live."""
        end = self._outbox.newest(self.lane) - FRESH_EVENTS
        if end > self._live:
            self._backlog.append(Span(self._live, end))
            self._live = end

    def next_live(self, now_s: float, in_flight: Container[int], *, flush: bool) -> Choice | None:
        """The next block that must not wait: due again, or new since the link is up.

        Args:
            now_s: The time.
            in_flight: First sequences that were sent and not answered.
            flush: Ends all lingering.
        """
        again = self._due_retry(now_s, in_flight)
        if again is not None:
            return Choice(again, again=True)
        if len(self.retries) >= MAX_RETRIES:
            return None
        partial = flush or self._lingered(now_s)
        block = self._outbox.take(self.lane, after=self._live, partial=partial)
        if block is None:
            return None
        self._live = block.last_seq
        return Choice(block, again=False)

    def next_backlog(self, now_s: float, in_flight: Container[int]) -> Choice | None:
        """The next block that may wait: missed by the cloud, or from before the link came up."""
        again = self._due_missing(now_s, in_flight)
        if again is not None:
            return Choice(again, again=True)
        if len(self.retries) >= MAX_RETRIES:
            return None
        while self._backlog:
            span = self._backlog[0]
            block = self._outbox.take(self.lane, after=span.after, partial=True)
            if block is not None and block.first_seq <= span.end:
                self._backlog[0] = Span(block.last_seq, span.end)
                return Choice(block, again=False)
            del self._backlog[0]
        return None

    def miss(self, ranges: Iterable[Range], through: int, now_s: float) -> None:
        """The cloud misses these, and nothing else; they go again when their grace is over."""
        known = self._missing
        sent = [part for each in ranges for part in self._sent_of(each.first, each.last)]
        self._missing = {
            first: (last, known[first][1] if first in known else now_s + self._grace_s(first)) for first, last in sent
        }
        self._copies = {first: copies for first, copies in self._copies.items() if first > through}

    def _sent_of(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of a range that were sent: what was not yet cannot have arrived, and its turn comes."""
        for span in sorted(self._backlog):
            if span.after < last and first <= span.end:
                if first <= span.after:
                    yield first, span.after
                first = span.end + 1
        if first <= min(last, self._live):
            yield first, min(last, self._live)

    def _grace_s(self, first: int) -> float:
        return MISSING_GRACE_S[min(self._copies.get(first, 0), len(MISSING_GRACE_S) - 1)]

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
                self._give_up_absent(first, last if block is None else min(last, block.first_seq - 1))
            if block is None or block.first_seq > last or self._is_unsent(block.first_seq):
                continue  # not here any more, or its turn comes
            if block.last_seq < last:
                self._missing[block.last_seq + 1] = (last, due_s)
            if block.first_seq not in in_flight and block.first_seq not in self.retries and self._may_copy(block):
                return block
        return None

    def _may_copy(self, block: Block) -> bool:
        """Whether it may go once more; else it is given up."""
        copies = self._copies.get(block.first_seq, 0)
        if copies >= len(MISSING_GRACE_S):
            self._outbox.give_up(self.lane, block.first_seq, block.last_seq, "refused")
            self.poison.append(block)
            return False
        self._copies[block.first_seq] = copies + 1
        return True

    def _give_up_absent(self, first: int, last: int) -> None:
        """The cloud misses what no block here holds: it is declared; what was set free by that is backlog."""
        self._outbox.give_up(self.lane, first, last, "forgotten")
        waiting = self._outbox.waiting(self.lane, after=first - 1)
        if waiting is not None and waiting <= last and not self._is_unsent(waiting):
            self._backlog.insert(0, Span(first - 1, last))

    def _is_unsent(self, seq: int) -> bool:
        return seq > self._live or any(span.after < seq <= span.end for span in self._backlog)

    def _lingered(self, now_s: float) -> bool:
        if self._linger_s == 0:
            return True
        first = self._outbox.waiting(self.lane, after=self._live)
        if first is None:
            self._waiting_since = None
            return False
        if self._waiting_since is None or self._waiting_since[0] != first:
            self._waiting_since = (first, now_s)
        return now_s - self._waiting_since[1] >= self._linger_s
