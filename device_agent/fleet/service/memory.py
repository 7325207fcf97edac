"""IoT Jobs in memory: for tests and rehearsals.

It keeps the rules of ``ledger``, and misbehaves on demand as the real one does: it is away, it is silent, it refuses,
it forgets to answer what it has done, and tells the same thing twice.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from device_agent.fleet.service.ledger import Ledger
from device_agent.fleet.service.port import Execution, RefusedError, State, Tell, UnansweredError, Update

T = TypeVar("T")


@dataclass
class MemoryJobs:
    """See ``device_agent.fleet.service.port.JobsService``.

    Attributes:
        ledger: What the service knows.
        reachable: Whether there is a link.
        deaf: Questions that do not arrive, from now on.
        mute: Questions that are heeded, and not answered.
        refusals: Codes with which the next updates are refused, in order.
        largest: Bytes of an answer that still comes through; 0 for any.
        tells_twice: Whether each hint comes twice.
    """

    ledger: Ledger = field(default_factory=Ledger)
    reachable: bool = True
    deaf: int = 0
    mute: int = 0
    refusals: list[str] = field(default_factory=list)
    largest: int = 0
    tells_twice: bool = False
    _connects: int = 1
    _tell: Tell = lambda _: None

    def __post_init__(self) -> None:
        self.ledger.on_change(self.hint)

    @property
    def connects(self) -> int:
        """See ``JobsService``."""
        return self._connects if self.reachable else -1

    def cut(self) -> None:
        """The link goes."""
        self.reachable = False

    def restore(self) -> None:
        """It is back."""
        self.reachable = True
        self._connects += 1

    def listen(self, tell: Tell) -> None:
        """See ``JobsService``."""
        self._tell = tell

    def hint(self) -> None:
        """Tells what is open, as after a change."""
        if self.reachable:
            for _ in range(1 + self.tells_twice):
                self._tell(frozenset((each.job_id, each.number) for each in self.ledger.open()))
                self._tell(None)

    def describe(
        self, job_id: str = "", execution_number: int = 0, *, whole: bool = True
    ) -> "Future[Execution | None]":
        """See ``JobsService``."""
        return self._answer(lambda: self._described(job_id, execution_number, whole=whole))

    def update(self, job_id: str, update: Update) -> "Future[State]":
        """See ``JobsService``."""

        def heed() -> State:
            if self.refusals:
                raise RefusedError(f"{job_id}/update", code=self.refusals.pop(0))
            return self.ledger.update(job_id, update)

        return self._answer(heed)

    def _described(self, job_id: str, execution_number: int, *, whole: bool) -> Execution | None:
        found = self.ledger.describe(job_id, execution_number) if job_id else self.ledger.next()
        return found if whole or found is None else msgspec.structs.replace(found, job_document=None)

    def _answer(self, question: Callable[[], T]) -> "Future[T]":
        answer: Future[T] = Future()
        if not self.reachable:
            answer.set_exception(UnansweredError("not connected"))
        elif self.deaf:
            self.deaf -= 1
        else:
            try:
                said = question()
            except RefusedError as exc:
                answer.set_exception(exc)
                return answer
            is_too_large = self.largest and len(msgspec.json.encode(said)) > self.largest
            if self.mute or is_too_large:
                self.mute = max(0, self.mute - 1)
            else:
                answer.set_result(said)
        return answer
