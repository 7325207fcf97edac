"""How often processes ask the disk to be sure: fsync(2) and fdatasync(2), counted by strace(1) where it is there.

It only attaches, so the processes run as they are. Without strace, or where attaching is forbidden, the count is
``None``: the flushes of the device (``bench.disk``) are then the nearest thing, one or two for each.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

_CALL: Final = re.compile(rb"\b(fsync|fdatasync|sync_file_range|sync|syncfs)\(")
_ATTACHED: Final = b"attached"
_ATTACH_S: Final = 5.0


class Syncs:
    """A context manager that counts for as long as it is open.

    Args:
        pids: Of the processes; their threads count too.
        log: A file of this measurement's own.
    """

    def __init__(self, pids: Sequence[int], log: Path) -> None:
        self._pids, self._log = pids, log
        self._process: subprocess.Popen[bytes] | None = None

    def count(self) -> int | None:
        """So far; ``None`` where nobody counts. After leaving, the final count."""
        if self._process is None:
            return None
        return len(_CALL.findall(self._log.read_bytes()))

    def __enter__(self) -> Self:
        strace = shutil.which("strace")
        if strace is None:
            return self
        targets = [part for pid in self._pids for part in ("-p", str(pid))]
        command = [strace, "-f", "-e", "trace=fsync,fdatasync,sync,syncfs,sync_file_range", "-e", "signal=none"]
        said = self._log.with_suffix(".said")
        with said.open("wb") as errors:
            self._process = subprocess.Popen([*command, "-o", str(self._log), *targets], stderr=errors)
        deadline = time.monotonic() + _ATTACH_S
        while said.read_bytes().count(_ATTACHED) < len(self._pids):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                self._process = None
                break
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=_ATTACH_S)
