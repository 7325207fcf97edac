"""What a spool holds, lane by lane, for a person or a program that asks."""

import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from contract.events import LANES, Lane
from device_agent.spool.reading import reading, remains_of
from device_agent.spool.rebuild import damaged_files
from device_agent.spool.salvage import Remains
from device_agent.spool.trouble import SpoolTroubleError

_HOUR_S: Final = 3600
_LANE: Final = """
SELECT count(*), coalesce(sum(length(body)), 0), min(elapsed_s), next_seq - 1 - stored, stored,
    (SELECT coalesce(sum(last - first + 1), 0) FROM declared WHERE declared.lane = name),
    (SELECT count(*) FROM quarantine WHERE quarantine.lane = name)
FROM lane LEFT JOIN event ON event.lane = name WHERE name = ?
"""


class LaneOverview(msgspec.Struct, frozen=True, kw_only=True):
    """Of one lane.

    Attributes:
        events: Kept on this disk.
        event_bytes: Their JSON.
        oldest_age_h: Age of the oldest, hours of the spool's running time; ``None`` where there is none.
        pending: Sequence numbers that the cloud does not know to be stored or declared.
        stored: The watermark.
        declared: Sequence numbers given up, of which the cloud has not yet heard.
        quarantined: Events kept to be looked at.
    """

    events: int
    event_bytes: int
    oldest_age_h: float | None
    pending: int
    stored: int
    declared: int
    quarantined: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Of a spool.

    Attributes:
        spool_id: Who counts; empty where a damaged file does not say.
        damage: Why the file cannot be read as it is; ``None`` where it can.
        lanes: By name.
        counters: What happened to the spool, ever.
        set_aside: Damaged files beside it, oldest first.
    """

    spool_id: str
    damage: str | None
    lanes: dict[Lane, LaneOverview]
    counters: dict[str, int]
    set_aside: list[str]


def overview(path: Path) -> Overview:
    """Looks at a file and leaves it as it is.

    Raises:
        SpoolTroubleError: Another process keeps it closed.
    """
    aside = [str(file) for file in damaged_files(path)]
    try:
        with reading(path) as db:
            return msgspec.convert(_whole(db, aside), Overview)
    except SpoolTroubleError as exc:
        if exc.kind == "busy":
            raise
        reason = str(exc)
    except (msgspec.ValidationError, TypeError) as exc:  # a row is not there, or of another type
        reason = f"spool {path}: {exc}"
    return _of_remains(remains_of(path), reason, aside)


def _whole(db: sqlite3.Connection, aside: list[str]) -> dict[str, object]:
    spool_id, elapsed_s = db.execute("SELECT spool_id, elapsed_s FROM spool").fetchone()
    return {
        "spool_id": spool_id,
        "damage": None,
        "lanes": {lane: _lane(db.execute(_LANE, (lane,)).fetchone(), elapsed_s) for lane in LANES},
        "counters": dict(db.execute("SELECT name, value FROM counter ORDER BY name").fetchall()),
        "set_aside": aside,
    }


def _lane(row: tuple[int, int, int | None, int, int, int, int], elapsed_s: int) -> LaneOverview:
    events, size, oldest_s, pending, stored, declared, quarantined = row
    return LaneOverview(
        events=0 if oldest_s is None else events,
        event_bytes=size,
        oldest_age_h=None if oldest_s is None else round((elapsed_s - oldest_s) / _HOUR_S, 3),
        pending=pending,
        stored=stored,
        declared=declared,
        quarantined=quarantined,
    )


def _of_remains(remains: Remains, damage: str, aside: list[str]) -> Overview:
    lanes: dict[Lane, LaneOverview] = {}
    for lane in LANES:
        found = remains.lanes.get(lane)
        rows = found.rows if found else []
        oldest_s = min((row[2] for row in rows), default=None)
        size = sum(len(row[4]) for row in rows)
        stored = found.stored if found else 0
        pending = found.next_seq - 1 - stored if found else 0
        declared = sum(_length(row) for row in remains.tables["declared"] if row[0] == lane)
        quarantined = sum(row[0] == lane for row in remains.tables["quarantine"])
        row = (len(rows), size, oldest_s, pending, stored, declared, quarantined)
        lanes[lane] = _lane(row, remains.elapsed_s)
    counters = {str(name): value for name, value in remains.tables["counter"] if isinstance(value, int)}
    return Overview(spool_id=remains.spool_id, damage=damage, lanes=lanes, counters=counters, set_aside=aside)


def _length(declared: tuple[object, ...]) -> int:
    first, last = declared[1], declared[2]
    return last - first + 1 if isinstance(first, int) and isinstance(last, int) else 0
