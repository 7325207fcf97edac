"""Runs a command that ends when its starter ends, however that ends.

``python tether.py PARENT_PID COMMAND…`` asks the kernel for a SIGTERM at the death of the parent (prctl(2),
``PR_SET_PDEATHSIG``; kept across execve(2)) and becomes the command: same process, same id, nothing in between.
It is run as a file with the standard library alone, so that it costs milliseconds.

The kernel means the *thread* that started the child: start tethered children from a thread that lives as
long as they should. Where there is no prctl (not Linux) the command runs untethered.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Tethers, then becomes the command; returns only by an exception."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        raise SystemExit(1)
    os.execv(command[0], command)  # noqa: S606 - the command comes from our own code, never from a shell


if __name__ == "__main__":
    main(sys.argv[1:])
