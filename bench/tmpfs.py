"""A small file system in memory, whose end can be reached in a moment. Root is needed."""

import subprocess
from pathlib import Path
from typing import Self

from twin.errors import TwinError


class Tmpfs:
    """A context manager; leaving it unmounts.

    Args:
        path: Where; made if missing.
        mib: Its size.
    """

    def __init__(self, path: Path, *, mib: int) -> None:
        self.path = path
        self._mib = mib

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={self._mib}m,mode=0700", "thresher-bench", str(self.path))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            _run("umount", str(self.path))
        except TwinError:
            _run("umount", "--lazy", str(self.path))


def _run(*command: str) -> None:
    done = subprocess.run(list(command), check=False, capture_output=True, timeout=20, text=True)
    if done.returncode:
        raise TwinError(f"{' '.join(command)}: {done.stderr.strip()}", remedy="run as root")
