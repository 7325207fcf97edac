"""Runs one program and answers for all it starts: when it ends, times out or is taken back, nothing of it is left.

``python keeper.py ORDER`` is a process of its own with the standard library alone. It adopts what the program orphans
(prctl(2), ``PR_SET_CHILD_SUBREAPER``), so that also a grandchild in a session of its own is found by its ancestry. Its
stdin is a tether: when that ends, by its starter's wish or death, everything is ended. How it went is written as one
JSON object to the order's ``report`` descriptor; the program has stdout and stderr to itself.

Not covered: what a program running as the keeper's own user does to the keeper, and what it has other services do.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SWEEP_S = 5.0
_TURN_S = 0.01


def main(order: dict[str, Any]) -> None:
    """Runs the program of an order to its end; see ``running.Order``."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told, tell = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(tell, b"."))
    how: dict[str, Any]
    try:
        child = subprocess.Popen(
            order["argv"],
            executable=order["executable"],
            stdin=subprocess.DEVNULL,
            pass_fds=order["fds"],
            env=order["environment"] | {name: os.environ[name] for name in order["hidden"]},
            cwd="/",
            start_new_session=True,
            preexec_fn=_die_with_keeper,  # noqa: PLW1509 - there is one thread
            **order["account"],
        )
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        how = {"ended": "not begun", "problem": getattr(exc, "strerror", "") or str(exc)}
    else:
        _leave_pipes()
        how = _watch(child, told, order)
    os.write(order["report"], json.dumps(how).encode())


def _die_with_keeper() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _leave_pipes() -> None:
    """Only the program and its own hold stdout and stderr from now on."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


def _watch(child: "subprocess.Popen[bytes]", told: int, order: dict[str, Any]) -> dict[str, Any]:
    watched = os.pidfd_open(child.pid)
    ready, _, _ = select.select([watched, 0, told], [], [], order["timeout_s"])
    ended = "by itself" if watched in ready else "taken back" if ready else "timed out"
    if ended != "by itself":
        _signal(signal.SIGTERM)
        select.select([watched], [], [], order["grace_s"])
    if not select.select([watched], [], [], 0)[0]:
        os.kill(child.pid, signal.SIGKILL)
    _, status = os.waitpid(child.pid, 0)
    child.returncode = code = os.waitstatus_to_exitcode(status)
    return {"ended": ended, "code": code, "left_over": _sweep()}


def _sweep() -> int:
    """Ends every descendant; returns how many there were."""
    ended: set[int] = set()
    until = time.monotonic() + _SWEEP_S
    while (alive := _signal(signal.SIGKILL)) and time.monotonic() < until:
        ended |= alive
        _reap()
        time.sleep(_TURN_S)
    _reap()
    return len(ended)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _signal(which: signal.Signals) -> set[int]:
    """Sends a signal to every living descendant; returns them."""
    found = _descendants()
    for pid in found:
        try:
            os.kill(pid, which)
        except (ProcessLookupError, PermissionError):
            continue
    return found


def _descendants() -> set[int]:
    parents = dict(_processes())
    found: set[int] = set()
    level = {os.getpid()}
    while level := {pid for pid, parent in parents.items() if parent in level}:
        found |= level
    return found


def _processes() -> "list[tuple[int, int]]":
    """Every process that is no zombie, with its parent (proc(5), ``/proc/pid/stat``)."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would cost half of the start
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - same
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
            except OSError:
                continue
            if state != b"Z":
                found.append((int(name), int(parent)))
    return found


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
