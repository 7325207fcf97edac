"""The one folder a demo writes to. It is removed at the end, or at the next start if the demo was killed.

A lock on a file inside says that its demo lives; the kernel drops the lock with the process, however it ends.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final, Self

_PREFIX: Final = "thresher-demo-"
_LOCK: Final = "lock"


class RunFolder:
    """A new folder under the temporary folder; a context manager.

    Args:
        keep: Leave it there at the end, with all logs.
        parent: Where to make it; ``None`` means the system's temporary folder.
    """

    def __init__(self, *, keep: bool = False, parent: Path | None = None) -> None:
        self._parent = parent or Path(tempfile.gettempdir())
        self._keep = keep
        remove_abandoned(self._parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._parent))
        self._lock = _locked(self.path / _LOCK)

    def close(self) -> None:
        """Removes it; one that is kept loses its lock file, so that no later demo removes it."""
        if self._keep:
            (self.path / _LOCK).unlink(missing_ok=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def remove_abandoned(parent: Path) -> int:
    """Removes this user's folders of demos that were killed; returns how many. A kept folder has no lock file."""
    removed = 0
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid() or not (folder / _LOCK).is_file():
                continue
            lock = _locked(folder / _LOCK)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
                removed += 1
    return removed


def _locked(path: Path) -> int | None:
    """The lock's descriptor, ``None`` where another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
