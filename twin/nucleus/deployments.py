"""Deployments one after the other, on one thread that lives as long as the nucleus; and what became of the last ones.

Not here: what one does (``deployment``).
"""

import contextlib
import queue
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

import msgspec

from twin.errors import TwinError
from twin.nucleus.plan import Outcome, Request

REMEMBERED: Final = 50
WAITING: Final = 20
"""More are refused."""

RESUMED: Final = "resumed"
"""Under this id it is said why what was deployed before does not run."""

_JOIN_S: Final = 60.0


class DeploymentQueue:
    """Takes requests from any thread.

    Args:
        run: Does one.
        first: Is done before the first, on the same thread.

    Attributes:
        stopping: Set when the nucleus ends; what is in progress ends early.
    """

    def __init__(self, run: Callable[[Request], Outcome], *, first: Callable[[], None] = lambda: None) -> None:
        self.stopping = threading.Event()
        self._run = run
        self._first = first
        self._waiting: queue.Queue[tuple[Request, Future[Outcome]] | None] = queue.Queue(WAITING)
        self._outcomes: dict[str, Outcome] = {}
        self._mutex = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="deployments", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def stop(self) -> None:
        """The one in progress is ended or waited for; what waits is not begun."""
        self.stopping.set()
        with contextlib.suppress(queue.Empty):
            while True:
                entry = self._waiting.get_nowait()
                if entry is not None:
                    entry[1].set_exception(TwinError("the nucleus ended before it", remedy="deploy again"))
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def submit(self, request: Request) -> tuple[str, Future[Outcome]]:
        """Its id, and what will become of it.

        Raises:
            TwinError: Too many wait, or the nucleus ends.
        """
        if self.stopping.is_set():
            raise TwinError("the nucleus ends", remedy="start it again")
        identified = msgspec.structs.replace(request, id=request.id or secrets.token_hex(8))
        done: Future[Outcome] = Future()
        with self._mutex:  # so that it is noted as waiting before it is noted as begun
            try:
                self._waiting.put_nowait((identified, done))
            except queue.Full as exc:
                raise TwinError(f"{WAITING} deployments wait already", remedy="wait for them to end") from exc
            self._outcomes[identified.id] = Outcome(id=identified.id, status="QUEUED")
        return identified.id, done

    def outcomes(self) -> list[Outcome]:
        """Of the last deployments, oldest first."""
        with self._mutex:
            return list(self._outcomes.values())

    def _work(self) -> None:
        try:
            self._first()
        except TwinError as exc:
            self._note(Outcome(id=RESUMED, status="REJECTED", message=str(exc), remedy=exc.remedy))
        while (entry := self._waiting.get()) is not None:
            request, done = entry
            self._note(Outcome(id=request.id, status="IN_PROGRESS"))
            try:
                outcome = self._run(request)
            except Exception as exc:  # noqa: BLE001 - the top of a thread: a defect must not end the nucleus silently
                outcome = Outcome(id=request.id, status="REJECTED", message=f"{type(exc).__name__}: {exc}")
            self._note(outcome)
            done.set_result(outcome)

    def _note(self, outcome: Outcome) -> None:
        with self._mutex:
            self._outcomes.pop(outcome.id, None)
            self._outcomes[outcome.id] = outcome
            while len(self._outcomes) > REMEMBERED:
                self._outcomes.pop(next(iter(self._outcomes)))
