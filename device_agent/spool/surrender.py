"""What is given up, and how it is told: every surrender leaves a declaration and a count.

Functions over an open transaction of ``SqliteSpool``. A declaration with ``block`` null waits for the next
block of its lane; sealed into one, it stays until the cloud has passed it.
"""

import sqlite3

from contract.events import LANES, Lane
from device_agent.spool.packing import Row

KEPT_IN_QUARANTINE = 256
"""Events kept to be looked at; older ones go, counted as ``quarantine_dropped``."""

_DROP_ROWS = 64


def count(db: sqlite3.Connection, name: str, by: int = 1) -> None:
    """Raises a persistent counter."""
    if by:
        db.execute(
            "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2",
            (name, by),
        )


def declare(db: sqlite3.Connection, lane: Lane, first: int, last: int, reason: str) -> None:
    """Notes a range for the lane's next block, joined to its neighbour where the reason is the same."""
    joined = db.execute(
        "UPDATE declared SET last = ? WHERE lane = ? AND last = ? AND reason = ? AND block IS NULL",
        (last, lane, first - 1, reason),
    )
    if joined.rowcount == 0:
        db.execute("INSERT INTO declared VALUES (?, ?, ?, ?, NULL)", (lane, first, last, reason))


def delete_events(db: sqlite3.Connection, lane: Lane, first: int, last: int) -> int:
    """Deletes a range of a lane; returns how many events were in it."""
    where = "lane = ? AND seq BETWEEN ? AND ?"
    events, size = db.execute(
        f"SELECT count(*), coalesce(sum(length(body)), 0) FROM event WHERE {where}",  # noqa: S608 - a constant
        (lane, first, last),
    ).fetchone()
    db.execute(f"DELETE FROM event WHERE {where}", (lane, first, last))  # noqa: S608 - a constant
    db.execute("UPDATE lane SET bytes = bytes - ? WHERE name = ?", (size, lane))
    return int(events)


def delete_declarations(db: sqlite3.Connection, lane: Lane, mark: int) -> None:
    """Deletes what the cloud knows, except what a block still carries: a second copy must be the same bytes."""
    db.execute(
        "DELETE FROM declared WHERE lane = ?1 AND last <= ?2"
        " AND (block IS NULL OR block NOT IN (SELECT first FROM block WHERE lane = ?1))",
        (lane, mark),
    )


def quarantine_event(db: sqlite3.Connection, lane: Lane, row: Row, reason: str) -> None:
    """Keeps an event that cannot travel, and declares it."""
    _keep(db, lane, row, reason)
    declare(db, lane, row.seq, row.seq, reason)


def quarantine_blocks(db: sqlite3.Connection, lane: Lane, first: int, last: int, reason: str) -> None:
    """Keeps the events of the sealed blocks within a range that the cloud refuses, and declares each block's."""
    blocks = db.execute(
        "SELECT first, last FROM block WHERE lane = ? AND first >= ? AND last <= ?", (lane, first, last)
    ).fetchall()
    for begin, end in blocks:
        _quarantine_block(db, lane, begin, end, reason)


def declare_forgotten(db: sqlite3.Connection, lane: Lane, first: int, last: int, reason: str) -> None:
    """Declares the part of a range that is at or below the watermark, unless some of it is being declared."""
    (stored,) = db.execute("SELECT stored FROM lane WHERE name = ?", (lane,)).fetchone()
    last = min(last, stored)
    told = db.execute("SELECT 1 FROM declared WHERE lane = ? AND first <= ? AND last >= ?", (lane, last, first))
    if first <= last and told.fetchone() is None:
        declare(db, lane, first, last, reason)
        count(db, "forgotten_declared", last - first + 1)


def _quarantine_block(db: sqlite3.Connection, lane: Lane, first: int, last: int, reason: str) -> None:
    rows = db.execute(
        "SELECT seq, boot_id, body FROM event WHERE lane = ? AND seq BETWEEN ? AND ?", (lane, first, last)
    ).fetchall()
    for row in rows:
        _keep(db, lane, Row._make(row), reason)
    delete_events(db, lane, first, last)
    _unseal(db, lane, first, last, reason)


def keep_quota(db: sqlite3.Connection, max_bytes: int) -> None:
    """Drops oldest first, from the lowest lane up, until the spool is within ``max_bytes``."""
    for lane in reversed(LANES):
        while _total(db) > max_bytes:
            if not _drop_oldest(db, lane):
                break


def _total(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT sum(bytes) FROM lane").fetchone()[0])


def _drop_oldest(db: sqlite3.Connection, lane: Lane) -> bool:
    oldest = db.execute("SELECT min(seq) FROM event WHERE lane = ?", (lane,)).fetchone()[0]
    if oldest is None:
        return False
    block = db.execute(
        "SELECT first, last FROM block WHERE lane = ? AND first <= ? AND last >= ?", (lane, oldest, oldest)
    ).fetchone()
    first, last = block or _oldest_run(db, lane)
    count(db, "dropped", delete_events(db, lane, first, last))
    if block:
        _unseal(db, lane, first, last, "quota")
    else:
        declare(db, lane, first, last, "quota")
    return True


def _oldest_run(db: sqlite3.Connection, lane: Lane) -> tuple[int, int]:
    seqs = [
        seq for (seq,) in db.execute("SELECT seq FROM event WHERE lane = ? ORDER BY seq LIMIT ?", (lane, _DROP_ROWS))
    ]
    length = next((i for i, seq in enumerate(seqs) if seq != seqs[0] + i), len(seqs))
    return seqs[0], seqs[length - 1]


def _unseal(db: sqlite3.Connection, lane: Lane, first: int, last: int, reason: str) -> None:
    """A block goes: its range is declared, and what it should have declared waits for the next one."""
    db.execute("DELETE FROM block WHERE lane = ? AND first = ?", (lane, first))
    db.execute("DELETE FROM declared WHERE lane = ?1 AND first = ?2 AND block = ?2", (lane, first))
    db.execute("UPDATE declared SET block = NULL WHERE lane = ? AND block = ?", (lane, first))
    declare(db, lane, first, last, reason)


def _keep(db: sqlite3.Connection, lane: Lane, row: Row, reason: str) -> None:
    db.execute(
        "INSERT INTO quarantine (lane, seq, boot_id, reason, body) VALUES (?, ?, ?, ?, ?)",
        (lane, row.seq, row.boot_id, reason, row.body),
    )
    count(db, "quarantined")
    gone = db.execute(
        "DELETE FROM quarantine WHERE number <= (SELECT max(number) FROM quarantine) - ?",
        (KEPT_IN_QUARANTINE,),
    )
    count(db, "quarantine_dropped", gone.rowcount)
