"""Disk space held back, so that a full disk can still be emptied.

A file of real blocks is kept beside the spool; when the disk is full it goes, and what SQLite's log holds finds
room (``headroom`` says when). It is made again when there is room.
"""

import contextlib
import os
import shutil
from pathlib import Path

from device_agent.files import sync_folder
from device_agent.spool.log_file import LOG_BYTES


class Reserve:
    """The file.

    Args:
        path: Of the file.
        size_bytes: How much it holds, at least what the log can; 0 for none.
    """

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self._size_bytes = max(size_bytes, LOG_BYTES) if size_bytes else 0

    def hold(self, *, spare_bytes: int) -> bool:
        """Makes the file if it is not there and ``spare_bytes`` stay free; returns whether it is there."""
        if self._size_bytes == 0 or self._is_whole():
            return True
        try:
            if shutil.disk_usage(self._path.parent).free < self._size_bytes + spare_bytes:
                return False
            self._allocate()
        except OSError:
            return False
        return True

    def release(self) -> bool:
        """Gives the space back; returns whether there was any."""
        with contextlib.suppress(OSError):
            self._path.unlink()
            sync_folder(self._path.parent)
            return True
        return False

    def _is_whole(self) -> bool:
        """A process may have died while it made the file."""
        try:
            return self._path.stat().st_size >= self._size_bytes
        except OSError:
            return False

    def _allocate(self) -> None:
        """Two processes may do it at once: each gives the same file the same length."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
            os.fsync(descriptor)
        except OSError:
            self.release()
            raise
        finally:
            os.close(descriptor)
