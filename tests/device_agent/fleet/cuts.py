"""A gateway that may lose its power at any write and any question, and a service that has its days."""

import contextlib
import threading
import time
from pathlib import Path

from device_agent import fault_points
from device_agent.fleet.port import Outcome
from device_agent.fleet.service.memory import MemoryJobs
from tests.device_agent.fleet.rig import DONE, Hand, Rig

ENDS_S = 20.0


class Cut(BaseException):
    """The power goes."""


class Power:
    """Counts the places where it may go; after it went, nothing of that process does anything any more.

    Attributes:
        after: Places that are passed before it goes; ``None`` for never.
        places: Those that were reached.
    """

    def __init__(self) -> None:
        self.after: int | None = None
        self.places: list[str] = []
        self.is_gone = False
        self._mutex = threading.Lock()

    def reach(self, place: str) -> None:
        with self._mutex:
            self.places.append(place)
            if self.after is not None:
                self.is_gone = self.is_gone or self.after == 0
                self.after -= 1
            if self.is_gone:
                raise Cut


class CutJobs(MemoryJobs):
    """The power may go before a question and after its answer was made."""

    power = Power()

    def _answer(self, question):
        self.power.reach("question")
        answer = super()._answer(question)
        self.power.reach("answer")
        return answer


class DurableHand(Hand):
    """Its effects stay over a cut, and it looks whether they are there: so it can be gone on with."""

    def __init__(self, power: Power) -> None:
        super().__init__()
        self._power = power
        self.statuses: list[str] = []
        self.status_of = lambda *_: "IN_PROGRESS"

    def perform(self, task) -> Outcome:
        self._power.reach("before the effect")
        if task.cancelled.is_set():
            return Outcome(status="FAILED", reason="taken back")
        self.effects.append((task.job_id, task.execution_number, task.step))
        self._power.reach("after the effect")
        return DONE

    def resume(self, task) -> Outcome:
        done = (task.job_id, task.execution_number, task.step) in self.effects
        return DONE if done else self.perform(task)


class Plant:
    """One gateway over all of its lives.

    Attributes:
        rig: Of the present life.
        lives: Processes so far.
    """

    def __init__(self, folder: Path) -> None:
        self.power = Power()
        self.service = CutJobs()
        self.service.power = self.power
        self.hand = DurableHand(self.power)
        self.lives = 1
        fault_points.install(self._reach)
        self.rig = Rig(folder, self.hand, service=self.service)

    def _reach(self, name: str) -> None:
        self.power.reach(name)

    def close(self) -> None:
        fault_points.install(lambda _: None)
        self.rig.stop.set()
        self.rig.engine.end(ENDS_S)

    def live(self, cuts: list[int]) -> None:
        """Until every execution is over here and there; at each number of places more, the power goes once."""
        left = list(cuts)
        self.power.after = left.pop(0) if left else None
        deadline = time.monotonic() + ENDS_S
        while not self._is_over():
            assert time.monotonic() < deadline, (self.power.places[-10:], self.rig.journal.entries())
            with contextlib.suppress(Cut):
                self.rig.look()
            if self.power.is_gone:
                self._revive(left.pop(0) if left else None)
            time.sleep(0.0005)

    def _revive(self, after: int | None) -> None:
        attendance = self.rig.engine.entry and self.rig.engine
        if attendance:
            attendance.end(ENDS_S)  # its thread dies with the next thing that it does
        self.rig.stop.set()
        self.power.is_gone, self.power.after = False, after
        self.lives += 1
        self.rig.start()

    def _is_over(self) -> bool:
        there = all(each.status not in ("QUEUED", "IN_PROGRESS") for each in self.service.ledger.kept)
        here = all(each.phase == "told" for each in self.rig.journal.entries())
        return there and here and not self.rig.engine.entry
