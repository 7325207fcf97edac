"""A second chance for what is in quarantine: under a new sequence, because the old one was declared.

Not here: repairing. What is damaged stays where it is; so does what is still too large.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import msgspec

from contract.codec import decode_event
from contract.errors import ContractError
from contract.events import Lane
from device_agent.errors import SpoolError
from device_agent.fault_points import reach
from device_agent.spool.checksum import checksum
from device_agent.spool.database import Database, Opening, open_database
from device_agent.spool.packing import Row, room
from device_agent.spool.surrender import count
from device_agent.spool.trouble import SpoolTroubleError, kind_of, kind_of_os

_REMEDY: Final = "`thresher spool export --quarantine` lists what is"


class Requeued(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event.

    Attributes:
        number: In quarantine.
        lane: Of the event.
        seq: Its new sequence; ``None`` where it stays in quarantine.
        problem: Why it stays.
    """

    number: int
    lane: Lane
    seq: int | None = None
    problem: str = ""


def requeue(
    path: Path, numbers: Collection[int] | None, *, new_id: Callable[[], str], wall_ms: Callable[[], int]
) -> list[Requeued]:
    """Takes events from quarantine back into their lanes, all or none.

    Args:
        path: Of the spool, which exists; others may have it open.
        numbers: Which; ``None`` for all.
        new_id: Makes a spool id, should the file turn out to be damaged.
        wall_ms: Unix milliseconds, for the same.

    Raises:
        SpoolError: A number is not in quarantine, or the file cannot be written; nothing has changed.
    """
    database = open_database(Opening(path, hardware="", new_id=new_id, wall_ms=wall_ms))
    with contextlib.closing(database):
        try:
            return _requeue(database, numbers)
        except sqlite3.Error as exc:
            raise SpoolTroubleError(f"spool {path}: {exc}", kind=kind_of(exc)) from exc
        except OSError as exc:
            raise SpoolTroubleError(f"spool {path}: {exc}", kind=kind_of_os(exc)) from exc


def _requeue(database: Database, numbers: Collection[int] | None) -> list[Requeued]:
    db = database.connection
    reach("spool.requeue.begin")
    db.execute("BEGIN IMMEDIATE")
    try:
        chosen = _chosen(db, numbers)
        done = [_one(database, number, lane, reason, Row(*row)) for number, lane, reason, *row in chosen]
        database.lease.cover(db)
        reach("spool.requeue.written")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    reach("spool.requeue.committed")
    return done


def _chosen(db: sqlite3.Connection, numbers: Collection[int] | None) -> list[Any]:
    kept = db.execute("SELECT number, lane, reason, seq, boot_id, body FROM quarantine ORDER BY number").fetchall()
    unknown = sorted(set(numbers or ()) - {row[0] for row in kept})
    if unknown:
        raise SpoolError(f"not in quarantine: {', '.join(map(str, unknown))}", remedy=_REMEDY)
    return [row for row in kept if numbers is None or row[0] in numbers]


def _one(database: Database, number: int, lane: Lane, reason: str, row: Row) -> Requeued:
    problem = _problem(database.spool_id, lane, reason, row)
    if problem:
        return Requeued(number=number, lane=lane, problem=problem)
    db = database.connection
    (seq,) = db.execute(
        "UPDATE lane SET next_seq = next_seq + 1, bytes = bytes + ? WHERE name = ? RETURNING next_seq - 1",
        (len(row.body), lane),
    ).fetchone()
    crc = checksum(lane, seq, row.boot_id, row.body)
    event = lane, seq, row.boot_id, database.elapsed_s, crc, row.body
    db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", event)
    db.execute("DELETE FROM quarantine WHERE number = ?", (number,))
    count(db, "requeued")
    return Requeued(number=number, lane=lane, seq=seq)


def _problem(spool_id: str, lane: Lane, reason: str, row: Row) -> str:
    if reason == "corrupt":
        return "damaged: its bytes are not what was accepted"
    if len(row.body) > room(spool_id, row.boot_id, lane):
        return f"too large: {len(row.body)} bytes do not fit into an envelope"
    try:
        decode_event(row.body)
    except ContractError as exc:
        return f"no event: {exc}"
    return ""
