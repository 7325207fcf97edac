"""What can still be read of a damaged spool file.

Tables are read one by one, so that a broken page costs what is on it. Events are read in ranges; a range that
fails is halved until the broken part is found. Each event's checksum is compared: a changed one is as bad as a
missing one.

Not here: what becomes of it (``rebuild``), when a file counts as damaged (``database``).
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from contract.events import LANES, Lane
from device_agent.spool.checksum import checksum
from device_agent.spool.lease import LeaseNote

_MAX_PROBES: Final = 20_000
"""Reads of parts of a lane. What is not found by then counts as unreadable."""

_TABLES: Final = {
    "block": "lane, first, last, boot_id",
    "declared": "lane, first, last, reason, block",
    "loss": "lane, reason, count, bytes, first, last",
    "quarantine": "lane, seq, boot_id, reason, body",
    "counter": "name, value",
}

Values = tuple[object, ...]


class LaneRemains(NamedTuple):
    """Of one lane.

    Attributes:
        next_seq: No sequence at or above it was given out.
        stored: The watermark, 0 where it cannot be read.
        boot_id: The last one that appended.
        rows: Intact events: seq, boot_id, elapsed_s, crc, body.
    """

    next_seq: int
    stored: int
    boot_id: str
    rows: list[tuple[int, str, int, int, bytes]]


class Remains(NamedTuple):
    """What is left.

    Attributes:
        spool_id: Empty where nothing says whose sequences these are.
        hardware: Of the machine.
        elapsed_s: How long it was in use.
        lanes: By lane.
        tables: The other tables' rows.
        complete: Whether every lane's counters could be read from the file itself.
    """

    spool_id: str
    hardware: str
    elapsed_s: int
    lanes: dict[Lane, LaneRemains]
    tables: dict[str, list[Values]]
    complete: bool


def salvage(path: Path, note: LeaseNote | None) -> Remains:
    """Reads what it can; never raises for what is in the file.

    Args:
        path: The damaged file, with its ``-wal`` beside it if there was one.
        note: What the lease says.
    """
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.text_factory = tolerant_text
        spool = _first(db, "SELECT spool_id, hardware, elapsed_s FROM spool") or ("", "", 0)
        known = spool[0] or (note.spool_id if note else "")
        lanes = {lane: _lane(db, lane, note.below[lane] if note else None) for lane in LANES}
        tables = {name: _rows(db, f"SELECT {columns} FROM {name}") for name, columns in _TABLES.items()}  # noqa: S608 - constants
    found = {lane: remains for lane, remains in lanes.items() if remains is not None}
    return Remains(
        spool_id=str(known) if len(found) == len(LANES) else "",
        hardware=str(spool[1] or (note.hardware if note else "")),
        elapsed_s=spool[2] if isinstance(spool[2], int) else 0,
        lanes=found,
        tables=tables,
        complete=bool(spool[0]) and len(found) == len(LANES),
    )


def tolerant_text(raw: bytes) -> str:
    """A damaged text is another text, which its checksum finds, and never an error in the middle of a query."""
    return raw.decode(errors="replace")


def _lane(db: sqlite3.Connection, lane: Lane, below: int | None) -> LaneRemains | None:
    """``None`` where nothing bounds its sequences."""
    row = _first(db, f"SELECT next_seq, stored, boot_id FROM lane WHERE name = '{lane}'")  # noqa: S608 - a constant
    counted, stored, boot_id = row or (None, 0, "")
    if not (isinstance(counted, int) and isinstance(stored, int) and 0 <= stored < counted):
        counted, stored = below, 0
    if counted is None:
        return None
    end = counted if below is None else below
    rows = list(_events(db, lane, stored + 1, end - 1))
    credible = counted <= end and all(row[0] < counted for row in rows)  # else a bit of the counter flipped
    return LaneRemains(counted if credible else end, stored, boot_id if isinstance(boot_id, str) else "", rows)


def _events(db: sqlite3.Connection, lane: Lane, first: int, last: int) -> Iterator[tuple[int, str, int, int, bytes]]:
    """Intact events of a range; halves it where it cannot be read."""
    parts, probes = [(first, last)] if _is_readable(db) else [], 0
    while parts and probes < _MAX_PROBES:
        low, high = parts.pop()
        if low > high:
            continue
        probes += 1
        try:
            rows = db.execute(
                "SELECT seq, boot_id, elapsed_s, crc, body FROM event WHERE lane = ? AND seq BETWEEN ? AND ?",
                (lane, low, high),
            ).fetchall()
        except (sqlite3.Error, UnicodeDecodeError, OverflowError):
            if low < high:
                middle = (low + high) // 2
                parts += [(middle + 1, high), (low, middle)]
            continue
        yield from (row for row in rows if _is_intact(lane, row))


def _is_readable(db: sqlite3.Connection) -> bool:
    """Whether the table's description is there at all."""
    with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
        db.execute("SELECT seq, boot_id, elapsed_s, crc, body FROM event LIMIT 0")
        return True
    return False


def _is_intact(lane: Lane, row: Values) -> bool:
    seq, boot_id, elapsed_s, crc, body = row
    if not (isinstance(seq, int) and isinstance(boot_id, str) and isinstance(body, bytes)):
        return False
    return isinstance(elapsed_s, int) and checksum(lane, seq, boot_id, body) == crc


def _first(db: sqlite3.Connection, statement: str) -> Values | None:
    rows = _rows(db, statement)
    return rows[0] if rows else None


def _rows(db: sqlite3.Connection, statement: str) -> list[Values]:
    """Rows up to the first that cannot be read."""
    rows: list[Values] = []
    with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
        for row in db.execute(statement):
            rows.append(row)  # noqa: PERF402 - what came before an error stays
    return rows
