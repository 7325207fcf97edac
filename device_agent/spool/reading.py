"""Looking at a spool's file without changing it, while others use it, or while it is damaged.

A shared lock keeps others from replacing the file meanwhile; they can go on appending, and one read transaction
sees one moment. A damaged file, or one on a disk that cannot be written, is copied and the copy is read as far as
it can be.

Not here: what is shown (``overview``, ``verify``, ``export``).
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from device_agent.spool.lease import lease_path, read_note
from device_agent.spool.salvage import Remains, salvage, tolerant_text
from device_agent.spool.trouble import SpoolTroubleError, kind_of

_LOCK_WITHIN_S: Final = 10.0


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """One moment of the file, in a read transaction.

    Raises:
        SpoolTroubleError: It cannot be read; of kind ``damaged`` where the file itself is broken.
    """
    with _kept_in_place(path):
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            with contextlib.closing(connection):
                connection.text_factory = tolerant_text
                connection.execute("BEGIN")
                yield connection
        except sqlite3.Error as exc:
            raise SpoolTroubleError(f"spool {path}: {exc}", kind=kind_of(exc)) from exc
        except UnicodeDecodeError as exc:  # in one of SQLite's own messages
            raise SpoolTroubleError(f"spool {path}: {exc}", kind="damaged") from exc


def remains_of(path: Path) -> Remains:
    """What can be read of a damaged file, as its rescue would find it; the file stays as it is.

    Args:
        path: Of the spool, or of a file that was moved aside.
    """
    note = read_note(lease_path(path.with_name(path.name.partition(".corrupt-")[0])))
    with tempfile.TemporaryDirectory(prefix="thresher-spool-") as folder, _kept_in_place(path):
        copy = Path(folder) / "copy"
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        return salvage(copy, note)


@contextmanager
def _kept_in_place(path: Path) -> Iterator[None]:
    """Without the lock where there is no such file, or it may not be opened: then nobody can replace it either."""
    try:
        lock = os.open(f"{path}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        deadline = time.monotonic() + _LOCK_WITHIN_S
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise SpoolTroubleError(f"spool {path}: another process is opening it", kind="busy")
            time.sleep(0.02)
        yield
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
