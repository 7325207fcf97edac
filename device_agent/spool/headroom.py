"""A spool file never grows into the last blocks of its disk, so a full disk can still be emptied.

SQLite needs room to delete: its log is copied back into the file, and where that fails, nothing goes any more. So
the file stops growing while there is still room for what the log holds (``LOW_BYTES``). From then on everything
happens inside it: what comes finds pages that were freed by the cloud's word, or by giving up the lowest lane's
oldest, and the log is written over (``log_file``). Even a disk that others fill up completely stops nothing then.

```
growing ──free < LOW_BYTES, or SQLITE_FULL──▶ tight: max_page_count = page_count
   ▲                                            │
   └──the reserve is there, ROOMY_BYTES free────┘
```
Who fills the disk within one transaction is met by the reserve: it is given back for the copy of the log.

Not here: what is given up (``surrender``).
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from device_agent.spool.log_file import LOG_BYTES, PAGE_BYTES
from device_agent.spool.reserve import Reserve
from device_agent.spool.trouble import kind_of

LOW_BYTES: Final = 2 * LOG_BYTES
ROOMY_BYTES: Final = 2 * LOW_BYTES
_GONE_BYTES: Final = 64 * 1024
_PAGES_FOR_LIMIT: Final = 8
"""A hard bound beside the limits, which count JSON: so many times as much may lie in the file."""

_RESERVE_EVERY_S: Final = 60.0


def free_bytes(folder: Path) -> int:
    """What this user may still write to the folder's disk."""
    return shutil.disk_usage(folder).free


class Headroom:
    """Watches the disk for one connection to a spool file.

    Args:
        path: Of the spool file.
        reserve: Beside it.
        max_bytes: JSON that the spool may keep.
        monotonic_s: For the pauses between looks at the reserve.
        free: Bytes free in a folder.
    """

    def __init__(
        self,
        path: Path,
        reserve: Reserve,
        *,
        max_bytes: int,
        monotonic_s: Callable[[], float],
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder = path.parent
        self._reserve = reserve
        self._most_pages = _PAGES_FOR_LIMIT * max_bytes // PAGE_BYTES + LOG_BYTES // PAGE_BYTES
        self._now_s = monotonic_s
        self._due_s = monotonic_s()
        self._free = free
        self._settled = True
        self.is_tight = False

    def begin(self, db: sqlite3.Connection) -> None:
        """A connection was opened; it knows no bound yet."""
        self.is_tight, self._settled = False, True
        self._bound(db, self._most_pages)
        self._hold()

    def mind(self, db: sqlite3.Connection) -> None:
        """Looks at the disk before a transaction that writes; costs one system call or two."""
        if self.is_tight:
            if not self._settled:
                self._settle(db)
            if self._hold() and self._free(self._folder) >= ROOMY_BYTES:
                self.is_tight = False
                self._bound(db, self._most_pages)
        elif self._free(self._folder) < LOW_BYTES:
            self.tighten(db)
        elif self._now_s() >= self._due_s:
            self._due_s = self._now_s() + _RESERVE_EVERY_S
            self._hold()

    def tighten(self, db: sqlite3.Connection) -> None:
        """The file must not grow any more; where the disk has nothing left, the reserve goes."""
        self.is_tight, self._settled = True, False
        if self._free(self._folder) < _GONE_BYTES:
            self._reserve.release()
        self._settle(db)

    def rescue(self) -> bool:
        """Gives the reserve back because not even the opening works; returns whether that may help."""
        return self._free(self._folder) < _GONE_BYTES and self._reserve.release()

    def _hold(self) -> bool:
        return self._reserve.hold(spare_bytes=ROOMY_BYTES)

    def _settle(self, db: sqlite3.Connection) -> None:
        """Copies the log back, which may make the file as long as it thinks it is, and binds it to that."""
        try:
            busy, logged, copied = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._settled = not busy and logged == copied
        except sqlite3.OperationalError as exc:
            if kind_of(exc) != "full":
                raise
            self._settled = False  # the log has a little room of its own; the next write tries again
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        self._bound(db, pages)

    def _bound(self, db: sqlite3.Connection, pages: int) -> None:
        db.execute(f"PRAGMA max_page_count={pages}")
