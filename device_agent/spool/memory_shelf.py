"""One lane of a spool in memory: its rows, the blocks sealed around them, and what is declared lost.

Not here: what goes where and when (``memory``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from contract.envelope import Declared
from device_agent.spool.packing import Row
from device_agent.spool.port import Block


@dataclass
class Shelf:
    """One lane.

    Attributes:
        next_seq: Of the next event.
        stored: The watermark.
        boot_id: Of the latest event.
        rows: By sequence.
        since_s: When each came, monotonic seconds.
        blocks: Sealed ones, by their first sequence.
        open: Declared, and in no block yet.
    """

    next_seq: int = 1
    stored: int = 0
    boot_id: str = ""
    rows: dict[int, Row] = field(default_factory=dict)
    since_s: dict[int, float] = field(default_factory=dict)
    blocks: dict[int, Block] = field(default_factory=dict)
    open: list[Declared] = field(default_factory=list)

    def holder(self, seq: int) -> Block | None:
        """The block that is sealed around ``seq``."""
        return next((b for b in self.blocks.values() if b.first_seq <= seq <= b.last_seq), None)

    def unsealed(self, after: int = 0) -> Iterator[Row]:
        """Rows above ``after`` that no block holds, in order."""
        return (row for seq, row in sorted(self.rows.items()) if seq > after and not self.holder(seq))

    def hole(self, after: int) -> tuple[list[Row], bool]:
        """The lowest unsealed rows above ``after``, up to the next block; whether there is one."""
        rows = list(self.unsealed(after))
        ends = [b.first_seq for b in self.blocks.values() if rows and b.first_seq > rows[0].seq]
        end = min(ends, default=None)
        return [row for row in rows if end is None or row.seq < end], end is not None

    def waiting(self, after: int = 0) -> int | None:
        """The lowest sequence above ``after`` that waits to be sealed."""
        seqs = [row.seq for row in self.unsealed(after)]
        return min(seqs + [each.first for each in self.open if each.first > after], default=None)

    def declare(self, first: int, last: int, reason: str) -> None:
        """A run that will not come; one beside it with the same reason grows."""
        neighbour = next((d for d in self.open if d.last == first - 1 and d.reason == reason), None)
        if neighbour:
            self.open.remove(neighbour)
            first = neighbour.first
        self.open.append(Declared(first=first, last=last, reason=reason))
        self.open.sort(key=lambda declared: declared.first)

    def declared(self) -> list[Declared]:
        """All that is declared, in blocks or not."""
        return [*self.open, *(each for block in self.blocks.values() for each in block.declared)]

    def withdraw(self, first: int, last: int, reason: str) -> list[Row]:
        """Takes a run out of its block and the lane, declared; the rows that went."""
        block = self.blocks.pop(first, None)
        if block:
            self.open += [declared for declared in block.declared if declared.first != first]
        self.declare(first, last, reason)
        return [self.rows.pop(seq) for seq in range(first, last + 1) if seq in self.rows]

    def bytes(self) -> int:
        """Of all rows' bodies."""
        return sum(len(row.body) for row in self.rows.values())
