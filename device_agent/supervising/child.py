"""One child process: started, asked how it is, ended with everything that it started.

Three ties hold it: the kernel sends it SIGTERM when the supervisor dies (``device_agent.tether``), it leads a process
group that is ended as a whole, and who it is stands in a file, so that a supervisor that comes after a killed one ends
what is left. A process is known by its id *and* its start time: ids are given out again.

Not here: when it is started or ended (``ward``).
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

_TETHER: Final = Path(__file__).resolve().parents[1] / "tether.py"
_GONE: Final = -1
"""Exit code of a child that somebody else has waited for."""


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A process.

    Attributes:
        pid: Its id, also that of its group and session.
        ticks: When it started, in clock ticks since boot (proc(5), ``starttime``).
        wall_s: The same as Unix seconds.
    """

    pid: int
    ticks: int
    wall_s: float


def start(command: Sequence[str], *, environment: Mapping[str, str]) -> Child:
    """Starts a command whose first word is an absolute path; its output is the supervisor's.

    Call it from the thread that lives as long as the child should: the kernel ties the child to that one.

    Raises:
        OSError: It cannot be started.
    """
    words = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command]
    wall_s = time.time()
    pid = os.posix_spawn(
        words[0],
        words,
        environment,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE],
    )
    return Child(pid=pid, ticks=_ticks(pid) or 0, wall_s=wall_s)


def exit_code(child: Child) -> int | None:
    """``None`` while it runs; negative for a signal. It is asked once after the end."""
    try:
        pid, status = os.waitpid(child.pid, os.WNOHANG)
    except ChildProcessError:
        return None if is_alive(child) else _GONE
    return os.waitstatus_to_exitcode(status) if pid else None


def is_alive(child: Child) -> bool:
    """Whether this very process is there, and not only its remains."""
    return _ticks(child.pid) == child.ticks


def terminate(child: Child) -> None:
    """Asks it to end."""
    if is_alive(child):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)


def kill(child: Child) -> None:
    """Ends it and its group at once; a group whose leader has ended is ended, too."""
    if is_alive(child) or _ticks(child.pid) is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def end_left_behind(child: Child, *, within_s: float) -> bool:
    """Ends a child of a supervisor that is no more; whether there was one."""
    if not is_alive(child):
        return False
    terminate(child)
    os_end_s = time.monotonic() + within_s
    while is_alive(child) and time.monotonic() < os_end_s:
        time.sleep(0.05)
    kill(child)
    return True


def _ticks(pid: int) -> int | None:
    """When a process started; ``None`` where there is none that runs."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
