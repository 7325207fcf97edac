"""A life of a spool that a power cut interrupts, and what must be true afterwards.

The workload is the product's own spool, twice on one file as in the field: one appends, one forwards. What it
accepted and what the cloud received is noted with the number of disk steps done by then, so that for any cut it is
known what had been promised and what had arrived.
"""

import contextlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from bench.powercut.cloud import Cloud, EventId
from bench.powercut.disk import Disk
from bench.powercut.numbers import Numbers
from bench.powercut.recording import Recording, record
from contract.events import LANES
from device_agent.errors import SpoolError
from device_agent.spool.export import quarantined
from device_agent.spool.limits import DEFAULT, Limits
from device_agent.spool.requeue import requeue
from device_agent.spool.sqlite import SqliteSpool

SPOOL: Final = "spool.sqlite3"
TIGHT: Final = Limits(DEFAULT.lanes, 24 * 1024)
"""So little that the workload's long silence of the cloud goes above it."""

_ROUNDS: Final = 260
_PILED: Final = 40
_SILENCE: Final = range(120, 190)
_FORWARDS: Final = 0.4
_FORGETS: Final = 0.7
_TELLS: Final = 0.05
_REFUSES: Final = 0.03
_RETRIES: Final = 0.5
_RESTARTS: Final = 0.02
"""Shares of the rounds in which something happens."""


class Moment(NamedTuple):
    """One promise or arrival.

    Attributes:
        steps: Disk steps done by then.
        accepted: Event by id that the spool accepted.
        arrived: An envelope, or empty.
    """

    steps: int
    accepted: dict[EventId, int]
    arrived: bytes = b""


class Past(NamedTuple):
    """What happened before a cut: accepted by whom, arrived where."""

    accepted: dict[EventId, int]
    cloud: Cloud

    def until(self, moments: list[Moment], steps: int) -> "Past":
        """With what happened within the first ``steps``."""
        accepted, cloud = dict(self.accepted), self.cloud.copy()
        for moment in moments:
            if moment.steps <= steps:
                accepted |= moment.accepted
                if moment.arrived:
                    cloud.receive(moment.arrived)
        return Past(accepted, cloud)


class Watched:
    """A cloud and a ledger that note when things happened."""

    def __init__(self, folder: Path, past: Past, position: Callable[[], int], numbers: Numbers) -> None:
        self.folder = folder
        self.moments: list[Moment] = []
        self._position = position
        self.numbers = numbers
        self.cloud = past.cloud.copy()

    def append(self, spool: SqliteSpool, source: random.Random) -> None:
        """A few events of several lanes, in one transaction."""
        events = [self.numbers.event(source) for _ in range(source.randint(1, 4))]
        places = spool.append("boot", events)
        ids = {EventId(spool.spool_id, *place): event.wall_ms for place, event in zip(places, events, strict=True)}
        self.moments.append(Moment(self._position(), ids))

    def forward(self, spool: SqliteSpool, source: random.Random) -> None:
        """Sends a block or two of each lane and forgets what the cloud has, or part of it."""
        for lane in DEFAULT.lanes:
            after = self.cloud.through(spool.spool_id, lane)
            for _ in range(source.randint(0, 3)):
                block = spool.take(lane, after=after, partial=True)
                if block is None:
                    break
                self._send(block.envelope("gateway"))
                after = block.first_seq
            if source.random() < _FORGETS:
                spool.forget(lane, self.cloud.through(spool.spool_id, lane))

    def refuse(self, spool: SqliteSpool, source: random.Random) -> None:
        """The cloud will not take a block that it does not have; sometimes an operator sends its events again."""
        lane = source.choice(LANES)
        block = spool.take(lane, after=self.cloud.through(spool.spool_id, lane), partial=True)
        if block is None or EventId(spool.spool_id, lane, block.first_seq) in self.cloud.events:
            return
        spool.give_up(lane, block.first_seq, block.last_seq, "refused")
        if source.random() < _RETRIES:
            self._retry(spool.spool_id)

    def _retry(self, spool_id: str) -> None:
        path = self.folder / SPOOL
        numbers = {kept.number: json.loads(bytes(kept.event or b"{}"))["wall_ms"] for kept in quarantined(path)}
        done = requeue(path, None, new_id=self.numbers.spool_id, wall_ms=self.numbers.wall_ms)
        ids = {EventId(spool_id, one.lane, one.seq): numbers[one.number] for one in done if one.seq is not None}
        self.moments.append(Moment(self._position(), ids))

    def _send(self, payload: bytes) -> None:
        self.moments.append(Moment(self._position(), {}, payload))
        self.cloud.receive(payload)


def live(watched: Watched, source: random.Random) -> None:
    """The whole workload: appending, forwarding, a silent cloud that fills the spool, restarts."""
    with contextlib.ExitStack() as cleanup:
        appender, forwarder = open_spool(watched, cleanup), open_spool(watched, cleanup)
        for number in range(_ROUNDS):
            watched.append(appender, source)
            if number not in _SILENCE and source.random() < _FORWARDS:
                watched.forward(forwarder, source)
            if source.random() < _REFUSES:
                watched.refuse(forwarder, source)
            if source.random() < _TELLS:
                appender.tell_losses("boot", wall_ms=-number - 1, monotonic_ms=0)
            if source.random() < _RESTARTS:
                cleanup.close()
                appender, forwarder = open_spool(watched, cleanup), open_spool(watched, cleanup)


def pile_up(watched: Watched, source: random.Random) -> None:
    """A backlog: what damage costs is on pages that hold events."""
    with contextlib.ExitStack() as cleanup:
        spool = open_spool(watched, cleanup)
        for _ in range(_PILED):
            watched.append(spool, source)


def recover(watched: Watched, source: random.Random) -> None:
    """What both processes do first after a cut; where the spool cannot be used, the reckoning will say so."""
    with contextlib.ExitStack() as cleanup, contextlib.suppress(SpoolError):
        appender, forwarder = open_spool(watched, cleanup), open_spool(watched, cleanup)
        for _ in range(3):
            watched.append(appender, source)
            watched.forward(forwarder, source)


def open_spool(watched: Watched, cleanup: contextlib.ExitStack) -> SqliteSpool:
    """The product's spool in the story's folder, closed with ``cleanup``."""
    spool = SqliteSpool(
        watched.folder / SPOOL,
        limits=TIGHT,
        reserve_bytes=0,
        hardware="machine",
        new_id=watched.numbers.spool_id,
        wall_ms=watched.numbers.wall_ms,
        monotonic_s=lambda: 0.0,
    )
    return cleanup.enter_context(contextlib.closing(spool))


def recorded(
    folder: Path, past: Past, numbers: Numbers, run: Callable[[Watched], None]
) -> tuple[Recording, Disk, list[Moment]]:
    """Runs part of a story in a folder; returns its disk as it was before, what was done to it, and the moments."""
    disk = Disk(folder)
    with record(folder) as recording:
        watched = Watched(folder, past, recording.position, numbers)
        run(watched)
    return recording, disk, watched.moments


def emptied(folder: Path) -> Path:
    """The same folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
