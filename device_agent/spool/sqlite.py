"""The durable spool: one SQLite file that ``run`` appends to and ``agent`` forwards from.

What a row means is decided in one transaction each; see ``port.py`` for the rules and ``database.py`` for
the file. Threads of one process share the connection, one at a time; processes wait for each other.
A forwarder asks several times a second; while nothing was committed, it is answered from memory.

A damaged file is closed and opened anew at the next call, which keeps what can be read (``database.py``).
Not here: which lane goes first, when to send (``device_agent.forwarder``), what waits while the disk is full
(``intake``).
"""

import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from contract.codec import encode_event
from contract.envelope import MAX_ENVELOPE_BYTES
from contract.events import LANES, Lane, Loss
from contract.kinds import AnyEvent, lane_of
from device_agent.spool import sealing, surrender
from device_agent.spool.checksum import checksum
from device_agent.spool.database import Opening
from device_agent.spool.headroom import Headroom, free_bytes
from device_agent.spool.limits import DEFAULT, Limits
from device_agent.spool.packing import Row, room
from device_agent.spool.port import Accepted, Block, Lost, loss_event
from device_agent.spool.reserve import Reserve
from device_agent.spool.session import Session, Version

DEFAULT_RESERVE_BYTES: Final = 1024 * 1024
_SAVE_ELAPSED_EVERY_S: Final = 60
_SEAL_AHEAD: Final = 16
"""Full blocks sealed in one transaction: a backlog must not cost a flush of the disk each."""


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
        free: Bytes free in a folder.

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
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._limits = limits
        self._max_envelope_bytes = max_envelope_bytes
        reserve = Reserve(path.with_name(f"{path.name}.reserve"), reserve_bytes)
        self._headroom = Headroom(path, reserve, max_bytes=limits.total(), monotonic_s=monotonic_s, free=free)
        self._session = Session(Opening(path, hardware, new_id, wall_ms), self._headroom, monotonic_s=monotonic_s)
        self._waiting: dict[tuple[Lane, int], tuple[Version, int | None]] = {}
        self._nothing: dict[tuple[Lane, int, bool], Version] = {}
        self._known: dict[str, tuple[Version, list[Any]]] = {}

    @property
    def spool_id(self) -> str:
        """See ``Appender``; empty while the file cannot be opened."""
        return self._session.spool_id

    @property
    def elapsed_s(self) -> int:
        """How long this spool has been in use, seconds."""
        return self._session.elapsed_s

    @property
    def is_tight(self) -> bool:
        """See ``Gauges``."""
        return self._headroom.is_tight

    def close(self) -> None:
        """Closes the file; nothing may be called afterwards."""
        self._session.close()

    def append(self, boot_id: str, events: Sequence[AnyEvent], lost: Sequence[Lost] = ()) -> list[Accepted]:
        """See ``Appender``."""
        if not events and not lost:
            return []
        bodies = [(lane_of(event), encode_event(event)) for event in events]

        def work(db: sqlite3.Connection) -> list[Accepted]:
            accepted = [self._insert(db, boot_id, lane, body) for lane, body in bodies]
            for each in lost:
                surrender.tally(db, each)
            surrender.keep_within(db, self._limits, elapsed_s=self.elapsed_s)
            self._save_elapsed(db)
            return accepted

        lowest = max((LANES.index(lane) for lane, _ in bodies), default=0)
        return self._session.write("append", work, at_the_cost_of=LANES[lowest:][::-1])

    def tell_losses(self, boot_id: str, *, wall_ms: int, monotonic_ms: int) -> list[tuple[Loss, Accepted]]:
        """See ``Appender``."""
        if not self._read("SELECT count(*) FROM loss")[0][0]:
            return []

        def work(db: sqlite3.Connection) -> list[tuple[Loss, Accepted]]:
            told = []
            for lost in surrender.tallied(db):
                event = loss_event(lost, self.spool_id, wall_ms=wall_ms, monotonic_ms=monotonic_ms)
                told.append((event, self._insert(db, boot_id, "events", encode_event(event))))
            surrender.keep_within(db, self._limits, elapsed_s=self.elapsed_s)
            return told

        return self._session.write("tell", work)

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
        return dict(self._unchanged("SELECT name, value FROM counter ORDER BY name"))

    def newest(self, lane: Lane) -> int:
        """See ``Outbox``."""
        return int(self._read("SELECT next_seq - 1 FROM lane WHERE name = ?", lane)[0][0])

    def version(self) -> Version:
        """See ``Outbox``."""
        return self._session.version()

    def waiting(self, lane: Lane, *, after: int = 0) -> int | None:
        """See ``Outbox``."""
        version = self._session.version()
        known = self._waiting.get((lane, after))
        if known is not None and known[0] == version:
            return known[1]
        with self._session.reading() as db:
            first = sealing.waiting(db, lane, after)
        self._waiting = {key: value for key, value in self._waiting.items() if value[0] == version}
        self._waiting[lane, after] = (version, first)
        return first

    def take(self, lane: Lane, *, after: int, partial: bool) -> Block | None:
        """See ``Outbox``."""
        question = (lane, after, partial)
        version = self._session.version()
        if self._nothing.get(question) == version:
            return None
        block = self._take(lane, after, partial=partial)
        if block is None:
            self._nothing = {key: value for key, value in self._nothing.items() if value == version}
            self._nothing[question] = version
        return block

    def forget(self, lane: Lane, through: int) -> int:
        """See ``Outbox``."""
        return self._session.write("forget", lambda db: _forget(db, lane, through))

    def give_up(self, lane: Lane, first: int, last: int, reason: str) -> None:
        """See ``Outbox``."""

        def work(db: sqlite3.Connection) -> None:
            for begin, _ in sealing.withheld(db, lane, first, last):
                sealing.split(db, lane, begin)
            surrender.quarantine_blocks(db, lane, first, last, reason)
            surrender.declare_forgotten(db, lane, first, last, reason)
            surrender.declare_absent(db, lane, first, last)

        self._session.write("give_up", work)

    def _take(self, lane: Lane, after: int, *, partial: bool) -> Block | None:
        limit = self._max_envelope_bytes
        try:
            with self._session.reading() as db:
                block = sealing.sealed(db, self.spool_id, lane, after)
                can = block is None and sealing.sealable(db, self.spool_id, lane, after, partial=partial, limit=limit)
            if not can:
                return block
            self._session.write("seal", lambda db: self._seal(db, lane, after, limit))
            with self._session.reading() as db:
                return sealing.sealed(db, self.spool_id, lane, after)
        except sealing.DamagedRowsError as exc:
            damage = exc
        self._session.write("damage", lambda db: sealing.set_apart(db, lane, damage))
        return self._take(lane, after, partial=partial)

    def _seal(self, db: sqlite3.Connection, lane: Lane, after: int, limit: int) -> None:
        last = sealing.seal(db, self.spool_id, lane, after, limit=limit)
        for _ in range(_SEAL_AHEAD):
            if last is None or not sealing.sealable(db, self.spool_id, lane, last, partial=False, limit=limit):
                return
            last = sealing.seal(db, self.spool_id, lane, last, limit=limit)

    def _insert(self, db: sqlite3.Connection, boot_id: str, lane: Lane, body: bytes) -> Accepted:
        (seq,) = db.execute(
            "UPDATE lane SET next_seq = next_seq + 1, boot_id = ? WHERE name = ? RETURNING next_seq - 1",
            (boot_id, lane),
        ).fetchone()
        if len(body) > room(self.spool_id, boot_id, lane, limit=self._max_envelope_bytes):
            surrender.quarantine_event(db, lane, Row(seq, boot_id, body), "too large")
        else:
            crc = checksum(lane, seq, boot_id, body)
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", (lane, seq, boot_id, self.elapsed_s, crc, body))
            db.execute("UPDATE lane SET bytes = bytes + ? WHERE name = ?", (len(body), lane))
        return Accepted(lane, seq)

    def _save_elapsed(self, db: sqlite3.Connection) -> None:
        due = self.elapsed_s - _SAVE_ELAPSED_EVERY_S
        db.execute("UPDATE spool SET elapsed_s = ? WHERE elapsed_s <= ?", (self.elapsed_s, due))

    def _by_lane(self, expression: str) -> dict[Lane, int]:
        found: dict[Lane, int] = dict(self._unchanged(f"SELECT name, {expression} FROM lane"))  # noqa: S608 - from this module only
        return {lane: found[lane] for lane in LANES}

    def _unchanged(self, statement: str) -> list[Any]:
        """As ``_read``; the same rows again while nobody wrote anything."""
        version = self._session.version()
        known = self._known.get(statement)
        if known is None or known[0] != version:
            known = self._known[statement] = version, self._read(statement)
        return known[1]

    def _read(self, statement: str, *arguments: object) -> list[Any]:
        with self._session.reading() as db:
            return db.execute(statement, arguments).fetchall()


def _forget(db: sqlite3.Connection, lane: Lane, through: int) -> int:
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
    return int(stored)
