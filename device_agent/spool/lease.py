"""A small file beside the spool that outlives it: whose sequences these are, and how far they may have come.

A sequence that was ever given out must not be given to another event: the cloud would take the second for a
copy of the first. So a spool begun after a damaged one goes on counting above every number the old one can
have used. That number is not known after the damage; a bound is: the lease, raised in steps far apart, before
the step's first sequence is committed.

``<spool>.lease`` is one line of JSON and its CRC-32, written by ``atomic_write`` about once in ``STEP``
events of a lane.
"""

import sqlite3
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from contract.events import LANES, Lane
from device_agent.files import atomic_write

STEP: Final = 100_000
"""Sequences between two writes: at ten events a minute, one write a week."""


class LeaseNote(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says.

    Attributes:
        spool_id: Of the spool.
        hardware: Of the machine it counted on.
        below: By lane: every sequence given out so far is below this.
    """

    spool_id: str
    hardware: str
    below: dict[str, int]


class Lease:
    """The file of one open spool.

    Args:
        path: Of the lease.
        note: What it should say about spool and machine; its bounds are raised as needed.
    """

    def __init__(self, path: Path, note: LeaseNote) -> None:
        self._path = path
        self._note = note

    def cover(self, db: sqlite3.Connection) -> None:
        """Raises the bounds above what an open transaction has given out, durably, before it is committed.

        Raises:
            OSError: The file cannot be written; the transaction must not be committed.
        """
        used = dict(db.execute("SELECT name, next_seq FROM lane"))
        if all(used[lane] <= self._note.below[lane] for lane in LANES):
            return
        self.write({lane: used[lane] + STEP for lane in LANES})

    def write(self, below: Mapping[Lane, int]) -> None:
        """Writes these bounds."""
        note = msgspec.structs.replace(self._note, below=dict(below))
        text = msgspec.json.encode(note)
        atomic_write(self._path, b"%08x %s\n" % (zlib.crc32(text), text))
        self._note = note


def read_note(path: Path) -> LeaseNote | None:
    """What the file says, or ``None`` where there is none or it is damaged too."""
    try:
        crc, text = path.read_bytes().rstrip(b"\n").split(b" ", 1)
        if int(crc, 16) != zlib.crc32(text):
            return None
        note = msgspec.json.decode(text, type=LeaseNote)
    except (OSError, ValueError, msgspec.DecodeError):
        return None
    return note if set(note.below) == set(LANES) else None


def lease_path(spool: Path) -> Path:
    """Of the lease beside a spool's file."""
    return spool.with_name(f"{spool.name}.lease")
