"""One log file per component, ``<root>/logs/<name>.log``, that never grows without bound.

The lite nucleus writes to the journal instead; here both profiles have files, so that one command shows either.
Not here: what is written (``processes``, ``lifecycle``).
"""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MAXIMUM_BYTES: Final = 1024 * 1024
"""Of one file, as the classic nucleus rotates (``fileSizeKB: 1024``); one older file is kept beside it."""

_POLL_S: Final = 0.2


class ComponentLog:
    """Appends lines; any thread may call it.

    Args:
        path: Of the file; its folder is made.
        maximum_bytes: When it is set aside as ``<name>.log.1``.
    """

    def __init__(self, path: Path, *, maximum_bytes: int = MAXIMUM_BYTES) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._maximum_bytes = maximum_bytes
        self._lock = threading.Lock()

    def write(self, source: str, text: str) -> None:
        """One line with the time and its source, e.g. ``run.stdout``."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        line = f"{now}Z {source}: {text}\n"
        with self._lock:
            with self.path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(line)
                size = file.tell()
            if size >= self._maximum_bytes:
                self.path.replace(self.path.with_name(self.path.name + ".1"))

    def tail(self, lines: int = 20) -> str:
        """The last lines of the present file."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 400 * lines))
                return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


def follow(path: Path, stop: threading.Event, *, lines: int = 20) -> Iterator[str]:
    """The last lines of a log, then what is appended until ``stop``; survives that the file is set aside."""
    yield from ComponentLog(path).tail(lines).splitlines()
    place, inode = (path.stat().st_size, path.stat().st_ino) if path.exists() else (0, 0)
    while not stop.wait(_POLL_S):
        if not path.exists():
            continue
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_ino != inode:
                place, inode = 0, found.st_ino
            file.seek(place)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        place += len(whole)
        yield from whole.decode(errors="replace").splitlines()
