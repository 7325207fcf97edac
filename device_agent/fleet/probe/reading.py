"""Looks taken on this machine: the processes' status files and ``/proc``.

A status file is fresh while its process writes it: every second in memory, once a minute on a disk
(``device_agent.status``). The last word of a process that ended is no word of the one that follows it.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from device_agent.fleet.probe.look import Forwarded, Sensed, Used

RUN_STATUS: Final = "run-status.json"
AGENT_STATUS: Final = "agent-status.json"
_STALE_S: Final = 15.0
_STALE_ON_DISK_S: Final = 150.0

_Said = TypeVar("_Said", Sensed, Forwarded)


def sensed(folder: Path, *, since_wall_s: float = 0.0) -> Sensed | None:
    """What ``thresher run`` says; ``None`` where nothing is fresh.

    Args:
        folder: The state folder.
        since_wall_s: When the process started, Unix seconds; what is older is another's word.
    """
    return _said(folder / RUN_STATUS, Sensed, since_wall_s)


def forwarded(folder: Path, *, since_wall_s: float = 0.0) -> Forwarded | None:
    """What ``thresher agent`` says, likewise."""
    return _said(folder / AGENT_STATUS, Forwarded, since_wall_s)


def used(pid: int) -> Used | None:
    """What a process used so far; ``None`` where there is none (proc(5))."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    fields = status.rpartition(")")[2].split()  # a process may call itself ") R 1"
    ticks = int(fields[11]) + int(fields[12])
    return Used(pid=pid, rss_bytes=pages * os.sysconf("SC_PAGE_SIZE"), cpu_s=ticks / os.sysconf("SC_CLK_TCK"))


def age_s(path: Path) -> float | None:
    """Seconds since a status file was written; ``None`` where there is none."""
    with contextlib.suppress(OSError):
        return max(0.0, time.time() - path.stat().st_mtime)
    return None


def is_stale(path: Path, age: float) -> bool:
    """Whether a status file of this age was left behind."""
    return age > (_STALE_S if path.is_symlink() else _STALE_ON_DISK_S)


def _said(path: Path, kind: type[_Said], since_wall_s: float) -> _Said | None:
    age = age_s(path)
    if age is None or is_stale(path, age) or time.time() - age < since_wall_s:
        return None
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=kind)
    return None
