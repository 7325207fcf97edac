"""A program that is run to find out whether something can be used: bounded, out of the way, and ended whole.

Not here: what is tried (``trial_model``, ``trial_configuration``, ``application``).
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Final

from device_agent.errors import UpdateError

_NICE: Final = 10
_TAIL: Final = 600


def attempt(command: Sequence[str], *, what: str, within_s: float) -> str:
    """Runs it to its end; returns what it printed.

    Args:
        command: The program and its words; no shell.
        what: Is tried, for the message.
        within_s: It may take so long; then it and all that it started is ended.

    Raises:
        UpdateError: It failed; with the end of what it said on stderr.
    """
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in {"NOTIFY_SOCKET", "WATCHDOG_USEC"}},
        )
    except OSError as exc:
        raise UpdateError(f"{what}: {command[0]}: {exc.strerror or exc}") from exc
    with child:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)  # sensing comes first
        try:
            said, complained = child.communicate(timeout=within_s)
        except subprocess.TimeoutExpired as exc:
            raise UpdateError(f"{what}: not done within {within_s:g} s") from exc
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
    if child.returncode:
        tail = " ".join(complained.decode(errors="replace").split())[-_TAIL:]
        raise UpdateError(f"{what}: {tail or f'exit status {child.returncode}'}")
    return said.decode(errors="replace")
