"""Who has the spool's file open, and that it is damaged: between processes, by two files beside it.

Every user holds a shared lock on ``<file>.lock`` while the file is open; the kernel gives it back when a
process dies. Who finds damage while others have it open leaves a mark ``<file>.damaged``, lets go, and every user of
the file lets go when it sees the mark; then one of them is alone, and can rescue.

Not here: the rescue (``database``).
"""

import contextlib
import fcntl
import os
import time
from pathlib import Path

from device_agent.spool.trouble import SpoolTroubleError

_LOCK_WAIT_S = 15.0


def mark_damaged(path: Path) -> None:
    """Asks every user of the file to let go, so that one can rescue what it holds."""
    with contextlib.suppress(OSError):
        _mark(path).touch()


def is_marked_damaged(path: Path) -> bool:
    """Whether somebody found damage and nobody has rescued the file yet."""
    return os.path.exists(f"{path}.damaged")  # noqa: PTH110 - asked with each look at the spool; a Path costs thrice as much


def clear_mark(path: Path) -> None:
    """The file was rescued."""
    _mark(path).unlink(missing_ok=True)


def hold(path: Path) -> tuple[int, bool]:
    """Locks the file: alone if possible, only alone while the mark of damage is there.

    Returns:
        The lock's descriptor, and whether we are alone; whoever closes the descriptor lets go.

    Raises:
        OSError: The lock's file cannot be opened.
        SpoolTroubleError: Another process kept it too long.
    """
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        for mode, alone in ((fcntl.LOCK_EX, True), (fcntl.LOCK_SH, False)):
            if not alone and is_marked_damaged(path):
                continue
            try:
                fcntl.flock(lock, mode | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return lock, alone
        if time.monotonic() > deadline:
            os.close(lock)
            raise SpoolTroubleError(f"spool {path}: another process has held it for {_LOCK_WAIT_S:.0f} s", kind="busy")
        time.sleep(0.02)


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")
