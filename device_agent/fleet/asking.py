"""Asking IoT Jobs and waiting for the answer, for so long as the process is not told to end.

Not here: the question itself (``service``), what follows from a refusal (``refusals``).
"""

import threading
import time
from concurrent.futures import Future
from typing import Final, TypeVar

from device_agent.fleet.service.port import ANSWER_S, Execution, JobsService, State, UnansweredError, Update

_LOOK_EVERY_S: Final = 0.25

T = TypeVar("T")


class Asker:
    """Any thread may ask; each waits for its own answer.

    Args:
        service: IoT Jobs.
        stop: Ends every wait.
        answer_s: How long an answer may take.

    Attributes:
        unanswered: Questions without an answer so far.
    """

    def __init__(self, service: JobsService, stop: threading.Event, *, answer_s: float = ANSWER_S) -> None:
        self._service = service
        self._stop = stop
        self._answer_s = answer_s
        self.unanswered = 0

    def next(self, *, whole: bool = True) -> Execution | None:
        """What is next, if anything; ``whole`` is with its document.

        Raises:
            JobsError: It is not known.
        """
        return self._await(self._service.describe(whole=whole), "$next")

    def describe(self, job_id: str, execution_number: int) -> Execution | None:
        """One execution with its document.

        Raises:
            JobsError: It is not known, or not open any more.
        """
        return self._await(self._service.describe(job_id, execution_number), job_id)

    def update(self, job_id: str, update: Update) -> State:
        """Says how one goes; its state then.

        Raises:
            JobsError: It is not known whether that was heard, or it was refused.
        """
        return self._await(self._service.update(job_id, update), job_id)

    def _await(self, answer: "Future[T]", what: str) -> T:
        end_s = time.monotonic() + self._answer_s
        while True:
            try:
                return answer.result(max(0.0, min(_LOOK_EVERY_S, end_s - time.monotonic())))
            except TimeoutError:
                if not self._stop.is_set() and time.monotonic() < end_s:
                    continue
            except UnansweredError:
                self.unanswered += 1
                raise
            answer.cancel()
            self.unanswered += 1
            raise UnansweredError(f"{what}: no answer from IoT Jobs within {self._answer_s:g} s")
