"""What a process takes of its machine, second by second, and whether that is flat.

Read from proc(5): a second's look costs less than a millisecond. Not here: which processes, for how long.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

_KIB_PER_MIB = 1024.0


class Vitals(NamedTuple):
    """One look.

    Attributes:
        at_s: Monotonic seconds.
        rss_mib: Resident memory.
        pss_mib: The same, shared pages counted in part; what ending the process would give back.
        threads: How many.
        files: Open file descriptors.
    """

    at_s: float
    rss_mib: float
    pss_mib: float
    threads: int
    files: int


class Flatness(msgspec.Struct, frozen=True, kw_only=True):
    """Of one process over a stretch of time.

    Attributes:
        rss_range_mib: Highest less lowest.
        pss_range_mib: Same.
        rss_slope_mib_per_h: Of a straight line through all looks.
        rss_mib: Median.
        pss_mib: Median.
        thread_range: Highest less lowest.
        thread_growth: Median of the last tenth less that of the first.
        fd_range: Highest less lowest.
        fd_growth: As for threads.
    """

    rss_range_mib: float
    pss_range_mib: float
    rss_slope_mib_per_h: float
    rss_mib: float
    pss_mib: float
    thread_range: int
    thread_growth: int
    fd_range: int
    fd_growth: int


def look(pid: int, at_s: float) -> Vitals:
    """A process now; raises ``OSError`` where it has ended."""
    folder = Path(f"/proc/{pid}")
    rollup = _fields(folder / "smaps_rollup")
    threads = _fields(folder / "status")["Threads"]
    files = sum(1 for _ in (folder / "fd").iterdir())
    return Vitals(at_s, rollup["Rss"] / _KIB_PER_MIB, rollup["Pss"] / _KIB_PER_MIB, threads, files)


def cpu_s(*pids: int) -> float:
    """User and system time of processes so far (proc(5), ``stat``), in seconds, without their children's."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def flatness(looks: Sequence[Vitals]) -> Flatness:
    """How flat a process was; at least two looks."""
    at, rss, pss, threads, files = np.array(looks, dtype=np.float64).T
    return Flatness(
        rss_range_mib=round(float(np.ptp(rss)), 2),
        pss_range_mib=round(float(np.ptp(pss)), 2),
        rss_slope_mib_per_h=round(float(np.polyfit(at - at[0], rss, 1)[0]) * 3600, 2),
        rss_mib=round(float(np.median(rss)), 1),
        pss_mib=round(float(np.median(pss)), 1),
        thread_range=int(np.ptp(threads)),
        thread_growth=_growth(threads),
        fd_range=int(np.ptp(files)),
        fd_growth=_growth(files),
    )


def _growth(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> int:
    tenth = max(1, len(values) // 10)
    return round(float(np.median(values[-tenth:]) - np.median(values[:tenth])))


def _fields(path: Path) -> dict[str, int]:
    """The numbers of a ``Name:  number …`` file."""
    found = {}
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()[0] if rest.split() else ""
        if number.isdigit():
            found[name] = int(number)
    return found
