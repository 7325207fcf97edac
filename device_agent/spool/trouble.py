"""What SQLite's errors mean for whoever uses the spool.

Source: SQLite result codes, https://www.sqlite.org/rescode.html.
"""

import errno
import sqlite3
from typing import Final, Literal

from device_agent.errors import SpoolError

Kind = Literal["full", "read-only", "damaged", "busy", "broken"]

_KINDS: Final[dict[int, Kind]] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_CANTOPEN: "read-only",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_CONSTRAINT: "damaged",  # a row is there that the counters know nothing of
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
}
_REMEDIES: Final[dict[Kind, str]] = {
    "full": "free some space on the disk",
    "read-only": "check that the folder is writable and the disk is not mounted read-only",
    "damaged": "nothing: what can be read is kept in a new file when it is opened next",
    "busy": "end whatever else has the file open",
    "broken": "check the disk: `dmesg` may say more",
}


class SpoolTroubleError(SpoolError):
    """The disk or the file does not do what it should.

    Attributes:
        kind: What is wrong. ``full``, ``read-only`` and ``busy`` may pass by themselves.
    """

    def __init__(self, message: str, *, kind: Kind) -> None:
        super().__init__(message, remedy=_REMEDIES[kind])
        self.kind: Kind = kind


def kind_of(error: sqlite3.Error) -> Kind:
    """What an error means; its extended codes count as their primary one."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return "broken" if code is None else _KINDS.get(code & 0xFF, "broken")


def kind_of_os(error: OSError) -> Kind:
    """The same for an error of the file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "full"
    return "read-only" if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else "broken"
