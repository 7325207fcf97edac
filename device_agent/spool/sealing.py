"""How neighbours become a block: functions over an open transaction of ``SqliteSpool``.

A block is a row with its first and last sequence; its events stay where they are. Declarations that waited are
tied to it, so the block reads the same for as long as it exists.
"""

import itertools
import sqlite3

from contract.envelope import Declared
from contract.events import Lane
from device_agent.spool.packing import MAX_DECLARED, Row, Run, pack, room
from device_agent.spool.port import Block

_UNSEALED = (
    "SELECT seq, event.boot_id, body FROM event, lane WHERE name = ?1 AND lane = ?1 AND seq > sealed ORDER BY seq"
)
_WAITING = (
    "SELECT min(seq) FROM (SELECT min(event.seq) AS seq FROM event, lane WHERE name = ?1 AND lane = ?1 AND seq > sealed"
    " UNION ALL SELECT min(first) FROM declared WHERE lane = ?1 AND block IS NULL)"
)


def waiting(db: sqlite3.Connection, lane: Lane) -> int | None:
    """Lowest sequence that no block holds yet, declarations included."""
    (first,) = db.execute(_WAITING, (lane,)).fetchone()
    return None if first is None else int(first)


def sealed(db: sqlite3.Connection, spool_id: str, lane: Lane, after: int) -> Block | None:
    """The first block whose first sequence is above ``after``."""
    row = db.execute(
        "SELECT first, last, boot_id FROM block WHERE lane = ? AND first > ? ORDER BY first LIMIT 1", (lane, after)
    ).fetchone()
    if row is None:
        return None
    first, last, boot_id = row
    bodies = db.execute(
        "SELECT body FROM event WHERE lane = ? AND seq BETWEEN ? AND ? ORDER BY seq", (lane, first, last)
    )
    return Block(
        spool_id=spool_id,
        boot_id=boot_id,
        lane=lane,
        first_seq=first,
        last_seq=last,
        events=tuple(body for (body,) in bodies),
        declared=_declared(db, lane, first),
    )


def sealable(db: sqlite3.Connection, spool_id: str, lane: Lane, *, partial: bool) -> bool:
    """Whether a block could be sealed now."""
    declared = _declared(db, lane, None)
    run = _run(db, spool_id, lane, declared)
    return run.full or (partial and bool(run.rows or declared))


def seal(db: sqlite3.Connection, spool_id: str, lane: Lane) -> None:
    """Seals what is there, as much as fits."""
    declared = _declared(db, lane, None)
    run = _run(db, spool_id, lane, declared)
    if run.full and not run.rows:  # the first event is so large that the declarations must wait
        declared = ()
        run = _run(db, spool_id, lane, declared)
    if run.rows:
        first, last, boot_id = run.rows[0].seq, run.rows[-1].seq, run.rows[0].boot_id
    elif declared:
        first, boot_id = _number_for_declarations(db, lane)
        last = first
        declared = (*declared, Declared(first=first, last=last, reason="declaration"))
    else:
        return
    db.execute("INSERT INTO block VALUES (?, ?, ?, ?)", (lane, first, last, boot_id))
    db.execute("UPDATE lane SET sealed = ? WHERE name = ?", (last, lane))
    db.executemany(
        "INSERT INTO declared VALUES (?, ?, ?, ?, ?) ON CONFLICT (lane, first) DO UPDATE SET block = excluded.block",
        [(lane, each.first, each.last, each.reason, first) for each in declared],
    )


def _run(db: sqlite3.Connection, spool_id: str, lane: Lane, declared: tuple[Declared, ...]) -> Run:
    rows = db.execute(_UNSEALED, (lane,))
    first = next(rows, None)
    if first is None:
        return Run((), full=False)
    capacity = room(spool_id, first[1], lane, declared)
    try:
        return pack(map(Row._make, itertools.chain([first], rows)), capacity)
    finally:
        rows.close()


def _number_for_declarations(db: sqlite3.Connection, lane: Lane) -> tuple[int, str]:
    """A block needs a sequence of its own: the cloud keeps blocks by their first one."""
    seq, boot_id = db.execute(
        "UPDATE lane SET next_seq = next_seq + 1 WHERE name = ? RETURNING next_seq - 1, boot_id", (lane,)
    ).fetchone()
    return seq, boot_id


def _declared(db: sqlite3.Connection, lane: Lane, block: int | None) -> tuple[Declared, ...]:
    rows = db.execute(
        "SELECT first, last, reason FROM declared WHERE lane = ? AND block IS ? ORDER BY first LIMIT ?",
        (lane, block, MAX_DECLARED if block is None else -1),
    )
    return tuple(Declared(first=first, last=last, reason=reason) for first, last, reason in rows)
