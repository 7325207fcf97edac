"""A spool that keeps every rule but durability: for tests and rehearsals.

It is written from ``port.py`` alone and shares no code with the SQLite one but the packing arithmetic, so
that the conformance suite compares two readings of the same rules.
Not here: one lane (``memory_shelf``).
"""

import threading
import time
from collections.abc import Callable, Sequence

from contract.codec import encode_event
from contract.envelope import MAX_ENVELOPE_BYTES, Declared
from contract.events import LANES, Lane, Loss
from contract.kinds import AnyEvent, lane_of
from device_agent.spool.limits import DEFAULT, Limits
from device_agent.spool.memory_shelf import Shelf
from device_agent.spool.packing import MAX_DECLARED, NO_BOOT, Row, Run, pack, room
from device_agent.spool.port import Accepted, Block, Lost, loss_event


class MemorySpool:
    """Appender and outbox in memory; see ``device_agent.spool.port``."""

    def __init__(
        self,
        spool_id: str = "memory",
        *,
        limits: Limits = DEFAULT,
        max_envelope_bytes: int = MAX_ENVELOPE_BYTES,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool_id = spool_id
        self._limits = limits
        self._max_envelope_bytes = max_envelope_bytes
        self._now_s = monotonic_s
        self._mutex = threading.Lock()
        self._shelves: dict[Lane, Shelf] = {lane: Shelf() for lane in LANES}
        self._counters: dict[str, int] = {}
        self._losses: dict[tuple[Lane, str], Lost] = {}
        self.quarantine: list[tuple[Lane, Row, str]] = []

    @property
    def spool_id(self) -> str:
        """See ``Appender``."""
        return self._spool_id

    @property
    def is_tight(self) -> bool:
        """See ``Gauges``; memory has no disk."""
        return False

    def append(self, boot_id: str, events: Sequence[AnyEvent], lost: Sequence[Lost] = ()) -> list[Accepted]:
        """See ``Appender``."""
        with self._mutex:
            accepted = [self._insert(boot_id, lane_of(event), encode_event(event)) for event in events]
            for each in lost:
                self._tally(each)
            self._keep_within()
        return accepted

    def tell_losses(self, boot_id: str, *, wall_ms: int, monotonic_ms: int) -> list[tuple[Loss, Accepted]]:
        """See ``Appender``."""
        with self._mutex:
            told = []
            for _, lost in sorted(self._losses.items()):
                event = loss_event(lost, self._spool_id, wall_ms=wall_ms, monotonic_ms=monotonic_ms)
                told.append((event, self._insert(boot_id, "events", encode_event(event))))
            self._losses.clear()
            self._keep_within()
            return told

    def pending(self) -> dict[Lane, int]:
        """See ``Appender``."""
        with self._mutex:
            return {lane: shelf.next_seq - 1 - shelf.stored for lane, shelf in self._shelves.items()}

    def stored(self) -> dict[Lane, int]:
        """By lane: the watermark."""
        with self._mutex:
            return {lane: shelf.stored for lane, shelf in self._shelves.items()}

    def lane_bytes(self) -> dict[Lane, int]:
        """See ``Appender``."""
        with self._mutex:
            return {lane: shelf.bytes() for lane, shelf in self._shelves.items()}

    def counters(self) -> dict[str, int]:
        """See ``Appender``."""
        with self._mutex:
            return dict(self._counters)

    def newest(self, lane: Lane) -> int:
        """See ``Outbox``."""
        with self._mutex:
            return self._shelves[lane].next_seq - 1

    def version(self) -> tuple[int, ...]:
        """See ``Outbox``."""
        with self._mutex:
            return tuple(shelf.next_seq for shelf in self._shelves.values())

    def waiting(self, lane: Lane, *, after: int = 0) -> int | None:
        """See ``Outbox``."""
        with self._mutex:
            return self._shelves[lane].waiting(after)

    def take(self, lane: Lane, *, after: int, partial: bool) -> Block | None:
        """See ``Outbox``."""
        with self._mutex:
            shelf = self._shelves[lane]
            sealed = min((first for first in shelf.blocks if first > after), default=None)
            rows, _ = shelf.hole(after)
            if sealed is not None and not (rows and rows[0].seq < sealed):
                return shelf.blocks[sealed]
            block = self._next(lane, shelf, after, partial=partial)
            if block:
                shelf.blocks[block.first_seq] = block
                shelf.open = [declared for declared in shelf.open if declared not in block.declared]
        return block if block and block.first_seq > after else None

    def forget(self, lane: Lane, through: int) -> int:
        """See ``Outbox``."""
        with self._mutex:
            shelf = self._shelves[lane]
            waiting = shelf.waiting()
            mark = min(through, (shelf.next_seq if waiting is None else waiting) - 1)
            spanning = [b.first_seq for b in shelf.blocks.values() if b.first_seq <= mark < b.last_seq]
            mark = min([mark, *(first - 1 for first in spanning)])
            shelf.rows = {seq: row for seq, row in shelf.rows.items() if seq > mark}
            shelf.blocks = {first: b for first, b in shelf.blocks.items() if b.last_seq > mark}
            shelf.open = [declared for declared in shelf.open if declared.last > mark]
            shelf.stored = max(shelf.stored, mark)
            return shelf.stored

    def give_up(self, lane: Lane, first: int, last: int, reason: str) -> None:
        """See ``Outbox``."""
        with self._mutex:
            shelf = self._shelves[lane]
            for block in [b for b in shelf.blocks.values() if first <= b.first_seq and b.last_seq <= last]:
                rows = shelf.withdraw(block.first_seq, block.last_seq, reason)
                for row in rows:
                    self._quarantine(lane, row, reason)
                if rows:
                    self._tally(self._lost(lane, reason, rows, block.first_seq, block.last_seq))
            last = min(last, shelf.stored)
            if first <= last and not any(d.first <= last and d.last >= first for d in shelf.declared()):
                shelf.declare(first, last, reason)
                self._count("forgotten_declared", last - first + 1)

    def _insert(self, boot_id: str, lane: Lane, body: bytes) -> Accepted:
        shelf = self._shelves[lane]
        row = Row(shelf.next_seq, boot_id, body)
        shelf.next_seq += 1
        shelf.boot_id = boot_id
        if len(body) > self._room(boot_id, lane):
            self._quarantine(lane, row, "too large")
            shelf.declare(row.seq, row.seq, "too large")
            self._tally(self._lost(lane, "too large", [row], row.seq, row.seq))
        else:
            shelf.rows[row.seq] = row
            shelf.since_s[row.seq] = self._now_s()
        return Accepted(lane, row.seq)

    def _room(self, boot_id: str, lane: Lane, declared: Sequence[Declared] = ()) -> int:
        return room(self._spool_id, boot_id, lane, declared, limit=self._max_envelope_bytes)

    def _next(self, lane: Lane, shelf: Shelf, after: int, *, partial: bool) -> Block | None:
        declared = tuple(shelf.open[:MAX_DECLARED])
        run = self._run(lane, shelf, after, declared)
        if run.full and not run.rows:
            declared = ()
            run = self._run(lane, shelf, after, declared)
        if not run.full and not (partial and (run.rows or declared)):
            return None
        first = last = shelf.next_seq
        if run.rows:
            first, last = run.rows[0].seq, run.rows[-1].seq
        else:
            shelf.next_seq += 1
            declared = (*declared, Declared(first=first, last=last, reason="declaration"))
        return Block(
            spool_id=self._spool_id,
            boot_id=run.rows[0].boot_id if run.rows else shelf.boot_id or NO_BOOT,
            lane=lane,
            first_seq=first,
            last_seq=last,
            events=tuple(row.body for row in run.rows),
            declared=declared,
        )

    def _run(self, lane: Lane, shelf: Shelf, after: int, declared: Sequence[Declared]) -> Run:
        rows, ends = shelf.hole(after)
        run = pack(rows, lambda boot_id: self._room(boot_id, lane, declared))
        return run._replace(full=True) if ends and rows else run

    def _keep_within(self) -> None:
        for lane in reversed(LANES):
            shelf, limit = self._shelves[lane], self._limits.lanes[lane]
            while shelf.rows and limit.max_age_s is not None and self._age_s(shelf) > limit.max_age_s:
                self._drop_oldest(lane, "age")
            while shelf.bytes() > limit.max_bytes:
                self._drop_oldest(lane, "quota")
        for lane in reversed(LANES):
            while self._shelves[lane].rows and self._total() > self._limits.max_bytes:
                self._drop_oldest(lane, "quota")

    def _age_s(self, shelf: Shelf) -> float:
        """Of the oldest."""
        return self._now_s() - shelf.since_s[min(shelf.rows)]

    def _drop_oldest(self, lane: Lane, reason: str) -> None:
        shelf = self._shelves[lane]
        oldest = min(shelf.rows)
        holder = shelf.holder(oldest)
        last = holder.last_seq if holder else oldest
        gone = shelf.withdraw(oldest, last, reason)
        self._tally(self._lost(lane, reason, gone, oldest, last))
        self._count("dropped", len(gone))

    def _total(self) -> int:
        return sum(shelf.bytes() for shelf in self._shelves.values())

    def _quarantine(self, lane: Lane, row: Row, reason: str) -> None:
        self.quarantine.append((lane, row, reason))
        self._count("quarantined", 1)

    def _lost(self, lane: Lane, reason: str, rows: Sequence[Row], first: int, last: int) -> Lost:
        return Lost(lane, reason, len(rows), sum(len(row.body) for row in rows), first, last)

    def _tally(self, new: Lost) -> None:
        old = self._losses.get((new.lane, new.reason))
        self._count(f"lost.{new.lane}.{new.reason.replace(' ', '_')}", new.number or 0)
        if old is None:
            self._losses[new.lane, new.reason] = new
            return
        known = old.number is not None and new.number is not None
        self._losses[new.lane, new.reason] = Lost(
            new.lane,
            new.reason,
            (old.number or 0) + (new.number or 0) if known else None,
            old.size_bytes + new.size_bytes,
            min((seq for seq in (old.first, new.first) if seq is not None), default=None),
            max((seq for seq in (old.last, new.last) if seq is not None), default=None),
        )

    def _count(self, name: str, by: int) -> None:
        if by:
            self._counters[name] = self._counters.get(name, 0) + by
