"""The log beside the spool's file has its full length from the beginning.

SQLite writes each commit to ``<file>-wal`` and begins it again at ``LOG_PAGES``. As long as that file grows, each
commit also changes the file system's own tables, which costs three times what writing over it costs
(``python -m bench --only wear``). So whoever opens the spool alone fills it up with zeros: SQLite takes what
follows its last valid frame for nothing (https://www.sqlite.org/fileformat2.html#walformat).

Not here: what is in the log, when it is copied back (SQLite's work).
"""

import contextlib
import os
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 1024
"""A commit writes whole pages to the log: with small ones an event costs half of what it costs with 4 KB."""

LOG_PAGES: Final = 512
"""The log is copied back and begun again once it holds so many."""

LOG_BYTES: Final = (LOG_PAGES + 128) * (PAGE_BYTES + 24)
"""Frames have a header of 24 bytes; a commit that begins below ``LOG_PAGES`` may end above it."""


def fill_up(spool: Path) -> None:
    """Makes the log ``LOG_BYTES`` long, durably. Call it while nobody else has the spool open and nobody writes.

    A disk without room for it leaves the log as it was: it then grows by itself, as far as it can.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(f"{spool}-wal", os.O_WRONLY | os.O_CLOEXEC)
        try:
            length = os.fstat(descriptor).st_size
            _extend(descriptor, length)
        finally:
            os.close(descriptor)


def _extend(descriptor: int, length: int) -> None:
    missing = LOG_BYTES - length
    if missing <= 0:
        return
    try:
        if os.pwrite(descriptor, bytes(missing), length) == missing:
            os.fsync(descriptor)
            return
    except OSError:
        pass
    os.ftruncate(descriptor, length)
