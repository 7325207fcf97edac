"""Hears of writes to a spool's log while nothing else looks at it, by inotify(7).

A gateway that asks its spool several times a second whether there is anything new spends more on asking than on
everything it forwards. The kernel tells of a write *before* its commit is durable and can be seen: whoever is told must
look again for a while.

Where the kernel gives no watch (another system, too many watches), ``works`` stays false, and who wants to know must
ask. Not here: what was written.
"""

import contextlib
import ctypes
import logging
import os
import select
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_MODIFIED, _MOVED_HERE, _CREATED = 0x002, 0x080, 0x100
_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | os.O_CLOEXEC
_EVENT: Final = struct.Struct("iIII")
"""``struct inotify_event`` but for the name, whose length is the last."""

_LOOK_MS: Final = 1000
"""How soon ``stop`` is noticed."""


class Noticing:
    """Watches the folder, so that a log that is replaced is still heard of.

    Args:
        path: Of the spool's file.
        told: Called after each write to it or its log, on the thread of ``run``.

    Attributes:
        works: Whether the kernel tells.
    """

    def __init__(self, path: Path, told: Callable[[], None]) -> None:
        self._folder = path.parent
        self._names = {os.fsencode(path.name), os.fsencode(f"{path.name}-wal")}
        self._told = told
        self.works = False

    def run(self, stop: threading.Event) -> None:
        """The thread's work."""
        try:
            watch = _watch(self._folder)
        except OSError as exc:
            logger.info("spool.not_watched", extra={"folder": str(self._folder), "reason": str(exc)})
            return
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        self.works = True
        try:
            while not stop.is_set():
                if poll.poll(_LOOK_MS) and not self._names.isdisjoint(_names_in(_read(watch))):
                    self._told()
        finally:
            self.works = False
            os.close(watch)


def _watch(folder: Path) -> int:
    """A descriptor that tells of changes to a folder's files; raises ``OSError``."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        watch = int(library.inotify_init1(_NONBLOCK_CLOEXEC))
    except AttributeError as exc:
        raise OSError(f"no inotify on this system: {exc}") from exc
    if watch < 0:
        raise _failure("inotify_init1")
    if library.inotify_add_watch(watch, os.fsencode(folder), _MODIFIED | _MOVED_HERE | _CREATED) < 0:
        error = _failure("inotify_add_watch")
        os.close(watch)
        raise error
    return watch


def _failure(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")


def _read(watch: int) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return os.read(watch, 65_536)
    return b""


def _names_in(events: bytes) -> Iterator[bytes]:
    """Names of the files that changed."""
    at = 0
    while at + _EVENT.size <= len(events):
        length = _EVENT.unpack_from(events, at)[3]
        at += _EVENT.size
        yield events[at : at + length].rstrip(b"\0")
        at += length
