"""A file that says once a second how a process is, without wearing the disk.

```
<state_dir>/run-status.json ─▶ /dev/shm/thresher-<user>-<folder's hash>/run-status.json      while it runs
<state_dir>/run-status.json   an ordinary file: the last word                               after an orderly end
```
Replacing a 1.5 KB file writes about 12 KB to an ext4 disk (its block, folder, inode and journal;
``python -m bench --only wear``): once a second that is 1 GB a day, several times what all events need. So the
file lives in memory (``/dev/shm``, tmpfs(5)) and a link in the state folder leads to it. Where there is no tmpfs
it is written to the state folder, but once a minute.

A disk that is full or read-only ends nothing here: what could not be written is counted.
"""

import logging
import os
import stat
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from device_agent.files import atomic_write

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder made in it is checked to be our own
ON_DISK_EVERY_S: Final = 60.0

logger = logging.getLogger(__name__)

_Detail = TypeVar("_Detail", bytes, str)


class StatusFile:
    """One process's status. One thread at a time.

    Args:
        path: Where readers find it.
        memory: A tmpfs; ``None`` writes to ``path`` itself, rarely.
        monotonic_s: Seconds, never going back.

    Attributes:
        unwritten: Writes that failed.
    """

    def __init__(
        self, path: Path, *, memory: Path | None = MEMORY, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.unwritten = 0
        self._path = path
        self._target = _own_folder(memory, path.parent) if memory else None
        self._now = monotonic_s
        self._next_s = monotonic_s()

    def write(self, data: bytes) -> None:
        """Replaces what readers see; call it as often as you like."""
        if self._target is not None:
            self._attempt(self._write_to_memory, self._target / self._path.name, data)
        elif self._now() >= self._next_s:
            self._next_s = self._now() + ON_DISK_EVERY_S
            self._attempt(_write, self._path, data)

    def close(self, data: bytes) -> None:
        """Leaves the last word in the state folder, and nothing in memory."""
        self._attempt(_write, self._path, data)
        if self._target is not None:
            self._attempt(_remove, self._target, self._path.name)

    def _write_to_memory(self, target: Path, data: bytes) -> None:
        _write(target, data)
        if not self._path.is_symlink() or self._path.readlink() != target:
            link = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
            link.unlink(missing_ok=True)
            link.symlink_to(target)
            link.replace(self._path)

    def _attempt(self, work: Callable[[Path, _Detail], None], path: Path, detail: _Detail) -> None:
        try:
            work(path, detail)
        except OSError as exc:
            self.unwritten += 1
            if self.unwritten == 1:
                logger.warning("status.unwritten", extra={"path": str(self._path), "reason": str(exc)})


def _write(path: Path, data: bytes) -> None:
    atomic_write(path, data, durable=False)


def _remove(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _own_folder(memory: Path, state_dir: Path) -> Path | None:
    """A folder of this user alone for one state folder; ``None`` where there is no such place.

    Its name can be guessed and anybody may write to ``/dev/shm``, so it is used only if it is a real folder, owned
    by this user and closed to others.
    """
    name = f"{zlib.crc32(os.fsencode(state_dir.absolute())):08x}"
    folder = memory / f"thresher-{os.getuid()}-{name}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return folder if ours else None
