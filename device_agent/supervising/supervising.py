"""The supervisor's loop: wards, looks, requests, the watchdog. One thread does it all but the update itself.

Children are started by the main thread alone, since the kernel ties them to the thread that started them; the update's
thread asks (``restart``) and waits.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from device_agent import VERSION
from device_agent.fleet import restart_requests as requests
from device_agent.fleet.probe import reading
from device_agent.fleet.probe.look import Look
from device_agent.fleet.probe.watch import WorkProbe
from device_agent.status import StatusFile
from device_agent.supervising import child as processes
from device_agent.supervising.child import Child
from device_agent.supervising.notes import Notes, boot_id, read_notes, write_notes
from device_agent.supervising.programs import command_of, environment_for, release_in_use
from device_agent.supervising.status import SUPERVISE_STATUS, SuperviseStatus
from device_agent.supervising.systemd import ServiceManager
from device_agent.supervising.terms import Terms
from device_agent.supervising.ward import END_WITHIN_S, Duty, Ward, WardStatus

TICK_S: Final = 0.1
SAY_EVERY_S: Final = 1.0
_LEFT_BEHIND_S: Final = 6.0
_STATUS: Final = {"run": reading.RUN_STATUS, "agent": reading.AGENT_STATUS}

logger = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a supervisor works.

    Attributes:
        terms: See ``Terms``.
        config: Path of the document, absolute.
        renewed_from: See ``SuperviseStatus``.
    """

    terms: Terms
    config: str
    renewed_from: str = ""


class Supervising:
    """Keeps a gateway's processes. One thread calls ``tick`` and ``end``; ``restart`` is for others.

    Args:
        place: See there.
        manager: Who started this process.
        monotonic_s: Seconds, never going back.

    Attributes:
        probe: Of the work that the processes do.
        update: Phase of the update, for the status; set by who carries it.
    """

    def __init__(
        self,
        place: Place,
        manager: ServiceManager,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place, self._terms = place, place.terms
        self._manager, self._now = manager, monotonic_s
        self._environment: Mapping[str, str] = dict(os.environ)
        self._said = StatusFile(place.terms.folder / SUPERVISE_STATUS)
        self._noted: Notes | None = None
        self._say_at_s = monotonic_s()
        self._restarts_asked = self._failures = 0
        self._turns, self._served_turn = threading.Condition(), 0
        self._asked_turn = self._begun_turn = 0
        self.update: Callable[[], str] = str
        self._wards = self._take_over()
        self.probe = WorkProbe(self._look, place.terms.probe, monotonic_s=monotonic_s)

    def tick(self) -> None:
        """Everything once; called ten times a second."""
        self._heed_request()
        self._begin_restart()
        for ward in self._wards.values():
            ward.tick()
        self._serve_restart()
        self.probe.tick()
        self._note()
        if self._now() >= self._say_at_s:
            self._say_at_s = self._now() + SAY_EVERY_S
            self._said.write(msgspec.json.encode(self.status()))
            self._manager.tell("WATCHDOG=1")

    def restart(self, *, within_s: float) -> bool:
        """Has every process end and start from the release in use; whether all were started in time. Other threads."""
        with self._turns:
            self._asked_turn += 1
            mine = self._asked_turn
            return self._turns.wait_for(lambda: self._served_turn >= mine, within_s)

    def end(self) -> None:
        """Ends every process, in bounded time."""
        for ward in self._wards.values():
            ward.end()
        end_s = self._now() + END_WITHIN_S + 3
        while not all(ward.is_over for ward in self._wards.values()) and self._now() < end_s:
            for ward in self._wards.values():
                ward.tick()
            time.sleep(TICK_S / 2)
        self._note()
        self._said.close(msgspec.json.encode(self.status()))

    def hand_over(self) -> None:
        """Leaves the children to the program that this process becomes."""
        self._noted = None
        self._note()

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self._terms.folder

    def status(self) -> SuperviseStatus:
        """How it is now."""
        release = release_in_use(self._terms.install)
        return SuperviseStatus(
            gateway_id=self._terms.gateway,
            wall_ms=round(time.time() * 1000),
            pid=os.getpid(),
            version=VERSION,
            release=release.name if release else "",
            renewed_from=self._place.renewed_from,
            processes={name: ward.status for name, ward in self._wards.items()},
            update=self.update(),
            restarts_asked=self._restarts_asked,
            failures=self._failures,
        )

    @property
    def is_calm(self) -> bool:
        """Whether every process runs, and nothing is asked for."""
        return all(ward.is_settled for ward in self._wards.values()) and self._served_turn == self._asked_turn

    def _take_over(self) -> dict[str, Ward]:
        """Children of this very process go on: it became another program. Those of another one are ended."""
        notes = read_notes(self._terms.folder)
        ours = notes is not None and notes.supervisor == os.getpid()
        found = notes.children if notes else {}
        if not ours:
            for name, child in found.items():
                if processes.end_left_behind(child, within_s=_LEFT_BEHIND_S):
                    logger.warning("ward.left_behind", extra={"ward": name, "pid": child.pid})
        names = ("run", "agent") if self._terms.forwards else ("run",)
        return {
            name: self._ward(name, found.get(name) if ours else None, notes.wards.get(name) if notes else None)
            for name in names
        }

    def _ward(self, name: str, child: Child | None, counted: WardStatus | None) -> Ward:
        def start() -> Child:
            release = release_in_use(self._terms.install)
            command = command_of(release, (name, "--config", self._place.config))
            return processes.start(command, environment=environment_for(release, self._environment))

        duty = Duty(name, start, self._terms.folder / _STATUS[name], self._terms.supervise.hang_after_s)
        jitter = random.SystemRandom().random
        return Ward(duty, now_s=self._now, jitter=jitter, child=child, status=counted)

    def _heed_request(self) -> None:
        wanted = requests.asked(self._terms.folder)
        if not wanted:
            return
        try:
            requests.note_done(self._terms.folder, wanted)
        except OSError as exc:
            self._failures += 1
            logger.error("restart.unnoted", extra={"reason": str(exc)})  # noqa: TRY400 - its sentence says it all
            return
        logger.info("restart.asked", extra={"request": wanted})
        self._restarts_asked += 1
        with self._turns:
            self._asked_turn += 1

    def _begin_restart(self) -> None:
        if self._begun_turn < self._asked_turn:
            self._begun_turn = self._asked_turn
            for ward in self._wards.values():
                ward.restart()

    def _serve_restart(self) -> None:
        if self._served_turn < self._begun_turn and all(ward.is_settled for ward in self._wards.values()):
            with self._turns:
                self._served_turn = self._begun_turn
                self._turns.notify_all()

    def _look(self) -> Look:
        folder, children = self._terms.folder, {name: ward.child for name, ward in self._wards.items()}
        run, agent = children.get("run"), children.get("agent")
        return Look(
            at_s=self._now(),
            sensed=reading.sensed(folder, since_wall_s=run.wall_s) if run else None,
            forwarded=reading.forwarded(folder, since_wall_s=agent.wall_s) if agent else None,
            used={
                name: used
                for name, child in children.items()
                if child and (used := reading.used(child.pid)) is not None
            },
            ends=sum(ward.status.ends for ward in self._wards.values()),
            awaited=tuple(self._wards),
        )

    def _note(self) -> None:
        notes = Notes(
            boot_id=self._noted.boot_id if self._noted else boot_id(),
            supervisor=os.getpid(),
            children={name: ward.child for name, ward in self._wards.items() if ward.child},
            wards={name: ward.status for name, ward in self._wards.items()},
        )
        if notes != self._noted:
            self._failures += not write_notes(self._terms.folder, notes)
            self._noted = notes
