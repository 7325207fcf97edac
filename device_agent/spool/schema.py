"""The spool file's tables. ``docs/spool-format.md`` explains them; a test compares the two."""

import sqlite3
from typing import Final

from contract.events import LANES

FORMAT: Final = 1
"""``PRAGMA user_version`` of the file."""

SCHEMA: Final = """
CREATE TABLE spool (spool_id TEXT NOT NULL, hardware TEXT NOT NULL, elapsed_s INTEGER NOT NULL);
CREATE TABLE lane (
    name TEXT PRIMARY KEY, next_seq INTEGER NOT NULL DEFAULT 1, sealed INTEGER NOT NULL DEFAULT 0,
    stored INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, boot_id TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE event (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, boot_id TEXT NOT NULL, elapsed_s INTEGER NOT NULL,
    crc INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (lane, seq)
) WITHOUT ROWID;
CREATE TABLE block (
    lane TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, boot_id TEXT NOT NULL,
    withheld INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, first)
) WITHOUT ROWID;
CREATE TABLE declared (
    lane TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL, block INTEGER,
    PRIMARY KEY (lane, first)
) WITHOUT ROWID;
CREATE TABLE loss (
    lane TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER, bytes INTEGER NOT NULL, first INTEGER, last INTEGER,
    PRIMARY KEY (lane, reason)
) WITHOUT ROWID;
CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY, lane TEXT NOT NULL, seq INTEGER NOT NULL, boot_id TEXT NOT NULL,
    reason TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


def create(db: sqlite3.Connection, spool_id: str, hardware: str) -> None:
    """Makes an empty spool inside an open transaction."""
    for statement in SCHEMA.split(";"):
        db.execute(statement)
    db.execute("INSERT INTO spool VALUES (?, ?, 0)", (spool_id, hardware))
    db.executemany("INSERT INTO lane (name) VALUES (?)", [(lane,) for lane in LANES])
    db.execute(f"PRAGMA user_version={FORMAT}")


def is_intact(db: sqlite3.Connection) -> bool:
    """Whether the file describes its tables as they were made: a bit may flip in a column's name."""
    found = {" ".join(sql.split()) for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    return found == {" ".join(statement.split()) for statement in SCHEMA.split(";") if statement.strip()}


def counts_add_up(db: sqlite3.Connection) -> bool:
    """Whether every lane's counters agree with its rows: a bit may flip in a number, too."""
    lanes = db.execute("SELECT name, next_seq, sealed, stored, bytes FROM lane").fetchall()
    if {lane for lane, *_ in lanes} != set(LANES):
        return False
    return all(_adds_up(db, lane, *numbers) for lane, *numbers in lanes)


def _adds_up(db: sqlite3.Connection, lane: str, next_seq: int, sealed: int, stored: int, kept: int) -> bool:
    if not all(isinstance(number, int) for number in (next_seq, sealed, stored, kept)):
        return False
    low, high = db.execute("SELECT min(seq), max(seq) FROM event WHERE lane = ?", (lane,)).fetchone()
    inside = low is None or stored < low <= high < next_seq
    return inside and 0 <= stored < next_seq and 0 <= sealed < next_seq and kept >= 0
