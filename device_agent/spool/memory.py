"""A spool that keeps every rule but durability: for tests and rehearsals.

It is written from ``port.py`` alone and shares no code with the SQLite one but the packing arithmetic, so
that the conformance suite compares two readings of the same rules.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from contract.codec import encode_event
from contract.envelope import Declared
from contract.events import LANES, AnyEvent, Lane, lane_of
from device_agent.spool.packing import MAX_DECLARED, Row, pack, room
from device_agent.spool.port import Accepted, Block


@dataclass
class _Shelf:
    """One lane."""

    next_seq: int = 1
    sealed: int = 0
    stored: int = 0
    boot_id: str = ""
    rows: dict[int, Row] = field(default_factory=dict)
    blocks: dict[int, Block] = field(default_factory=dict)
    open: list[Declared] = field(default_factory=list)

    def unsealed(self) -> Iterator[Row]:
        return (row for seq, row in self.rows.items() if seq > self.sealed)

    def waiting(self) -> int | None:
        return min([row.seq for row in self.unsealed()] + [each.first for each in self.open], default=None)

    def declare(self, first: int, last: int, reason: str) -> None:
        neighbour = next((d for d in self.open if d.last == first - 1 and d.reason == reason), None)
        if neighbour:
            self.open.remove(neighbour)
            first = neighbour.first
        self.open.append(Declared(first=first, last=last, reason=reason))
        self.open.sort(key=lambda declared: declared.first)

    def declared(self) -> list[Declared]:
        return [*self.open, *(each for block in self.blocks.values() for each in block.declared)]

    def withdraw(self, first: int, last: int, reason: str) -> list[Row]:
        block = self.blocks.pop(first, None)
        if block:
            self.open += [declared for declared in block.declared if declared.first != first]
        self.declare(first, last, reason)
        return [self.rows.pop(seq) for seq in range(first, last + 1) if seq in self.rows]


class MemorySpool:
    """Appender and outbox in memory; see ``device_agent.spool.port``."""

    def __init__(self, spool_id: str = "memory", *, max_bytes: int = 1 << 30) -> None:
        self._spool_id = spool_id
        self._max_bytes = max_bytes
        self._mutex = threading.Lock()
        self._shelves: dict[Lane, _Shelf] = {lane: _Shelf() for lane in LANES}
        self._counters: dict[str, int] = {}
        self.quarantine: list[tuple[Lane, Row, str]] = []

    @property
    def spool_id(self) -> str:
        """See ``Appender``."""
        return self._spool_id

    def append(self, boot_id: str, events: Sequence[AnyEvent]) -> list[Accepted]:
        """See ``Appender``."""
        with self._mutex:
            accepted = [self._insert(boot_id, lane_of(event), encode_event(event)) for event in events]
            self._keep_quota()
        return accepted

    def pending(self) -> dict[Lane, int]:
        """See ``Appender``."""
        with self._mutex:
            return {lane: shelf.next_seq - 1 - shelf.stored for lane, shelf in self._shelves.items()}

    def stored(self) -> dict[Lane, int]:
        """By lane: the watermark."""
        with self._mutex:
            return {lane: shelf.stored for lane, shelf in self._shelves.items()}

    def counters(self) -> dict[str, int]:
        """See ``Appender``."""
        with self._mutex:
            return dict(self._counters)

    def waiting(self, lane: Lane) -> int | None:
        """See ``Outbox``."""
        with self._mutex:
            return self._shelves[lane].waiting()

    def take(self, lane: Lane, *, after: int, partial: bool) -> Block | None:
        """See ``Outbox``."""
        with self._mutex:
            shelf = self._shelves[lane]
            sealed = [block for first, block in sorted(shelf.blocks.items()) if first > after]
            if sealed:
                return sealed[0]
            block = self._next(lane, shelf, partial=partial)
            if block:
                shelf.blocks[block.first_seq] = block
                shelf.sealed = block.last_seq
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
                for row in shelf.withdraw(block.first_seq, block.last_seq, reason):
                    self._quarantine(lane, row, reason)
            last = min(last, shelf.stored)
            if first <= last and not any(d.first <= last and d.last >= first for d in shelf.declared()):
                shelf.declare(first, last, reason)
                self._count("forgotten_declared", last - first + 1)

    def _insert(self, boot_id: str, lane: Lane, body: bytes) -> Accepted:
        shelf = self._shelves[lane]
        row = Row(shelf.next_seq, boot_id, body)
        shelf.next_seq += 1
        shelf.boot_id = boot_id
        if len(body) > room(self._spool_id, boot_id, lane):
            self._quarantine(lane, row, "too large")
            shelf.declare(row.seq, row.seq, "too large")
        else:
            shelf.rows[row.seq] = row
        return Accepted(lane, row.seq)

    def _next(self, lane: Lane, shelf: _Shelf, *, partial: bool) -> Block | None:
        declared = tuple(shelf.open[:MAX_DECLARED])
        boot_id = next((row.boot_id for row in shelf.unsealed()), shelf.boot_id)
        run = pack(shelf.unsealed(), room(self._spool_id, boot_id, lane, declared))
        if run.full and not run.rows:
            declared = ()
            run = pack(shelf.unsealed(), room(self._spool_id, boot_id, lane))
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
            boot_id=boot_id,
            lane=lane,
            first_seq=first,
            last_seq=last,
            events=tuple(row.body for row in run.rows),
            declared=declared,
        )

    def _keep_quota(self) -> None:
        for lane in reversed(LANES):
            shelf = self._shelves[lane]
            while shelf.rows and self._total() > self._max_bytes:
                oldest = min(shelf.rows)
                holder = next((b for b in shelf.blocks.values() if b.first_seq <= oldest <= b.last_seq), None)
                last = holder.last_seq if holder else oldest
                self._count("dropped", len(shelf.withdraw(oldest, last, "quota")))

    def _total(self) -> int:
        return sum(len(row.body) for shelf in self._shelves.values() for row in shelf.rows.values())

    def _quarantine(self, lane: Lane, row: Row, reason: str) -> None:
        self.quarantine.append((lane, row, reason))
        self._count("quarantined")

    def _count(self, name: str, by: int = 1) -> None:
        self._counters[name] = self._counters.get(name, 0) + by
