"""Runs a program under its keeper: both pipes are drained as they fill, and it ends when it must.

Not here: whether it may run (``programs``, ``accounts``), what its end means (``performing``).
"""

import contextlib
import os
import selectors
import subprocess
import sys
import threading
import time
from typing import IO, Any, Final, Literal

import msgspec

from device_agent.fleet.commands import keeper
from device_agent.fleet.commands.accounts import Account
from device_agent.fleet.commands.output import Tail
from device_agent.fleet.commands.programs import Program

_TURN_S: Final = 0.1
_KEEPER_S: Final = 30.0
"""A keeper that has not ended so long after it should have is ended itself."""

_DRAIN_S: Final = 1.0
"""For what is still in the pipes when the keeper has ended."""

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a program may run, and what ends it before.

    Attributes:
        timeout_s: The longest.
        cancelled: Somebody does not want it any more.
        stop: This process ends.
        grace_s: Between asking a program to end and ending it.
    """

    timeout_s: float
    grace_s: float
    cancelled: threading.Event
    stop: threading.Event


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a keeper says.

    Attributes:
        ended: Why it is over; ``lost`` if the keeper itself was ended.
        code: Exit status; negative for a signal.
        left_over: Processes that it left running, and that were ended.
        problem: Why it could not begin.
    """

    ended: Literal["by itself", "timed out", "taken back", "not begun", "lost"]
    code: int = -1
    left_over: int = 0
    problem: str = ""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended.

    Attributes:
        report: What its keeper says.
        stdout: The end of what it wrote there.
        stderr: The same of its other stream.
        stderr_lines: How many lines were on that.
    """

    report: Report
    stdout: str
    stderr: str
    stderr_lines: int


def run(
    program: Program,
    account: Account,
    *,
    environment: dict[str, str],
    limits: Limits,
    hidden: dict[str, str] | None = None,
) -> Ended:
    """Runs a program to its end. Blocks, a little longer than its time limit at most.

    ``hidden`` is more of its environment, that no command line shows.
    """
    told, tell = os.pipe()
    try:
        kept = _begin(program, account, environment=environment, limits=limits, report=tell, hidden=hidden or {})
    finally:
        os.close(tell)
    with kept, os.fdopen(told, "rb", buffering=0) as report:
        try:
            return _drain(kept, report, limits)
        finally:
            if kept.poll() is None:
                kept.kill()


def _begin(
    program: Program,
    account: Account,
    *,
    environment: dict[str, str],
    limits: Limits,
    report: int,
    hidden: dict[str, str],
) -> "subprocess.Popen[bytes]":
    fds = [] if program.fd is None else [program.fd]
    order = {
        "argv": program.argv,
        "executable": program.executable,
        "fds": fds,
        "environment": _environment(account) | environment,
        "hidden": [*hidden],
        "account": _as(account),
        "timeout_s": limits.timeout_s,
        "grace_s": limits.grace_s,
        "report": report,
    }
    return subprocess.Popen(
        [sys.executable, "-I", "-S", keeper.__file__, msgspec.json.encode(order).decode()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[*fds, report],
        env={"PATH": _PATH, **hidden},
        start_new_session=True,
    )


def _as(account: Account) -> dict[str, Any]:
    if not account.becomes:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": account.groups}


def _environment(account: Account) -> dict[str, str]:
    """Nothing of the agent's own, which may hold secrets."""
    return {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": account.home, "USER": account.name, "LOGNAME": account.name}


def _drain(kept: "subprocess.Popen[bytes]", report: IO[bytes], limits: Limits) -> Ended:
    out, err, said = Tail(), Tail(), Tail()
    deadline = time.monotonic() + limits.timeout_s + limits.grace_s + _KEEPER_S
    with selectors.DefaultSelector() as streams:
        for stream, tail in ((kept.stdout, out), (kept.stderr, err), (report, said)):
            streams.register(stream, selectors.EVENT_READ, tail)  # type: ignore[arg-type]
        while streams.get_map() and time.monotonic() < deadline:
            if (limits.cancelled.is_set() or limits.stop.is_set()) and kept.stdin and not kept.stdin.closed:
                kept.stdin.close()
            if kept.poll() is not None:
                deadline = min(deadline, time.monotonic() + _DRAIN_S)
            _take(streams)
    return Ended(report=_reported(said), stdout=out.text(), stderr=err.text(), stderr_lines=err.lines)


def _take(streams: selectors.BaseSelector) -> None:
    for key, _ in streams.select(_TURN_S):
        piece = os.read(key.fd, 65536)
        key.data.take(piece)
        if not piece:
            streams.unregister(key.fileobj)


def _reported(said: Tail) -> Report:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(said.text(), type=Report)
    return Report(ended="lost")
