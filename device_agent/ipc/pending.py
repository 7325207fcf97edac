"""What was asked and is not yet answered: every wait for an answer ends here.

Not here: the asking.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from device_agent.ipc.errors import LostError, ServiceRefusedError
from device_agent.ipc.operations import Request, StreamRequest
from device_agent.ipc.wire import Outcome

MOST: Final = 1024
"""Requests that may wait at once: a nucleus that says nothing is left after ten seconds, and memory is short."""

Settle = Callable[[Outcome], None]


class Pending:
    """Each request gets exactly one outcome: the first that comes.

    Args:
        answer_s: How long an answer is waited for; one that may be kept back, until the connection ends.
    """

    def __init__(self, answer_s: float) -> None:
        self.answer_s = answer_s
        self._asked: dict[int, tuple[float, Request[Any], Settle]] = {}
        self._number = 0
        self._mutex = threading.Lock()

    def expect(self, request: Request[Any], settle: Settle) -> Settle:
        """Begins to wait; returns whom to give the outcome.

        Raises:
            ServiceRefusedError: ``MOST`` wait already.
        """
        with self._mutex:
            if len(self._asked) >= MOST:
                raise ServiceRefusedError(f"{request.what}: {MOST} requests wait for the nucleus already")
            self._number = number = self._number + 1
            patience_s = math.inf if isinstance(request, StreamRequest) and request.may_wait else self.answer_s
            self._asked[number] = (time.monotonic() + patience_s, request, settle)

        def answered(outcome: Outcome) -> None:
            with self._mutex:
                known = self._asked.pop(number, None)
            if known is not None:
                settle(outcome)

        return answered

    def expire(self, now_s: float) -> bool:
        """Fails what was not answered in time; whether there was any."""
        with self._mutex:
            late = [number for number, (due_s, *_) in self._asked.items() if due_s <= now_s]
        self._fail(late, f"no answer of the nucleus within {self.answer_s:g} s")
        return bool(late)

    def fail_all(self, reason: str) -> None:
        """Nobody will answer."""
        with self._mutex:
            everything = list(self._asked)
        self._fail(everything, reason)

    def _fail(self, numbers: list[int], reason: str) -> None:
        for number in numbers:
            with self._mutex:
                known = self._asked.pop(number, None)
            if known is not None:
                _, request, settle = known
                settle(LostError(f"{request.what}: {reason}"))
