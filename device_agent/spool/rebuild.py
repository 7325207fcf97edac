"""A new spool file from what could be read of a damaged one.

Kept: intact events under their own sequences, blocks whose events are all there, declarations, tallies,
counters, quarantine. Given up, declared as ``corrupt`` and tallied: every other sequence above the watermark
that was or may have been given out.

A block that misses an event can no longer be sent as the bytes it was. It may have arrived before: it is withheld
until the cloud names it missing, and only then its intact events are sealed anew (``sealing.split``).

The new file is complete and durable before the damaged one is moved; a power cut at any step leaves one of them.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from contract.events import LANES, Lane
from device_agent.fault_points import reach
from device_agent.files import sync_file, sync_folder
from device_agent.spool import schema, sealing, surrender
from device_agent.spool.log_file import PAGE_BYTES
from device_agent.spool.port import Lost
from device_agent.spool.salvage import LaneRemains, Remains

KEPT_DAMAGED: Final = 3
"""Damaged files kept beside the spool; older ones are deleted."""


def rebuild(path: Path, remains: Remains, *, new_id: str, hardware: str, wall_ms: int) -> None:
    """Puts a new spool in the damaged one's place; that is moved to ``<path>.corrupt-<wall_ms>``.

    Args:
        path: Of the spool.
        remains: What could be read of it.
        new_id: Used where nothing says whose sequences these were.
        hardware: Of this machine, for a spool that does not know.
        wall_ms: Unix milliseconds.

    Raises:
        OSError, sqlite3.Error: The disk does not take it; the damaged file is where it was.
    """
    fresh = _fresh(path)
    _remove(fresh)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        db.execute(f"PRAGMA page_size={PAGE_BYTES}")
        db.execute("PRAGMA journal_mode=OFF")
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        schema.create(db, remains.spool_id or new_id, remains.hardware or hardware)
        if remains.spool_id:
            _fill(db, remains)
        else:
            for lane in LANES:
                surrender.tally(db, Lost(lane, "corrupt", None))
        surrender.count(db, "moved_aside")
        db.execute("COMMIT")
    sync_file(fresh)
    sync_folder(path.parent)
    reach("spool.open.salvaged")
    _move_aside(path, path.with_name(f"{path.name}.corrupt-{wall_ms}"))
    reach("spool.open.moved")
    finish(path)


def finish(path: Path) -> bool:
    """Takes the new file where a power cut came between the two moves; returns whether there was one."""
    fresh = _fresh(path)
    if path.exists() or not fresh.exists():
        _remove(fresh)
        return False
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    sync_folder(path.parent)
    fresh.rename(path)
    sync_folder(path.parent)
    return True


def damaged_files(path: Path) -> list[Path]:
    """What was moved aside, oldest first."""
    found = path.parent.glob(f"{path.name}.corrupt-*")
    return sorted(file for file in found if not file.name.endswith(("-wal", "-shm")))


def _fill(db: sqlite3.Connection, remains: Remains) -> None:
    db.execute("UPDATE spool SET elapsed_s = ?", (remains.elapsed_s,))
    for name, rows in remains.tables.items():
        columns = len(db.execute(f"PRAGMA table_info({name})").fetchall())
        for row in rows:
            padded = (*row, *(0 for _ in range(columns - len(row))))
            marks = ", ".join("?" * columns)
            with contextlib.suppress(sqlite3.Error):  # a row of another type than it should be
                db.execute(f"INSERT OR IGNORE INTO {name} VALUES ({marks})", padded)  # noqa: S608 - constants
    for lane, lane_remains in remains.lanes.items():
        _fill_lane(db, lane, lane_remains, complete=remains.complete)


def _fill_lane(db: sqlite3.Connection, lane: Lane, remains: LaneRemains, *, complete: bool) -> None:
    db.executemany("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?)", [(lane, *row) for row in remains.rows])
    db.execute(
        "UPDATE lane SET next_seq = ?, stored = ?, boot_id = ?, bytes = "
        "(SELECT coalesce(sum(length(body)), 0) FROM event WHERE lane = ?) WHERE name = ?",
        (remains.next_seq, remains.stored, remains.boot_id, lane, lane),
    )
    db.execute("DELETE FROM block WHERE lane = ? AND (last <= ? OR last < first)", (lane, remains.stored))
    _forget_odd_blocks(db, lane)
    lost = list(surrender.holes(_accounted(db, lane), remains.stored + 1, remains.next_seq - 1))
    for first, last in lost:
        surrender.declare(db, lane, first, last, "corrupt")
    if lost:
        number = sum(last - first + 1 for first, last in lost) if complete else None
        surrender.tally(db, Lost(lane, "corrupt", number, 0, lost[0][0], lost[-1][1]))
    for (first,) in db.execute(
        "SELECT first FROM block WHERE lane = ?1 AND last - first + 1 != "
        "(SELECT count(*) FROM event WHERE lane = ?1 AND seq BETWEEN first AND last)"
        " AND NOT EXISTS (SELECT 1 FROM declared WHERE lane = ?1 AND block = block.first AND reason = 'declaration')",
        (lane,),
    ).fetchall():
        sealing.withhold(db, lane, first)


def _forget_odd_blocks(db: sqlite3.Connection, lane: Lane) -> None:
    """Blocks that overlap cannot both be true; the later one goes, its events are sealed anew."""
    end = 0
    for first, last in db.execute("SELECT first, last FROM block WHERE lane = ? ORDER BY first", (lane,)).fetchall():
        if first <= end:
            db.execute("DELETE FROM block WHERE lane = ? AND first = ?", (lane, first))
            db.execute("UPDATE declared SET block = NULL WHERE lane = ? AND block = ?", (lane, first))
        end = max(end, last)
    db.execute(
        "UPDATE declared SET block = NULL WHERE lane = ?1 AND block NOT IN (SELECT first FROM block WHERE lane = ?1)",
        (lane,),
    )


def _accounted(db: sqlite3.Connection, lane: Lane) -> Iterable[tuple[int, int]]:
    """Ranges that are there, or were given up before."""
    yield from db.execute("SELECT seq, seq FROM event WHERE lane = ?", (lane,))
    yield from db.execute("SELECT first, last FROM declared WHERE lane = ?", (lane,))


def _fresh(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _move_aside(path: Path, target: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(target.with_name(target.name + suffix))
    sync_folder(path.parent)
    for old in damaged_files(path)[:-KEPT_DAMAGED]:
        _remove(old)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}{suffix}")  # noqa: PTH108 - the suffix belongs to the name
