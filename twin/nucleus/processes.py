"""Processes of components: each leads a process group of its own, and none outlives the nucleus.

Three ties hold a process: the kernel ends it with the thread that started it (``device_agent.tether``), its whole group
is stopped when its component is, and a keeper process kills every group if the nucleus itself is killed.
Not here: when something is started or stopped (``lifecycle``).
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import psutil

from device_agent import tether
from twin.nucleus import reaper
from twin.nucleus.logs import ComponentLog

_PUMP_S: Final = 2.0
_POLL_S: Final = 0.02
_LINE_BYTES: Final = 16 * 1024
"""Longer lines are written in parts."""


class Keeper:
    """The process that kills groups after the nucleus; one a nucleus."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", reaper.__file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, bufsize=1, start_new_session=True)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Ends it; every group that it still watches ends too. A second call does nothing."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(_PUMP_S)

    def watch(self, group: int) -> None:
        """From now on."""
        self._say(f"+{group}")

    def release(self, group: int) -> None:
        """It has ended."""
        self._say(f"-{group}")

    def _say(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.write(f"{line}\n")


class Running:
    """A script that runs.

    Args:
        script: For ``sh -c``.
        name: Of the step, for its lines in the log.
        environment: All of it.
        folder: Working folder.
        log: Takes what it writes, line by line.
        keeper: Kills it after the nucleus.
    """

    def __init__(
        self, script: str, *, name: str, environment: Mapping[str, str], folder: Path, log: ComponentLog, keeper: Keeper
    ) -> None:
        shell = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), "/bin/sh", "-c", script]
        self._keeper = keeper
        self._process = subprocess.Popen(
            shell,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            process_group=0,
        )
        keeper.watch(self.pid)
        self._pumps = [
            threading.Thread(target=_pump, args=(stream, f"{name}.{what}", log), name=f"log {name}", daemon=True)
            for what, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        for pump in self._pumps:
            pump.start()

    @property
    def pid(self) -> int:
        """Of the shell, or of what it became; also its group's."""
        return self._process.pid

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code, negative for a signal; ``None`` if it still runs after so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        return None

    def stop(self, grace_s: float) -> int:
        """SIGTERM to its group, then SIGKILL to what is left after ``grace_s``; returns its exit code.

        Children that it left behind are of its group and end too.
        """
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while self._alive() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        self.signal(signal.SIGKILL)
        code = self._process.wait()
        self.close()
        return code

    def close(self) -> None:
        """Waits for its last lines; what is left of its group is no longer watched."""
        for pump in self._pumps:
            pump.join(_PUMP_S)
        if not self._alive():
            self._keeper.release(self.pid)

    def signal(self, number: signal.Signals) -> None:
        """To its whole group; nothing where that has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _alive(self) -> bool:
        self._process.poll()
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return self._process.returncode is None or _has_living(self.pid)


def _has_living(group: int) -> bool:
    """Whether more than zombies is left of a group; nobody may be there to reap those."""
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(OSError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                return True
    return False


def _pump(stream: IO[bytes], source: str, log: ComponentLog) -> None:
    with stream:
        while line := stream.readline(_LINE_BYTES):
            log.write(source, line.decode(errors="replace").rstrip("\n"))
