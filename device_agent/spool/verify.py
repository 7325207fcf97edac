"""Every checksum and every invariant of a spool's file, looked at without changing it.

Not here: what a process checks when it opens the file (``database``), what is done about damage (``rebuild``).
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from contract.events import LANES, Lane
from device_agent.spool import schema, surrender
from device_agent.spool.checksum import checksum
from device_agent.spool.lease import LeaseNote, lease_path, read_note
from device_agent.spool.reading import reading
from device_agent.spool.trouble import SpoolTroubleError

_HEALS: Final = "nothing: what can be read is kept when `thresher run` or `thresher agent` opens it alone"
_SET_APART: Final = "nothing: it is set apart and declared when its turn comes"
_MISSED: Final = "nothing: it is declared when the cloud misses it"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it should be.

    Attributes:
        where: File, table, lane and sequence.
        what: What is wrong.
        remedy: What to do.
    """

    where: str
    what: str
    remedy: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Of a file.

    Attributes:
        events: Whose checksums were compared.
        blocks: That were compared with their events.
        findings: Empty where all is well.
    """

    events: int
    blocks: int
    findings: list[Finding]


def verify(path: Path) -> Verdict:
    """Checks the file.

    Raises:
        SpoolTroubleError: Another process keeps it closed.
    """
    try:
        with reading(path) as db:
            note = read_note(lease_path(path))
            findings = [finding for check in _CHECKS for finding in check(db)] + list(_lease(db, note))
            events, blocks = db.execute("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM block)").fetchone()
            return Verdict(events=events, blocks=blocks, findings=findings)
    except SpoolTroubleError as exc:
        if exc.kind == "busy":
            raise
        return Verdict(events=0, blocks=0, findings=[Finding(where="file", what=str(exc), remedy=exc.remedy)])


def _pages(db: sqlite3.Connection) -> Iterator[Finding]:
    for (what,) in db.execute("PRAGMA integrity_check(10)").fetchall():
        if what != "ok":
            yield Finding(where="file", what=what, remedy=_HEALS)


def _tables(db: sqlite3.Connection) -> Iterator[Finding]:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != schema.FORMAT:
        yield Finding(where="file", what=f"format {version}, this version reads {schema.FORMAT}", remedy=_HEALS)
    if not schema.is_intact(db):
        yield Finding(where="tables", what="their description is not what it was", remedy=_HEALS)
    elif not schema.counts_add_up(db):
        yield Finding(where="lane", what="counters contradict the events that are there", remedy=_HEALS)


def _checksums(db: sqlite3.Connection) -> Iterator[Finding]:
    for lane, seq, boot_id, crc, body in db.execute("SELECT lane, seq, boot_id, crc, body FROM event"):
        if checksum(lane, seq, boot_id, body) != crc:
            yield Finding(where=f"event {lane} {seq}", what="wrong checksum", remedy=_SET_APART)


def _sizes(db: sqlite3.Connection) -> Iterator[Finding]:
    rows = db.execute(
        "SELECT name, bytes, (SELECT coalesce(sum(length(body)), 0) FROM event WHERE event.lane = name) FROM lane"
    )
    for lane, counted, found in rows:
        if counted != found:
            yield Finding(where=f"lane {lane}", what=f"counts {counted} bytes and holds {found}", remedy=_HEALS)


def _blocks(db: sqlite3.Connection) -> Iterator[Finding]:
    for lane in LANES:
        end = 0
        for first, last, withheld, events, own in db.execute(_BLOCKS, (lane,)).fetchall():
            where = f"block {lane} {first} to {last}"
            if first <= end or last < first:
                yield Finding(where=where, what="overlaps another", remedy=_HEALS)
            elif not withheld and not own and events != last - first + 1:
                yield Finding(where=where, what=f"{last - first + 1 - events} events missing", remedy=_HEALS)
            end = max(end, last)


_BLOCKS: Final = """
SELECT first, last, withheld, (SELECT count(*) FROM event WHERE event.lane = block.lane AND seq BETWEEN first AND last),
    (SELECT count(*) FROM declared WHERE declared.lane = block.lane AND block = block.first AND reason = 'declaration')
FROM block WHERE lane = ? ORDER BY first
"""


def _accounts(db: sqlite3.Connection) -> Iterator[Finding]:
    """Every sequence above the watermark is an event, a block's own number, or declared."""
    for lane in LANES:
        stored, next_seq = db.execute("SELECT stored, next_seq FROM lane WHERE name = ?", (lane,)).fetchone()
        for first, last in surrender.holes(_held(db, lane), stored + 1, next_seq - 1):
            yield Finding(where=f"lane {lane} {first} to {last}", what="neither kept nor declared", remedy=_MISSED)


def _held(db: sqlite3.Connection, lane: Lane) -> list[tuple[int, int]]:
    return db.execute(
        "SELECT seq, seq FROM event WHERE lane = ?1 UNION ALL SELECT first, last FROM declared WHERE lane = ?1"
        " UNION ALL SELECT first, last FROM block WHERE lane = ?1",
        (lane,),
    ).fetchall()


def _lease(db: sqlite3.Connection, note: LeaseNote | None) -> Iterator[Finding]:
    (spool_id,) = db.execute("SELECT spool_id FROM spool").fetchone()
    if note is None or note.spool_id != spool_id:
        what = "missing or unreadable" if note is None else f"is of spool {note.spool_id}, the file of {spool_id}"
        yield Finding(where="lease", what=what, remedy="nothing: it is written anew when the file is opened next")
        return
    for lane, next_seq in db.execute("SELECT name, next_seq FROM lane"):
        if next_seq > note.below[lane]:
            what = f"allows sequences below {note.below[lane]}, the file is at {next_seq}"
            yield Finding(where=f"lease {lane}", what=what, remedy=_HEALS)


_CHECKS: Final[tuple[Callable[[sqlite3.Connection], Iterator[Finding]], ...]] = (
    _pages,
    _tables,
    _checksums,
    _sizes,
    _blocks,
    _accounts,
)
