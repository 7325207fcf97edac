"""The durable spool: one SQLite file that ``run`` appends to and ``agent`` forwards from.

What a row means is decided in one transaction each; see ``port.py`` for the rules and ``database.py`` for
the file. Threads of one process share the connection, one at a time; processes wait for each other.
A forwarder asks several times a second; while nothing was committed, it is answered from memory.

A damaged file is closed and opened anew at the next call, which keeps what can be read (``database.py``).
Not here: which lane goes first, when to send (``device_agent.forwarder``), what waits while the disk is full
(``intake``).
"""

import contextlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from contract.codec import encode_event
from contract.envelope import MAX_ENVELOPE_BYTES
from contract.events import LANES, AnyEvent, Lane, Loss, lane_of
from device_agent.fault_points import reach
from device_agent.spool import sealing, surrender
from device_agent.spool.checksum import checksum
from device_agent.spool.database import Database, Opening, is_marked_damaged, mark_damaged, open_database
from device_agent.spool.limits import DEFAULT, Limits
from device_agent.spool.packing import Row, room
from device_agent.spool.port import Accepted, Block, Lost, loss_event
from device_agent.spool.reserve import Reserve
from device_agent.spool.trouble import SpoolTroubleError, kind_of, kind_of_os

DEFAULT_RESERVE_BYTES: Final = 1024 * 1024
_RESERVE_EVERY_S: Final = 60.0
_SAVE_ELAPSED_EVERY_S: Final = 60
_SEAL_AHEAD: Final = 16
"""Full blocks sealed in one transaction: a backlog must not cost a flush of the disk each."""

Version = tuple[int, int]
"""Of the file's content: of other connections' commits (``PRAGMA data_version``), and of one's own."""


class SqliteSpool:
    """Appender and outbox over one file; see ``device_agent.spool.port``.

    Args:
        path: Of the file; made if absent, its folder too.
        limits: What is kept; above it the lowest lane gives up its oldest, declared.
        reserve_bytes: Disk space held back for a full disk.
        max_envelope_bytes: Of a sealed block's envelope.
        hardware: Fingerprint of the machine; empty where it has none.
        new_id: Makes a spool id.
        wall_ms: Unix milliseconds, names a damaged file that is moved aside.
        monotonic_s: Counts the spool's running time.

    Where the file cannot be opened now, every call tries again and raises ``SpoolTroubleError`` until it can.
    """

    def __init__(  # noqa: PLR0913 - one argument per thing a spool depends on
        self,
        path: Path,
        *,
        limits: Limits = DEFAULT,
        reserve_bytes: int = DEFAULT_RESERVE_BYTES,
        max_envelope_bytes: int = MAX_ENVELOPE_BYTES,
        hardware: str = "",
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._limits = limits
        self._max_envelope_bytes = max_envelope_bytes
        self._monotonic_s = monotonic_s
        self._reserve = Reserve(path.with_name(f"{path.name}.reserve"), reserve_bytes)
        self._reserve_due_s = monotonic_s()
        self._opening = Opening(path, hardware, new_id, wall_ms)
        self._mutex = threading.RLock()
        self._writes = 0
        self._waiting: dict[tuple[Lane, int], tuple[Version, int | None]] = {}
        self._nothing: dict[tuple[Lane, int, bool], Version] = {}
        self._database: Database | None = None
        self._spool_id = ""
        self._elapsed_from = 0, monotonic_s()
        with contextlib.suppress(SpoolTroubleError):  # may pass: every later call tries again and says so
            self._open()
            self._hold_reserve()

    @property
    def spool_id(self) -> str:
        """See ``Appender``; empty while the file cannot be opened."""
        return self._spool_id

    @property
    def elapsed_s(self) -> int:
        """How long this spool has been in use, seconds."""
        base, since = self._elapsed_from
        return base + int(self._monotonic_s() - since)

    def close(self) -> None:
        """Closes the file; nothing may be called afterwards."""
        with self._mutex:
            self._let_go()

    def append(self, boot_id: str, events: Sequence[AnyEvent], lost: Sequence[Lost] = ()) -> list[Accepted]:
        """See ``Appender``."""
        if not events and not lost:
            return []
        bodies = [(lane_of(event), encode_event(event)) for event in events]
        with self._mutex:
            try:
                return self._append(boot_id, bodies, lost)
            except SpoolTroubleError as exc:
                if exc.kind != "full":
                    raise
            if self._reserve.release():
                try:
                    return self._append(boot_id, bodies, lost)
                except SpoolTroubleError as exc:
                    if exc.kind != "full":
                        raise
            self._make_room(sum(len(body) for _, body in bodies))
            return self._append(boot_id, bodies, lost)

    def tell_losses(self, boot_id: str, *, wall_ms: int, monotonic_ms: int) -> list[tuple[Loss, Accepted]]:
        """See ``Appender``."""
        with self._mutex:
            if not self._read("SELECT count(*) FROM loss")[0][0]:
                return []
            told = []
            with self._writing("tell") as db:
                for lost in surrender.tallied(db):
                    event = loss_event(lost, self._spool_id, wall_ms=wall_ms, monotonic_ms=monotonic_ms)
                    told.append((event, self._insert(db, boot_id, "events", encode_event(event))))
            return told

    def pending(self) -> dict[Lane, int]:
        """See ``Appender``."""
        return self._by_lane("next_seq - 1 - stored")

    def stored(self) -> dict[Lane, int]:
        """By lane: the watermark, everything up to which is stored or declared."""
        return self._by_lane("stored")

    def lane_bytes(self) -> dict[Lane, int]:
        """See ``Appender``."""
        return self._by_lane("bytes")

    def counters(self) -> dict[str, int]:
        """See ``Appender``."""
        return dict(self._read("SELECT name, value FROM counter ORDER BY name"))

    def newest(self, lane: Lane) -> int:
        """See ``Outbox``."""
        return int(self._read("SELECT next_seq - 1 FROM lane WHERE name = ?", lane)[0][0])

    def waiting(self, lane: Lane, *, after: int = 0) -> int | None:
        """See ``Outbox``."""
        version = self._version()
        known = self._waiting.get((lane, after))
        if known is not None and known[0] == version:
            return known[1]
        with self._transaction("DEFERRED") as db:
            first = sealing.waiting(db, lane, after)
        self._waiting = {key: value for key, value in self._waiting.items() if value[0] == version}
        self._waiting[lane, after] = (version, first)
        return first

    def take(self, lane: Lane, *, after: int, partial: bool) -> Block | None:
        """See ``Outbox``."""
        question = (lane, after, partial)
        version = self._version()
        if self._nothing.get(question) == version:
            return None
        block = self._take(lane, after, partial=partial)
        if block is None:
            self._nothing = {key: value for key, value in self._nothing.items() if value == version}
            self._nothing[question] = version
        return block

    def forget(self, lane: Lane, through: int) -> int:
        """See ``Outbox``."""
        with self._mutex, self._writing("forget") as db:
            first = sealing.waiting(db, lane, 0)
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
        self._hold_reserve()
        return int(stored)

    def give_up(self, lane: Lane, first: int, last: int, reason: str) -> None:
        """See ``Outbox``."""
        with self._writing("give_up") as db:
            for begin, _ in sealing.withheld(db, lane, first, last):
                sealing.split(db, lane, begin)
            surrender.quarantine_blocks(db, lane, first, last, reason)
            surrender.declare_forgotten(db, lane, first, last, reason)
            surrender.declare_absent(db, lane, first, last)

    def _append(self, boot_id: str, bodies: Sequence[tuple[Lane, bytes]], lost: Sequence[Lost]) -> list[Accepted]:
        with self._writing("append") as db:
            accepted = [self._insert(db, boot_id, lane, body) for lane, body in bodies]
            for each in lost:
                surrender.tally(db, each)
            surrender.keep_within(db, self._limits, elapsed_s=self.elapsed_s)
            self._save_elapsed(db)
        return accepted

    def _make_room(self, needed: int) -> None:
        """Gives up the lowest lane's oldest, so that what comes now finds pages in the file."""
        with self._writing("append") as db:
            for lane in reversed(LANES):
                before = surrender.total_bytes(db)
                while surrender.total_bytes(db) > before - 2 * needed and surrender.drop_oldest(db, lane, "disk"):
                    pass
                if surrender.total_bytes(db) <= before - 2 * needed:
                    return

    def _take(self, lane: Lane, after: int, *, partial: bool) -> Block | None:
        limit = self._max_envelope_bytes
        try:
            with self._transaction("DEFERRED") as db:
                block = sealing.sealed(db, self._spool_id, lane, after)
                can = block is None and sealing.sealable(db, self._spool_id, lane, after, partial=partial, limit=limit)
            if not can:
                return block
            with self._writing("seal") as db:
                self._seal(db, lane, after, limit)
            with self._transaction("DEFERRED") as db:
                return sealing.sealed(db, self._spool_id, lane, after)
        except sealing.DamagedRowsError as exc:
            with self._writing("damage") as db:
                sealing.set_apart(db, lane, exc)
            return self._take(lane, after, partial=partial)

    def _seal(self, db: sqlite3.Connection, lane: Lane, after: int, limit: int) -> None:
        last = sealing.seal(db, self._spool_id, lane, after, limit=limit)
        for _ in range(_SEAL_AHEAD):
            if last is None or not sealing.sealable(db, self._spool_id, lane, last, partial=False, limit=limit):
                return
            last = sealing.seal(db, self._spool_id, lane, last, limit=limit)

    def _insert(self, db: sqlite3.Connection, boot_id: str, lane: Lane, body: bytes) -> Accepted:
        (seq,) = db.execute(
            "UPDATE lane SET next_seq = next_seq + 1, boot_id = ? WHERE name = ? RETURNING next_seq - 1",
            (boot_id, lane),
        ).fetchone()
        if len(body) > room(self._spool_id, boot_id, lane, limit=self._max_envelope_bytes):
            surrender.quarantine_event(db, lane, Row(seq, boot_id, body), "too large")
        else:
            crc = checksum(lane, seq, boot_id, body)
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", (lane, seq, boot_id, self.elapsed_s, crc, body))
            db.execute("UPDATE lane SET bytes = bytes + ? WHERE name = ?", (len(body), lane))
        return Accepted(lane, seq)

    def _save_elapsed(self, db: sqlite3.Connection) -> None:
        due = self.elapsed_s - _SAVE_ELAPSED_EVERY_S
        db.execute("UPDATE spool SET elapsed_s = ? WHERE elapsed_s <= ?", (self.elapsed_s, due))

    def _hold_reserve(self) -> None:
        if self._monotonic_s() >= self._reserve_due_s:
            self._reserve_due_s = self._monotonic_s() + _RESERVE_EVERY_S
            self._reserve.hold()

    def _by_lane(self, expression: str) -> dict[Lane, int]:
        found: dict[Lane, int] = dict(self._read(f"SELECT name, {expression} FROM lane"))  # noqa: S608 - from this module only
        return {lane: found[lane] for lane in LANES}

    def _read(self, statement: str, *arguments: object) -> list[Any]:
        with self._transaction("DEFERRED") as db:
            return db.execute(statement, arguments).fetchall()

    def _version(self) -> Version:
        with self._connection() as db:
            return db.execute("PRAGMA data_version").fetchone()[0], self._writes

    @contextmanager
    def _writing(self, step: str) -> Iterator[sqlite3.Connection]:
        with self._transaction("IMMEDIATE") as db:
            reach(f"spool.{step}.begin")
            yield db
            if self._database is not None:
                self._database.lease.cover(db)
            reach(f"spool.{step}.written")
        reach(f"spool.{step}.committed")

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
                yield self._open().connection
            except sqlite3.Error as exc:
                kind = kind_of(exc)
                if kind == "damaged":
                    mark_damaged(self._path)
                    self._let_go()
                raise SpoolTroubleError(f"spool {self._path}: {exc}", kind=kind) from exc
            except UnicodeDecodeError as exc:  # in one of SQLite's own messages
                mark_damaged(self._path)
                self._let_go()
                raise SpoolTroubleError(f"spool {self._path}: {exc}", kind="damaged") from exc
            except OSError as exc:
                raise SpoolTroubleError(f"spool {self._path}: {exc}", kind=kind_of_os(exc)) from exc

    def _open(self) -> Database:
        if self._database is not None and is_marked_damaged(self._path):
            self._let_go()
        if self._database is None:
            self._database = open_database(self._opening)
            self._spool_id = self._database.spool_id
            self._elapsed_from = self._database.elapsed_s, self._monotonic_s()
            self._writes += 1
        return self._database

    def _let_go(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
