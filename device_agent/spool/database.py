"""Opening the spool's file: several processes, one format, and damage that never stops the gateway.

WAL with ``synchronous=FULL``: of the modes tried in simulated power cuts, this one lost no acknowledged
row and tore no file, at about one fsync a commit.

Whoever opens first, alone (``locking``), checks the file. A damaged one is replaced by what can be read of it
(``salvage``, ``rebuild``), and only while nobody else has it open.

A spool that finds itself on another machine than it counted on begins a new id: two gateways from one SD card's
image would otherwise give the same sequences to different events.

Not here: migrations (there is one format so far; any other counts as damage).
"""

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from contract.events import LANES
from device_agent.fault_points import reach
from device_agent.files import sync_folder
from device_agent.identity import is_same_machine, remembered
from device_agent.spool import rebuild, schema, surrender
from device_agent.spool.lease import STEP, Lease, LeaseNote, lease_path, read_note
from device_agent.spool.locking import clear_mark, hold, is_marked_damaged, mark_damaged
from device_agent.spool.log_file import LOG_PAGES, PAGE_BYTES, fill_up
from device_agent.spool.salvage import salvage, tolerant_text
from device_agent.spool.trouble import SpoolTroubleError, kind_of, kind_of_os

_BUSY_MS = 10_000
_CHECKED_WHOLE_PAGES = 16 * 1024
"""Up to this size the order of rows is checked too, which takes about as long as reading the file (16 MB)."""

logger = logging.getLogger(__name__)


class Opening(NamedTuple):
    """How to open.

    Attributes:
        path: Of the file.
        hardware: Fingerprints of this machine (``identity.read_hardware``), or empty.
        new_id: Makes a spool id.
        wall_ms: Unix milliseconds, names a damaged file that is moved aside.
    """

    path: Path
    hardware: str
    new_id: Callable[[], str]
    wall_ms: Callable[[], int]


class Database(NamedTuple):
    """An open spool file.

    Attributes:
        connection: In autocommit mode; its user serialises the threads.
        spool_id: The one stored in it.
        elapsed_s: How long it was in use before, seconds.
        lease: Raised before a commit that needs it.
        lock: Descriptor of the shared lock; closed after the connection.
    """

    connection: sqlite3.Connection
    spool_id: str
    elapsed_s: int
    lease: Lease
    lock: int

    def close(self) -> None:
        """Closes both."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()
        os.close(self.lock)


def open_database(opening: Opening) -> Database:
    """Opens the spool file, begins a new one where there is none, or rescues what a damaged one holds.

    Raises:
        SpoolTroubleError: The folder cannot be written, the disk is full, or a damaged file is in use elsewhere.
    """
    path = opening.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock, alone = hold(path)
        try:
            connection = _open(opening, alone=alone)
            try:
                database = _settle(connection, opening, lock)
                fcntl.flock(lock, fcntl.LOCK_SH)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            os.close(lock)
            raise
    except sqlite3.Error as exc:
        if kind_of(exc) == "damaged":
            mark_damaged(path)
        raise SpoolTroubleError(f"spool {path}: {exc}", kind=kind_of(exc)) from exc
    except OSError as exc:
        raise SpoolTroubleError(f"spool {path}: {exc}", kind=kind_of_os(exc)) from exc
    return database


def _open(opening: Opening, *, alone: bool) -> sqlite3.Connection:
    path = opening.path
    if not alone:
        return _connect(opening, alone=False)
    rebuild.finish(path)
    if not is_marked_damaged(path) and not _is_gone(path):
        try:
            return _connect(opening, alone=True)
        except sqlite3.DatabaseError as exc:
            if kind_of(exc) != "damaged":
                raise
            logger.warning("spool.damaged", extra={"path": str(path), "reason": str(exc)})
    return _rescue(opening)


def _is_gone(path: Path) -> bool:
    """Whether a spool was here, its lease says, and its file is not: deleted, or cut to nothing."""
    return lease_path(path).exists() and (not path.exists() or path.stat().st_size == 0)


def _rescue(opening: Opening) -> sqlite3.Connection:
    path = opening.path
    if path.exists() or lease_path(path).exists():
        remains = salvage(path, read_note(lease_path(path)))
        rebuild.rebuild(path, remains, new_id=opening.new_id(), hardware=opening.hardware, wall_ms=opening.wall_ms())
        kept = {lane: len(one.rows) for lane, one in remains.lanes.items()}
        logger.warning("spool.rescued", extra={"path": str(path), "kept": kept, "same_spool": bool(remains.spool_id)})
    clear_mark(path)
    sync_folder(path.parent)
    return _connect(opening, alone=True)


def _connect(opening: Opening, *, alone: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(opening.path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    connection.text_factory = tolerant_text
    try:
        if alone:
            try:
                _check(connection)
            except UnicodeDecodeError as exc:  # SQLite's message quotes what it found
                raise _damage(str(exc)) from exc
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")  # heeded where the file is new
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=4194304")
        connection.execute("PRAGMA secure_delete=OFF")  # Debian's is ON: each forgotten page is written once more
        _begin_if_new(connection, opening)
        if alone:
            fill_up(opening.path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    how = "integrity_check" if pages <= _CHECKED_WHOLE_PAGES else "quick_check"
    verdict = connection.execute(f"PRAGMA {how}(1)").fetchone()[0]
    if verdict != "ok":
        raise _damage(f"{how}: {verdict}")
    if connection.execute("PRAGMA user_version").fetchone()[0] != schema.FORMAT:
        return
    if not schema.is_intact(connection):
        raise _damage("the description of its tables is not what it was")
    if not schema.counts_add_up(connection):
        raise _damage("its counters contradict its rows")


def _damage(reason: str) -> sqlite3.DatabaseError:
    damage = sqlite3.DatabaseError(reason)
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return damage


def _begin_if_new(connection: sqlite3.Connection, opening: Opening) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == schema.FORMAT:
        return
    if version != 0:
        raise _damage(f"format {version}, this version reads {schema.FORMAT}")
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        schema.create(connection, opening.new_id(), opening.hardware)
    connection.execute("COMMIT")
    sync_folder(opening.path.parent)
    reach("spool.open.created")


def _settle(connection: sqlite3.Connection, opening: Opening, lock: int) -> Database:
    """Compares the machine, and makes the lease where it is missing or says something else."""
    connection.execute("BEGIN IMMEDIATE")
    row = connection.execute("SELECT spool_id, hardware, elapsed_s FROM spool").fetchone()
    if row is None:
        raise _damage("no spool id")
    spool_id, hardware, elapsed_s = row
    if not is_same_machine(hardware, opening.hardware):
        spool_id, hardware = _move_in(connection, opening, spool_id), opening.hardware
    latest = remembered(hardware, opening.hardware)
    connection.execute("UPDATE spool SET hardware = ?1 WHERE hardware != ?1", (latest,))
    lease = _lease(connection, opening.path, spool_id, latest)
    connection.execute("COMMIT")
    return Database(connection, spool_id, elapsed_s, lease, lock)


def _move_in(db: sqlite3.Connection, opening: Opening, spool_id: str) -> str:
    """A file of another machine gets a new id."""
    new_id = opening.new_id()
    db.execute("UPDATE spool SET spool_id = ?", (new_id,))
    for lane in LANES:
        (stored,) = db.execute("SELECT stored FROM lane WHERE name = ?", (lane,)).fetchone()
        surrender.declare_forgotten(db, lane, 1, stored, "other machine")
    surrender.count(db, "hardware_changed")
    logger.warning("spool.hardware_changed", extra={"path": str(opening.path), "old_spool_id": spool_id})
    return new_id


def _lease(db: sqlite3.Connection, path: Path, spool_id: str, hardware: str) -> Lease:
    used = dict(db.execute("SELECT name, next_seq FROM lane"))
    note = read_note(lease_path(path))
    if note and note.spool_id == spool_id:
        if any(used[lane] > note.below[lane] for lane in LANES):
            raise _damage("it counts beyond its lease")
        return Lease(lease_path(path), note)
    lease = Lease(lease_path(path), LeaseNote(spool_id=spool_id, hardware=hardware, below={}))
    lease.write({lane: used[lane] + STEP for lane in LANES})
    return lease
