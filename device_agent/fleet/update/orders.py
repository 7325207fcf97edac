"""What was asked of the update machine: one file, written by whoever asks and read by the machine.

Both sides are processes that may die at any moment, and neither waits for the other. An order stays in the file after
it is over; the journal says that it is.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from device_agent.errors import UpdateError
from device_agent.files import atomic_write, make_folder
from device_agent.fleet.update.errors import BusyError
from device_agent.fleet.update.journal import read_state
from device_agent.fleet.update.port import Order, UpdateState

UPDATE_FOLDER: Final = "update"
"""Below the state folder."""

ORDER_FILE: Final = "order.json"
_LOCK_FILE: Final = "order.lock"
_LOCK_S: Final = 5.0
"""Longer than one small file takes; whoever still has the lock then stands still."""

_LOCK_LOOK_S: Final = 0.02


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds.

    Attributes:
        order: What is wanted.
        withdrawn: It is wanted no longer.
    """

    order: Order
    withdrawn: bool = False


class OrdersFile:
    """The machine's side: what is asked now. Looking is one stat(2) while nothing changes.

    Args:
        folder: Where the file lies.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / ORDER_FILE
        self._seen: tuple[int, int, int] | None = None
        self._asked: Asked | None = None

    def look(self) -> Asked | None:
        """What is asked; ``None`` where nothing is, or nothing that can be read."""
        try:
            found = self._path.stat()
            key = (found.st_ino, found.st_mtime_ns, found.st_size)
            if key != self._seen:
                self._asked = msgspec.json.decode(self._path.read_bytes(), type=Asked)
                self._seen = key
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return self._asked


class FileUpdates:
    """See ``Updates``: the asking side, in the machine's process or another one.

    Args:
        folder: ``<state_dir>/update``; made if missing.
        lock_s: How long another process that asks is waited for.
    """

    def __init__(self, folder: Path, *, lock_s: float = _LOCK_S) -> None:
        make_folder(folder, 0o700)
        self._folder = folder
        self._lock_s = lock_s

    def submit(self, order: Order) -> None:
        """See ``Updates``."""
        with self._alone():
            state, asked = read_state(self._folder), OrdersFile(self._folder).look()
            if order.order_id in state.ended:
                return
            if asked is not None and _is_busy(state, asked, order):
                raise BusyError(
                    f"another update is not over: {asked.order.order_id}, {state.phase}",
                    remedy="wait for it, or cancel it; it needs `thresher supervise` (or the FleetAgent) to go on",
                )
            withdrawn = asked is not None and asked.order.order_id == order.order_id and asked.withdrawn
            self._write(Asked(order=order, withdrawn=withdrawn))

    def look(self) -> UpdateState:
        """See ``Updates``."""
        return read_state(self._folder)

    def cancel(self, order_id: str) -> None:
        """See ``Updates``."""
        with self._alone():
            asked = OrdersFile(self._folder).look()
            if asked is not None and asked.order.order_id == order_id and not asked.withdrawn:
                self._write(Asked(order=asked.order, withdrawn=True))

    def _write(self, asked: Asked) -> None:
        path = self._folder / ORDER_FILE
        try:
            atomic_write(path, msgspec.json.encode(asked))
        except OSError as exc:
            raise UpdateError(f"{path}: {exc.strerror or exc}", remedy="free space, or mount it writable") from exc

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One asks at a time; the kernel lets go of the lock however a process ends (flock(2))."""
        path = self._folder / _LOCK_FILE
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise UpdateError(f"{path}: {exc.strerror or exc}", remedy="free space, or mount it writable") from exc
        try:
            self._lock(descriptor, path)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int, path: Path) -> None:
        end_s = time.monotonic() + self._lock_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                if time.monotonic() >= end_s:
                    raise BusyError(f"{path}: somebody asks since {self._lock_s:g} s", remedy=f"fuser {path}") from exc
                time.sleep(_LOCK_LOOK_S)
            else:
                return


def _is_busy(state: UpdateState, asked: Asked, order: Order) -> bool:
    if asked.order.order_id == order.order_id or asked.order.order_id in state.ended:
        return False
    return not (asked.withdrawn and state.order_id != asked.order.order_id)
