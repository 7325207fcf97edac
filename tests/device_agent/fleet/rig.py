"""A gateway's engine beside IoT Jobs in memory, and performers that do as they are told."""

import random
import threading
import time
from pathlib import Path

from contract.jobs import Recalibrate, Restart
from device_agent.config.fleet_jobs import JobsConfig
from device_agent.fleet.asking import Asker
from device_agent.fleet.engine import Engine
from device_agent.fleet.jobs import Jobs, Patience
from device_agent.fleet.journal import Journal
from device_agent.fleet.judging import Judge
from device_agent.fleet.limits import Limits
from device_agent.fleet.port import Interrupted, Outcome, Performers
from device_agent.fleet.service.memory import MemoryJobs
from device_agent.uplink.pacing import Backoff

DONE = Outcome(status="SUCCEEDED")
WAIT_S = 10.0
LIMITS = Limits(ask_every_s=600)
QUIET = Limits(ask_every_s=600, tell_every_s=1e9)
"""Nothing is said of progress, so that what goes wrong next happens to an end."""


def document(*names: str, kind: str = "recalibrate", **more) -> dict:
    """A job document with a step for each name."""
    return {"version": "1.0", "steps": [{"action": {"name": name, "type": kind}} for name in names], **more}


class Hand:
    """A performer that notes what it did.

    Attributes:
        effects: What was done, as (job, execution, step), in order; ``undone`` likewise.
        script: Called with each task; by default it succeeds.
        resumes: Likewise for what goes on; by default it was done already.
        refuses: Why nothing can be done here.
    """

    def __init__(self, script=lambda _: DONE, *, resumes=lambda _: DONE) -> None:
        self.effects: list[tuple[str, int, int]] = []
        self.resumed: list[tuple[str, int, int]] = []
        self.script, self.resumes, self.refuses = script, resumes, ""

    def refusal(self, _):
        return self.refuses

    def perform(self, task):
        self.effects.append((task.job_id, task.execution_number, task.step))
        return self.script(task)

    def resume(self, task):
        self.resumed.append((task.job_id, task.execution_number, task.step))
        return self.resumes(task)


class Gate:
    """A script that stands still until it is opened, taken back or interrupted."""

    def __init__(self, outcome=DONE) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.outcome = outcome
        self.task = None

    def __call__(self, task):
        self.task = task
        self.reached.set()
        until(lambda: self.opened.is_set() or task.cancelled.is_set() or task.stop.is_set())
        if task.stop.is_set():
            raise Interrupted
        if task.cancelled.is_set():
            return Outcome(status="FAILED", reason="undone")
        return self.outcome


def until(wanted, *, within_s: float = WAIT_S):
    deadline = time.monotonic() + within_s
    while not (found := wanted()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return found


class Gateway:
    """All of it as it runs beside the forwarder, with its own threads, on a world's uplink; a context manager.

    Args:
        world: Where its jobs come from.
        folder: For the journal.
        hand: Carries out ``recalibrate``.
        performers: And who else does what.
        unheard_after: See ``Limits``.
    """

    def __init__(
        self, world, folder: Path, hand: Hand, performers: Performers | None = None, *, unheard_after=0
    ) -> None:
        self.world, self.hand = world, hand
        self.jobs = Jobs(
            world.uplink,
            world.thing,
            Judge({Recalibrate: hand, **(performers or {})}),
            config=JobsConfig(),
            folder=folder,
            status_file=folder / "fleet-status.json",
            monotonic_s=time.monotonic,
            patience=Patience(2.0, 0.2, 1.0, answer_s=0.3, tell_every_s=0.5, unheard_after=unheard_after),
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.jobs.run, args=(self._stop,))

    def __enter__(self):
        self.world.uplink.connect(self.jobs.hears(), lambda: None)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    @property
    def effects(self):
        return self.hand.effects

    def until_told(self, count: int) -> None:
        """Until so many ends are known on both sides."""
        ends = ("succeeded", "failed", "rejected")
        until(lambda: sum(self.jobs.counters.get(f"jobs.{end}", 0) for end in ends) >= count, within_s=20)


class Rig:
    """One gateway; ``restart`` is a process's end and the next one's start.

    Attributes:
        now_s: The gateway's monotonic time; each look at the engine takes a second of it.
    """

    def __init__(
        self,
        folder: Path,
        hand: Hand | None = None,
        *,
        service: MemoryJobs | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.folder, self.service, self.hand = folder, service or MemoryJobs(), hand or Hand()
        self.performers = {Recalibrate: self.hand, Restart: self.hand}
        self.limits = limits
        self.now_s = 0.0
        self.meant = lambda _: ""
        self.start()

    @property
    def ledger(self):
        return self.service.ledger

    def start(self) -> None:
        self.stop = threading.Event()
        self.journal = Journal(self.folder)
        self.asker = Asker(self.service, self.stop, answer_s=0.02)
        self.engine = Engine(
            self.service,
            self.asker,
            self.journal,
            Judge(self.performers, self._is_meant),
            limits=self.limits,
            backoff=Backoff(first_s=2, last_s=60, source=random.Random(3)),  # noqa: S311 - a seed makes the same waits each time
            monotonic_s=lambda: self.now_s,
            stop=self.stop,
        )

    def _is_meant(self, parsed):
        return self.meant(parsed)

    def restart(self) -> None:
        self.stop.set()
        self.engine.end(WAIT_S)
        self.start()

    def look(self, times: int = 1) -> None:
        """The engine does what is due, second after second."""
        for _ in range(times):
            self.now_s += 1
            self.engine.step()

    def until(self, wanted) -> object:
        return until(lambda: self.look() or wanted())

    def status(self, job_id: str, number: int = 0) -> str:
        return self.ledger.of(job_id, number).status

    def until_over(self, *job_ids: str) -> None:
        """Until the service knows how they ended, and the gateway knows that."""
        self.until(lambda: all(self.status(each) not in ("QUEUED", "IN_PROGRESS") for each in job_ids))
        self.until(lambda: not self.engine.entry and not self.engine.outbox.waiting())
