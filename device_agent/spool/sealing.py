"""How neighbours become a block: functions over an open transaction of ``SqliteSpool``.

A block is a row with its first and last sequence; its events stay where they are. Declarations that waited are
tied to it, so the block reads the same for as long as it exists.

Blocks may be sealed out of order: what is new need not wait behind a backlog. ``lane.sealed`` is how far
everything is sealed without a hole; above it, rows and blocks alternate.

An event whose checksum is wrong never travels. In a block it takes the block's bytes along, which may have
arrived before: the block is withheld until the cloud names it missing, then its intact events are sealed anew.
"""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from contract.envelope import Declared
from contract.events import Lane
from device_agent.spool import surrender
from device_agent.spool.checksum import checksum
from device_agent.spool.packing import MAX_DECLARED, NO_BOOT, Row, Run, pack, room
from device_agent.spool.port import Block

_ROWS = "SELECT seq, boot_id, body, crc FROM event WHERE lane = ? AND seq >= ? AND seq < ? ORDER BY seq"
_FOREVER = 1 << 62


class DamagedRowsError(Exception):
    """Events that are not what was written; the caller sets them apart and asks again.

    Attributes:
        block: First sequence of the block that holds them, ``None`` where none does.
        rows: The events.
    """

    def __init__(self, block: int | None, rows: list[Row]) -> None:
        super().__init__(f"{len(rows)} events with a wrong checksum")
        self.block = block
        self.rows = rows


class Hole(NamedTuple):
    """Sequences that no block holds, from a row on.

    Attributes:
        first: Its lowest row.
        end: The first sequence of the next block, or far above every sequence.
    """

    first: int
    end: int


def waiting(db: sqlite3.Connection, lane: Lane, after: int) -> int | None:
    """Lowest sequence above ``after`` that no block holds yet, declarations included."""
    hole = _hole(db, lane, after)
    (declared,) = db.execute(
        "SELECT min(first) FROM declared WHERE lane = ? AND first > ? AND block IS NULL", (lane, after)
    ).fetchone()
    return min((seq for seq in (hole and hole.first, declared) if seq is not None), default=None)


def sealed(db: sqlite3.Connection, spool_id: str, lane: Lane, after: int) -> Block | None:
    """The first block whose first sequence is above ``after``, if no unsealed row comes before it."""
    row = db.execute(
        "SELECT first, last, boot_id FROM block WHERE lane = ? AND first > ? AND NOT withheld ORDER BY first LIMIT 1",
        (lane, after),
    ).fetchone()
    if row is None:
        return None
    first, last, boot_id = row
    hole = _hole(db, lane, after)
    if hole is not None and hole.first < first:
        return None
    found = db.execute(_ROWS, (lane, first, last + 1)).fetchall()
    if damaged := [Row(*row[:3]) for row in found if not _is_intact(lane, row)]:
        raise DamagedRowsError(first, damaged)
    return Block(
        spool_id=spool_id,
        boot_id=boot_id,
        lane=lane,
        first_seq=first,
        last_seq=last,
        events=tuple(row[2] for row in found),
        declared=_declared(db, lane, first),
    )


def sealable(db: sqlite3.Connection, spool_id: str, lane: Lane, after: int, *, partial: bool, limit: int) -> bool:
    """Whether a block could be sealed now."""
    declared = _declared(db, lane, None)
    run = _run(db, spool_id, lane, after, declared, limit)
    return run.full or (partial and bool(run.rows or declared))


def seal(db: sqlite3.Connection, spool_id: str, lane: Lane, after: int, *, limit: int) -> int | None:
    """Seals what is there, as much as fits; returns the block's last sequence."""
    declared = _declared(db, lane, None)
    run = _run(db, spool_id, lane, after, declared, limit)
    if run.full and not run.rows:  # the first event is so large that the declarations must wait
        declared = ()
        run = _run(db, spool_id, lane, after, declared, limit)
    if run.rows:
        first, last, boot_id = run.rows[0].seq, run.rows[-1].seq, run.rows[0].boot_id
    elif declared:
        first, boot_id = _number_for_declarations(db, lane)
        last = first
        declared = (*declared, Declared(first=first, last=last, reason="declaration"))
    else:
        return None
    db.execute("INSERT INTO block VALUES (?, ?, ?, ?, 0)", (lane, first, last, boot_id))
    _raise_prefix(db, lane)
    db.executemany(
        "INSERT INTO declared VALUES (?, ?, ?, ?, ?) ON CONFLICT (lane, first) DO UPDATE SET block = excluded.block",
        [(lane, each.first, each.last, each.reason, first) for each in declared],
    )
    return int(last)


def set_apart(db: sqlite3.Connection, lane: Lane, damage: DamagedRowsError) -> None:
    """Damaged events go to quarantine, declared; the block that held them is withheld."""
    for row in damage.rows:
        surrender.delete_events(db, lane, row.seq, row.seq)
        surrender.quarantine_event(db, lane, row, "corrupt")
    if damage.block is not None:
        withhold(db, lane, damage.block)


def withhold(db: sqlite3.Connection, lane: Lane, first: int) -> None:
    """A block is not sent as it was; what it should have declared goes with another one."""
    db.execute("UPDATE block SET withheld = 1 WHERE lane = ? AND first = ?", (lane, first))
    db.execute("UPDATE declared SET block = NULL WHERE lane = ? AND block = ?", (lane, first))


def withheld(db: sqlite3.Connection, lane: Lane, first: int, last: int) -> list[tuple[int, int]]:
    """Blocks that touch a range and cannot be sent as they were."""
    return db.execute(
        "SELECT first, last FROM block WHERE lane = ? AND withheld AND first <= ? AND last >= ?", (lane, last, first)
    ).fetchall()


def split(db: sqlite3.Connection, lane: Lane, first: int) -> None:
    """The cloud does not have this block: what is intact of it may be sealed anew."""
    db.execute("DELETE FROM block WHERE lane = ? AND first = ?", (lane, first))
    db.execute("UPDATE declared SET block = NULL WHERE lane = ? AND block = ?", (lane, first))
    db.execute("UPDATE lane SET sealed = min(sealed, ?) WHERE name = ?", (first - 1, lane))


def _raise_prefix(db: sqlite3.Connection, lane: Lane) -> None:
    """``lane.sealed`` up to the next row that no block holds; blocks below it need not be looked at again."""
    (sealed_through,) = db.execute("SELECT sealed FROM lane WHERE name = ?", (lane,)).fetchone()
    hole = _hole(db, lane, sealed_through)
    if hole is None:
        (end,) = db.execute("SELECT max(last) FROM block WHERE lane = ?", (lane,)).fetchone()
    else:
        end = hole.first - 1
    db.execute("UPDATE lane SET sealed = max(sealed, ?) WHERE name = ?", (end or 0, lane))


def _hole(db: sqlite3.Connection, lane: Lane, after: int) -> Hole | None:
    (sealed_through,) = db.execute("SELECT sealed FROM lane WHERE name = ?", (lane,)).fetchone()
    seq = max(after, sealed_through)
    while True:
        (seq,) = db.execute("SELECT min(seq) FROM event WHERE lane = ? AND seq > ?", (lane, seq)).fetchone()
        if seq is None:
            return None
        holder = db.execute(
            "SELECT last FROM block WHERE lane = ? AND first <= ? ORDER BY first DESC LIMIT 1", (lane, seq)
        ).fetchone()
        if holder is None or holder[0] < seq:
            break
        seq = holder[0]
    (end,) = db.execute("SELECT min(first) FROM block WHERE lane = ? AND first > ?", (lane, seq)).fetchone()
    return Hole(int(seq), _FOREVER if end is None else int(end))


def _run(
    db: sqlite3.Connection, spool_id: str, lane: Lane, after: int, declared: tuple[Declared, ...], limit: int
) -> Run:
    hole = _hole(db, lane, after)
    if hole is None:
        return Run((), full=False)
    rows = db.execute(_ROWS, (lane, *hole))
    try:
        run = pack(_intact(lane, rows), lambda boot_id: room(spool_id, boot_id, lane, declared, limit=limit))
    finally:
        rows.close()
    return run._replace(full=True) if hole.end < _FOREVER else run


def _intact(lane: Lane, rows: sqlite3.Cursor) -> Iterator[Row]:
    for row in rows:
        if not _is_intact(lane, row):
            raise DamagedRowsError(None, [Row(*row[:3])])
        yield Row(*row[:3])


def _is_intact(lane: Lane, row: tuple[int, str, bytes, int]) -> bool:
    seq, boot_id, body, crc = row
    return checksum(lane, seq, boot_id, body) == crc


def _number_for_declarations(db: sqlite3.Connection, lane: Lane) -> tuple[int, str]:
    """A block needs a sequence of its own: the cloud keeps blocks by their first one."""
    seq, boot_id = db.execute(
        "UPDATE lane SET next_seq = next_seq + 1 WHERE name = ? RETURNING next_seq - 1, boot_id", (lane,)
    ).fetchone()
    return seq, boot_id or NO_BOOT


def _declared(db: sqlite3.Connection, lane: Lane, block: int | None) -> tuple[Declared, ...]:
    rows = db.execute(
        "SELECT first, last, reason FROM declared WHERE lane = ? AND block IS ? ORDER BY first LIMIT ?",
        (lane, block, MAX_DECLARED if block is None else -1),
    )
    return tuple(Declared(first=first, last=last, reason=reason) for first, last, reason in rows)
