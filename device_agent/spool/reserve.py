"""Disk space held back, so that a full disk can still be emptied.

SQLite needs room to delete: on a full disk it can neither append nor forget. A file of real blocks is kept
beside the spool; when the disk is full it goes, and the queue can drain. It is made again when there is room.
"""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

from device_agent.files import sync_folder

_ROOM: Final = 4
"""Made again only where the disk has this many times its size free: else it would be the next to fill it."""


class Reserve:
    """The file.

    Args:
        path: Of the file.
        size_bytes: How much it holds; 0 for none.
    """

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def hold(self) -> bool:
        """Makes the file if it is not there and there is room; returns whether it is there."""
        if self._size_bytes == 0 or self._path.exists():
            return self._size_bytes > 0
        try:
            if shutil.disk_usage(self._path.parent).free < _ROOM * self._size_bytes:
                return False
            self._allocate()
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> bool:
        """Gives the space back; returns whether there was any."""
        with contextlib.suppress(OSError):
            self._path.unlink()
            sync_folder(self._path.parent)
            return True
        return False

    def _allocate(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
