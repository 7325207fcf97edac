"""What is given up, and how it is told: every surrender leaves a declaration, a tally and a count.

Functions over an open transaction of ``SqliteSpool``. A declaration with ``block`` null waits for the next
block of its lane; sealed into one, it stays until the cloud has passed it. A tally becomes a ``Loss`` event.

Not here: what the limits are (``limits``), when the cloud is told (``sealing``).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from contract.events import LANES, Lane
from device_agent.spool.limits import Limits
from device_agent.spool.packing import Row
from device_agent.spool.port import Lost

KEPT_IN_QUARANTINE: Final = 256
"""Events kept to be looked at; older ones go, counted as ``quarantine_dropped``."""

_DROP_ROWS: Final = 64
_EVER_S: Final = 1 << 62


def count(db: sqlite3.Connection, name: str, by: int = 1) -> None:
    """Raises a persistent counter."""
    if by:
        db.execute(
            "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2",
            (name, by),
        )


def tally(db: sqlite3.Connection, lost: Lost) -> None:
    """Adds to what is to be told; an unknown count makes the sum unknown."""
    db.execute(
        "INSERT INTO loss VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (lane, reason) DO UPDATE SET"
        " count = count + ?3, bytes = bytes + ?4,"
        " first = min(coalesce(first, ?5), coalesce(?5, first)), last = max(coalesce(last, ?6), coalesce(?6, last))",
        tuple(lost),
    )
    count(db, f"lost.{lost.lane}.{lost.reason.replace(' ', '_')}", lost.number or 0)


def tallied(db: sqlite3.Connection) -> list[Lost]:
    """What is to be told, removed from the tallies."""
    return [Lost._make(row) for row in db.execute("DELETE FROM loss RETURNING lane, reason, count, bytes, first, last")]


def declare(db: sqlite3.Connection, lane: Lane, first: int, last: int, reason: str) -> None:
    """Notes a range for the lane's next block, joined to its neighbour where the reason is the same."""
    joined = db.execute(
        "UPDATE declared SET last = ? WHERE lane = ? AND last = ? AND reason = ? AND block IS NULL",
        (last, lane, first - 1, reason),
    )
    if joined.rowcount == 0:
        db.execute("INSERT INTO declared VALUES (?, ?, ?, ?, NULL)", (lane, first, last, reason))


def delete_events(db: sqlite3.Connection, lane: Lane, first: int, last: int) -> tuple[int, int]:
    """Deletes a range of a lane; returns how many events were in it and their bytes."""
    where = "lane = ? AND seq BETWEEN ? AND ?"
    events, size = db.execute(
        f"SELECT count(*), coalesce(sum(length(body)), 0) FROM event WHERE {where}",  # noqa: S608 - a constant
        (lane, first, last),
    ).fetchone()
    db.execute(f"DELETE FROM event WHERE {where}", (lane, first, last))  # noqa: S608 - a constant
    db.execute("UPDATE lane SET bytes = bytes - ? WHERE name = ?", (size, lane))
    return int(events), int(size)


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
    tally(db, Lost(lane, reason, 1, len(row.body), row.seq, row.seq))


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


def declare_absent(db: sqlite3.Connection, lane: Lane, first: int, last: int) -> None:
    """Declares what the cloud misses of a range and the file does not hold, although it was given out."""
    (next_seq,) = db.execute("SELECT next_seq FROM lane WHERE name = ?", (lane,)).fetchone()
    here = db.execute(
        "SELECT seq, seq FROM event WHERE lane = ?1 AND seq BETWEEN ?2 AND ?3 UNION ALL "
        "SELECT first, last FROM block WHERE lane = ?1 AND first <= ?3 AND last >= ?2 UNION ALL "
        "SELECT first, last FROM declared WHERE lane = ?1 AND first <= ?3 AND last >= ?2",
        (lane, first, last),
    ).fetchall()
    for begin, end in list(holes(here, first, min(last, next_seq - 1))):
        declare(db, lane, begin, end, "corrupt")
        tally(db, Lost(lane, "corrupt", end - begin + 1, 0, begin, end))


def holes(ranges: Iterable[tuple[int, int]], first: int, last: int) -> Iterator[tuple[int, int]]:
    """What of ``first`` to ``last`` no range covers."""
    expected = first
    for begin, end in sorted(ranges):
        if begin > expected:
            yield expected, min(begin - 1, last)
        expected = max(expected, end + 1)
    if expected <= last:
        yield expected, last


def keep_within(db: sqlite3.Connection, limits: Limits, *, elapsed_s: int) -> None:
    """Drops what is too old or too much, until the spool is within its limits."""
    for lane in reversed(LANES):
        limit = limits.lanes[lane]
        too_old_s = elapsed_s - (elapsed_s if limit.max_age_s is None else limit.max_age_s)
        while _oldest_s(db, lane) < too_old_s and drop_oldest(db, lane, "age", before_s=too_old_s):
            pass
        while _bytes(db, lane) > limit.max_bytes and drop_oldest(db, lane, "quota"):
            pass
    for lane in reversed(LANES):
        while total_bytes(db) > limits.max_bytes and drop_oldest(db, lane, "quota"):
            pass


def make_room(db: sqlite3.Connection, lanes: Iterable[Lane], needed: int) -> bool:
    """Gives up the oldest of the first of these lanes that has any, where the disk has no room.

    Args:
        db: Inside a transaction.
        lanes: The lowest first; the others are spared.
        needed: Bytes of JSON, at least.

    Returns:
        Whether there was anything.
    """
    before = left = total_bytes(db)
    for lane in lanes:
        while left > before - needed and drop_oldest(db, lane, "disk"):
            left = total_bytes(db)
    return left < before


def drop_oldest(db: sqlite3.Connection, lane: Lane, reason: str, *, before_s: int = _EVER_S) -> bool:
    """Drops a lane's oldest block, or its oldest rows from before ``before_s``; false where there is none."""
    oldest = db.execute("SELECT min(seq) FROM event WHERE lane = ?", (lane,)).fetchone()[0]
    if oldest is None:
        return False
    block = db.execute(
        "SELECT first, last FROM block WHERE lane = ? AND first <= ? AND last >= ?", (lane, oldest, oldest)
    ).fetchone()
    first, last = block or _oldest_run(db, lane, before_s)
    events, size = delete_events(db, lane, first, last)
    count(db, "dropped", events)
    tally(db, Lost(lane, reason, events, size, first, last))
    if block:
        unseal(db, lane, first, last, reason)
    else:
        declare(db, lane, first, last, reason)
    return True


def unseal(db: sqlite3.Connection, lane: Lane, first: int, last: int, reason: str) -> None:
    """A block goes: its range is declared, and what it should have declared waits for the next one."""
    db.execute("DELETE FROM block WHERE lane = ? AND first = ?", (lane, first))
    db.execute("DELETE FROM declared WHERE lane = ?1 AND first = ?2 AND block = ?2", (lane, first))
    db.execute("UPDATE declared SET block = NULL WHERE lane = ? AND block = ?", (lane, first))
    declare(db, lane, first, last, reason)


def _quarantine_block(db: sqlite3.Connection, lane: Lane, first: int, last: int, reason: str) -> None:
    rows = db.execute(
        "SELECT seq, boot_id, body FROM event WHERE lane = ? AND seq BETWEEN ? AND ?", (lane, first, last)
    ).fetchall()
    for row in rows:
        _keep(db, lane, Row._make(row), reason)
    events, size = delete_events(db, lane, first, last)
    if events:
        tally(db, Lost(lane, reason, events, size, first, last))
    unseal(db, lane, first, last, reason)


def _oldest_s(db: sqlite3.Connection, lane: Lane) -> float:
    row = db.execute("SELECT elapsed_s FROM event WHERE lane = ? ORDER BY seq LIMIT 1", (lane,)).fetchone()
    return float("inf") if row is None else row[0]


def _bytes(db: sqlite3.Connection, lane: Lane) -> int:
    return int(db.execute("SELECT bytes FROM lane WHERE name = ?", (lane,)).fetchone()[0])


def total_bytes(db: sqlite3.Connection) -> int:
    """JSON of all events kept."""
    return int(db.execute("SELECT sum(bytes) FROM lane").fetchone()[0])


def _oldest_run(db: sqlite3.Connection, lane: Lane, before_s: int) -> tuple[int, int]:
    """The lowest rows that follow one another and that no block holds."""
    rows = db.execute(
        "SELECT seq, elapsed_s FROM event WHERE lane = ? ORDER BY seq LIMIT ?", (lane, _DROP_ROWS)
    ).fetchall()
    first = rows[0][0]
    (end,) = db.execute("SELECT min(first) FROM block WHERE lane = ? AND first > ?", (lane, first)).fetchone()
    last = first
    for seq, elapsed_s in rows[1:]:
        if seq != last + 1 or (end and seq >= end) or elapsed_s >= before_s:
            break
        last = seq
    return first, last


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
