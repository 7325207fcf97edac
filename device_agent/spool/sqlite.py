"""The durable spool: one SQLite file that ``run`` appends to and ``agent`` forwards from.

What a row means is decided in one transaction each; see ``port.py`` for the rules and ``database.py`` for
the file. Threads of one process share the connection, one at a time; processes wait for each other.

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
from contract.envelope import Declared
from contract.events import LANES, AnyEvent, Lane, lane_of
from device_agent.errors import SpoolError
from device_agent.spool import surrender
from device_agent.spool.database import is_damage, open_database
from device_agent.spool.packing import MAX_DECLARED, Row, Run, pack, room
from device_agent.spool.port import Accepted, Block

DEFAULT_MAX_BYTES: Final = 256 * 1024 * 1024
"""Of event JSON kept at most; about four weeks offline at ten events a minute."""


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
        with self._transaction("DEFERRED") as db:
            return _waiting(db, lane)

    def take(self, lane: Lane, *, after: int, partial: bool) -> Block | None:
        """See ``Outbox``."""
        with self._transaction("DEFERRED") as db:
            block = self._sealed(db, lane, after)
            sealable = block is None and self._sealable(db, lane, partial=partial)
        if not sealable:
            return block
        with self._transaction("IMMEDIATE") as db:
            self._seal(db, lane)
            return self._sealed(db, lane, after)

    def forget(self, lane: Lane, through: int) -> int:
        """See ``Outbox``."""
        with self._transaction("IMMEDIATE") as db:
            waiting = _waiting(db, lane)
            (used,) = db.execute("SELECT next_seq - 1 FROM lane WHERE name = ?", (lane,)).fetchone()
            mark = min(through, used if waiting is None else waiting - 1)
            cut = db.execute(
                "SELECT first FROM block WHERE lane = ? AND first <= ? AND last > ?", (lane, mark, mark)
            ).fetchone()
            mark = mark if cut is None else cut[0] - 1
            surrender.delete_events(db, lane, 0, mark)
            db.execute("DELETE FROM block WHERE lane = ? AND last <= ?", (lane, mark))
            db.execute("DELETE FROM declared WHERE lane = ? AND last <= ?", (lane, mark))
            (stored,) = db.execute(
                "UPDATE lane SET stored = max(stored, ?) WHERE name = ? RETURNING stored", (mark, lane)
            ).fetchone()
        return int(stored)

    def give_up(self, lane: Lane, first_seq: int, reason: str) -> None:
        """See ``Outbox``."""
        with self._transaction("IMMEDIATE") as db:
            row = db.execute(
                "SELECT last FROM block WHERE lane = ? AND first = ?", (lane, first_seq)
            ).fetchone()
            if row is not None:
                surrender.quarantine_block(db, lane, first_seq, row[0], reason)

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

    def _sealed(self, db: sqlite3.Connection, lane: Lane, after: int) -> Block | None:
        row = db.execute(
            "SELECT first, last, boot_id FROM block WHERE lane = ? AND first > ? ORDER BY first LIMIT 1",
            (lane, after),
        ).fetchone()
        if row is None:
            return None
        first, last, boot_id = row
        bodies = db.execute(
            "SELECT body FROM event WHERE lane = ? AND seq BETWEEN ? AND ? ORDER BY seq", (lane, first, last)
        )
        return Block(
            spool_id=self.spool_id,
            boot_id=boot_id,
            lane=lane,
            first_seq=first,
            last_seq=last,
            events=tuple(body for (body,) in bodies),
            declared=_declared(db, lane, first),
        )

    def _run(self, db: sqlite3.Connection, lane: Lane, declared: tuple[Declared, ...]) -> Run:
        rows = db.execute(
            "SELECT seq, event.boot_id, body FROM event, lane WHERE name = ?1 AND lane = ?1 AND seq > sealed"
            " ORDER BY seq",
            (lane,),
        )
        first = next(rows, None)
        if first is None:
            return Run((), full=False)
        capacity = room(self.spool_id, first[1], lane, declared)
        try:
            return pack(map(Row._make, _chain(first, rows)), capacity)
        finally:
            rows.close()

    def _sealable(self, db: sqlite3.Connection, lane: Lane, *, partial: bool) -> bool:
        declared = _declared(db, lane, None)
        run = self._run(db, lane, declared)
        return run.full or (partial and bool(run.rows or declared))

    def _seal(self, db: sqlite3.Connection, lane: Lane) -> None:
        declared = _declared(db, lane, None)
        run = self._run(db, lane, declared)
        if run.full and not run.rows:  # the first event is so large that the declarations must wait
            declared = ()
            run = self._run(db, lane, declared)
        if run.rows:
            first, last, boot_id = run.rows[0].seq, run.rows[-1].seq, run.rows[0].boot_id
        elif declared:
            first, last, boot_id = self._number_for_declarations(db, lane)
            declared = (*declared, Declared(first=first, last=last, reason="declaration"))
        else:
            return
        db.execute("INSERT INTO block VALUES (?, ?, ?, ?)", (lane, first, last, boot_id))
        db.execute("UPDATE lane SET sealed = ? WHERE name = ?", (last, lane))
        db.executemany(
            "INSERT INTO declared VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (lane, first) DO UPDATE SET block = excluded.block",
            [(lane, each.first, each.last, each.reason, first) for each in declared],
        )

    @staticmethod
    def _number_for_declarations(db: sqlite3.Connection, lane: Lane) -> tuple[int, int, str]:
        seq, boot_id = db.execute(
            "UPDATE lane SET next_seq = next_seq + 1 WHERE name = ? RETURNING next_seq - 1, boot_id", (lane,)
        ).fetchone()
        return seq, seq, boot_id

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            db = self._database.connection
            try:
                db.execute(f"BEGIN {kind}")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as exc:
                remedy = (
                    "restart: a damaged file is moved aside at start"
                    if is_damage(exc)
                    else "check that the disk has room and is writable"
                )
                raise SpoolError(f"spool {self._path}: {exc}", remedy=remedy) from exc


def _chain(first: tuple[int, str, bytes], rows: sqlite3.Cursor) -> Iterator[tuple[int, str, bytes]]:
    yield first
    yield from rows


def _waiting(db: sqlite3.Connection, lane: Lane) -> int | None:
    (first,) = db.execute(
        "SELECT min(seq) FROM (SELECT min(event.seq) AS seq FROM event, lane WHERE lane.name = ?1"
        " AND event.lane = ?1 AND event.seq > lane.sealed UNION ALL"
        " SELECT min(first) FROM declared WHERE lane = ?1 AND block IS NULL)",
        (lane,),
    ).fetchone()
    return None if first is None else int(first)


def _declared(db: sqlite3.Connection, lane: Lane, block: int | None) -> tuple[Declared, ...]:
    rows = db.execute(
        "SELECT first, last, reason FROM declared WHERE lane = ? AND block IS ? ORDER BY first LIMIT ?",
        (lane, block, MAX_DECLARED if block is None else -1),
    )
    return tuple(Declared(first=first, last=last, reason=reason) for first, last, reason in rows)
