"""The durable spool: one SQLite file that ``run`` appends to and ``agent`` forwards from.

What a row means is decided in one transaction each; see ``port.py`` for the rules and ``database.py`` for
the file. Threads of one process share the connection, one at a time; processes wait for each other.
A forwarder asks several times a second; while nothing was committed, it is answered from memory.

Not here: which lane goes first, when to send (``device_agent.forwarder``).
"""

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contract.codec import encode_event
from contract.events import LANES, AnyEvent, Lane, lane_of
from device_agent.errors import SpoolError
from device_agent.spool import sealing, surrender
from device_agent.spool.database import is_damage, open_database
from device_agent.spool.packing import Row, room
from device_agent.spool.port import Accepted, Block

DEFAULT_MAX_BYTES: Final = 256 * 1024 * 1024
"""Of event JSON kept at most; about four weeks offline at ten events a minute."""

_CHECK_DISK = "check that the disk has room and is writable"

Version = tuple[int, int]
"""Of the file's content: of other connections' commits (``PRAGMA data_version``), and of one's own."""


class SqliteSpool:
    """Appender and outbox over one file; see ``device_agent.spool.port``.

    Args:
        path: Of the file; made if absent, its folder too.
        max_bytes: Of event JSON; above it the lowest lane gives up its oldest, declared.
        new_id: Makes a spool id.
        wall_ms: Unix milliseconds, names a damaged file that is moved aside.

    Raises:
        SpoolError: The file cannot be opened or made.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._mutex = threading.Lock()
        self._writes = 0
        self._waiting: dict[Lane, tuple[Version, int | None]] = {}
        self._nothing: dict[Lane, tuple[Version, int, bool]] = {}
        self._database = open_database(path, new_id=new_id, wall_ms=wall_ms)

    @property
    def spool_id(self) -> str:
        """See ``Appender``."""
        return self._database.spool_id

    def close(self) -> None:
        """Closes the file; nothing may be called afterwards."""
        with self._mutex:
            self._database.connection.close()
            os.close(self._database.lock)

    def append(self, boot_id: str, events: Sequence[AnyEvent]) -> list[Accepted]:
        """See ``Appender``."""
        if not events:
            return []
        bodies = [(lane_of(event), encode_event(event)) for event in events]
        with self._transaction("IMMEDIATE") as db:
            accepted = [self._insert(db, boot_id, lane, body) for lane, body in bodies]
            surrender.keep_quota(db, self._max_bytes)
        return accepted

    def pending(self) -> dict[Lane, int]:
        """See ``Appender``."""
        with self._transaction("DEFERRED") as db:
            counts = dict(db.execute("SELECT name, next_seq - 1 - stored FROM lane"))
        return {lane: counts[lane] for lane in LANES}

    def stored(self) -> dict[Lane, int]:
        """By lane: the watermark, everything up to which is stored or declared."""
        with self._transaction("DEFERRED") as db:
            marks = dict(db.execute("SELECT name, stored FROM lane"))
        return {lane: marks[lane] for lane in LANES}

    def counters(self) -> dict[str, int]:
        """See ``Appender``."""
        with self._transaction("DEFERRED") as db:
            return dict(db.execute("SELECT name, value FROM counter ORDER BY name"))

    def waiting(self, lane: Lane) -> int | None:
        """See ``Outbox``."""
        version = self._version()
        known = self._waiting.get(lane)
        if known is not None and known[0] == version:
            return known[1]
        with self._transaction("DEFERRED") as db:
            first = sealing.waiting(db, lane)
        self._waiting[lane] = (version, first)
        return first

    def take(self, lane: Lane, *, after: int, partial: bool) -> Block | None:
        """See ``Outbox``."""
        question = (self._version(), after, partial)
        if self._nothing.get(lane) == question:
            return None
        block = self._take(lane, after, partial=partial)
        if block is None:
            self._nothing[lane] = question
        return block

    def _take(self, lane: Lane, after: int, *, partial: bool) -> Block | None:
        with self._transaction("DEFERRED") as db:
            block = sealing.sealed(db, self.spool_id, lane, after)
            sealable = block is None and sealing.sealable(db, self.spool_id, lane, partial=partial)
        if not sealable:
            return block
        with self._transaction("IMMEDIATE") as db:
            sealing.seal(db, self.spool_id, lane)
            return sealing.sealed(db, self.spool_id, lane, after)

    def forget(self, lane: Lane, through: int) -> int:
        """See ``Outbox``."""
        with self._transaction("IMMEDIATE") as db:
            first = sealing.waiting(db, lane)
            (used,) = db.execute("SELECT next_seq - 1 FROM lane WHERE name = ?", (lane,)).fetchone()
            mark = min(through, used if first is None else first - 1)
            cut = db.execute(
                "SELECT first FROM block WHERE lane = ? AND first <= ? AND last > ?", (lane, mark, mark)
            ).fetchone()
            mark = mark if cut is None else cut[0] - 1
            surrender.delete_events(db, lane, 0, mark)
            db.execute("DELETE FROM block WHERE lane = ? AND last <= ?", (lane, mark))
            surrender.delete_declarations(db, lane, mark)
            (stored,) = db.execute(
                "UPDATE lane SET stored = max(stored, ?) WHERE name = ? RETURNING stored", (mark, lane)
            ).fetchone()
        return int(stored)

    def give_up(self, lane: Lane, first: int, last: int, reason: str) -> None:
        """See ``Outbox``."""
        with self._transaction("IMMEDIATE") as db:
            surrender.quarantine_blocks(db, lane, first, last, reason)
            surrender.declare_forgotten(db, lane, first, last, reason)

    def _insert(self, db: sqlite3.Connection, boot_id: str, lane: Lane, body: bytes) -> Accepted:
        (seq,) = db.execute(
            "UPDATE lane SET next_seq = next_seq + 1, boot_id = ? WHERE name = ? RETURNING next_seq - 1",
            (boot_id, lane),
        ).fetchone()
        if len(body) > room(self.spool_id, boot_id, lane):
            surrender.quarantine_event(db, lane, Row(seq, boot_id, body), "too large")
        else:
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (lane, seq, boot_id, body))
            db.execute("UPDATE lane SET bytes = bytes + ? WHERE name = ?", (len(body), lane))
        return Accepted(lane, seq)

    def _version(self) -> Version:
        with self._connection() as db:
            return db.execute("PRAGMA data_version").fetchone()[0], self._writes

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        with self._connection() as db:
            db.execute(f"BEGIN {kind}")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            self._writes += kind == "IMMEDIATE"

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                yield self._database.connection
            except sqlite3.Error as exc:
                damaged = is_damage(exc)
                remedy = "restart: a damaged file is moved aside at start" if damaged else _CHECK_DISK
                raise SpoolError(f"spool {self._path}: {exc}", remedy=remedy) from exc
