"""Ends what a nucleus started when the nucleus is gone, however it went.

``python reaper.py`` reads lines from stdin: ``+123`` guards the process group 123, ``-123`` no longer. The end of the
input is the nucleus's end: every group that is still guarded is killed. Run as a file, with the standard library alone.
"""

import contextlib
import os
import signal
import sys
from typing import TextIO


def main(lines: TextIO) -> None:
    """Guards until the input ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.stdin)
