"""One life of the process that carries the machine: begun by fork(2), ended by its order's end or by a fault.

What survives it is what is in the place's folders, as after a power cut on a disk that wrote everything; unsynced
writes that are dropped are another trial (``cuts``).
"""

import contextlib
import errno
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from bench.updates.helpers import GOOD
from bench.updates.place import ORDER, Place
from contract.health import Health
from device_agent import fault_points
from device_agent.errors import SpoolError, UpdateError
from device_agent.fleet.update.bootstrap import UPDATE_THREAD, in_thread
from device_agent.fleet.update.port import SHIPPED, Verdict
from device_agent.spool.sqlite import SqliteSpool

SPOOL: Final = "spool.sqlite3"
ENDED: Final = 0
HUNG: Final = 7
STUCK: Final = 8
NOTHING_RUNS: Final = 9
WITHIN_S: Final = 20.0
_FILLER: Final = "filler"
_POLL_S: Final = 0.001
_AGES_S: Final = 1e6

Hook = Callable[[str], None]


class Clock:
    """Seconds, never going back; a hang takes ages at once."""

    def __init__(self) -> None:
        self.hung_s = 0.0

    def __call__(self) -> float:
        """Now."""
        return time.monotonic() + self.hung_s


class Fault(NamedTuple):
    """What happens at which place.

    Attributes:
        act: ``kill``, ``error``, ``broken disk``, ``hang``, ``full disk``.
        is_there: Whether a place is it, asked each time one is reached, with how often any was.
    """

    act: str
    is_there: Callable[[str, int], bool]


def at(number: int) -> Callable[[str, int], bool]:
    """The place that is reached as the so-many-th, from 0."""
    return lambda _, reached: reached == number


def named(name: str, times: int = 1, first: int = 1) -> Callable[[str, int], bool]:
    """A place by its name, a few times that it is reached, from the ``first`` of them on."""
    seen = [0]

    def is_there(reached: str, _: int) -> bool:
        seen[0] += reached == name
        return reached == name and first <= seen[0] < first + times

    return is_there


def live(place: Place, fault: Fault | None = None, verdict: Verdict = GOOD, note: list[str] | None = None) -> int:
    """Lets the machine live until the order is over, or the fault ends it.

    Args:
        place: Where.
        fault: What goes wrong; ``None`` for nothing.
        verdict: What the probe will find.
        note: Takes the names of the places that were reached, in their order.

    Returns:
        ``ENDED``, ``HUNG`` (ended because it was overdue), ``STUCK`` (ended by this harness), ``NOTHING_RUNS`` (no
        version was in use when it began), or minus a signal.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            _work(place, fault, verdict, writing if note is not None else None)
        except BaseException:
            logging.getLogger(__name__).exception("life")
            os._exit(99)
        os._exit(ENDED)
    os.close(writing)
    with os.fdopen(reading) as told:
        names = told.read().splitlines()
    if note is not None:
        note.extend(names)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _work(place: Place, fault: Fault | None, verdict: Verdict, told: int | None) -> None:
    place.submit()
    started = place.target.restart(place.name)  # a process that starts takes what the link names
    if started not in place.digests() and not (place.first and started == SHIPPED):
        os._exit(NOTHING_RUNS)
    clock = Clock()
    machine, stop = place.machine(verdict, clock), threading.Event()
    with contextlib.closing(opened(place.state)) as spool:
        accept(spool, place.ledger)
        fault_points.install(_Reaching(place, fault, clock, told))
        worker = in_thread(machine, stop)
        give_up_s = time.monotonic() + WITHIN_S
        while not _is_over(place, fault):
            if machine.is_overdue():
                os._exit(HUNG)
            if time.monotonic() > give_up_s or not worker.is_alive():
                os._exit(STUCK)
            with contextlib.suppress(SpoolError, OSError):  # what is not accepted is not promised
                accept(spool, place.ledger)
            time.sleep(_POLL_S)
        stop.set()
        worker.join()
    if place.target.running.get(place.name) != place.target.active(place.name):
        raise UpdateError("what runs is not what the link names")


def _is_over(place: Place, fault: Fault | None) -> bool:
    """With nothing wrong any more, what is still owed is waited for."""
    state = place.look()
    return ORDER in state.ended and not (fault is None and state.owed)


class _Reaching:
    """See ``device_agent.fault_points.install``."""

    def __init__(self, place: Place, fault: Fault | None, clock: Clock, told: int | None) -> None:
        self._place = place
        self._fault = fault
        self._clock = clock
        self._told = told
        self._reached = 0

    def __call__(self, name: str) -> None:
        """A place is reached; those of the gateway's own work are not meant."""
        if threading.current_thread().name != UPDATE_THREAD:
            return
        number, self._reached = self._reached, self._reached + 1
        if self._told is not None:
            os.write(self._told, f"{name}\n".encode())
        if self._fault is not None and self._fault.is_there(name, number):
            self._do(self._fault.act, name)

    def _do(self, act: str, name: str) -> None:
        if act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif act == "error":
            raise UpdateError(f"injected at {name}")
        elif act == "broken disk":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        elif act == "hang":
            self._clock.hung_s += _AGES_S
            threading.Event().wait()
        else:
            fill(self._place.folder)


def emptied(folder: Path) -> None:
    """Gives back what ``fill`` took."""
    (folder / _FILLER).unlink(missing_ok=True)


def fill(folder: Path) -> None:
    """Takes all that is free on a small disk."""
    with (folder / _FILLER).open("ab", buffering=0) as file:
        piece = bytes(1 << 16)
        while piece:
            try:
                file.write(piece)
            except OSError:
                piece = piece[: len(piece) // 2]


def opened(state: Path) -> SqliteSpool:
    """The gateway's spool."""
    return SqliteSpool(
        state / SPOOL, reserve_bytes=0, hardware="machine", new_id=lambda: f"{random.getrandbits(64):016x}"
    )


def accept(spool: SqliteSpool, ledger: Path) -> None:
    """What the gateway's work is: an event is accepted, and once it is, noted outside the spool."""
    number = random.getrandbits(48)
    event = Health(wall_ms=number, monotonic_ms=0, version="1", uptime_ms=0, interval_ms=60_000, sensors={})
    spool.append("boot", [event])
    with ledger.open("ab", buffering=0) as file:
        file.write(number.to_bytes(8, "big"))


def accepted(ledger: Path) -> list[int]:
    """Numbers of the events that were accepted."""
    noted = ledger.read_bytes() if ledger.exists() else b""
    return [int.from_bytes(noted[at : at + 8], "big") for at in range(0, len(noted) // 8 * 8, 8)]
