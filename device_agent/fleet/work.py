"""One execution at work, on a thread of its own: step after step, each written down before it begins.

```
claimed ─▶ keep "begun" ─▶ perform ─▶ keep "claimed, next step" ─▶ … ─▶ keep "over"
begun (a process before this one) ─▶ resume ─▶ …
```
Not here: what the cloud is told meanwhile (``attendance``) and in the end (``outbox``).
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from contract.jobs import Action, ignores_failure
from device_agent.errors import JournalError, UpdateError
from device_agent.fleet.details import fit
from device_agent.fleet.entry import Entry
from device_agent.fleet.journal import Journal
from device_agent.fleet.judging import Steps, name_of
from device_agent.fleet.port import Interrupted, Outcome, Performers, Task

logger = logging.getLogger(__name__)

_DONE: Final = "SUCCEEDED"


class Progress(NamedTuple):
    """How far it is.

    Attributes:
        number: Counts on with every word.
        details: For the job's status, fit for the service.
    """

    number: int
    details: dict[str, str]


class Work:
    """Begins at once.

    Args:
        entry: Claimed or begun.
        steps: Of its document.
        performers: At least for those steps.
        journal: See there.
        renew: Gets the steps anew, with fresh presigned URLs; raises ``ThresherError``.
        stop: Ends the process.
        wake: Called when there is something to tell, or it is over.

    Attributes:
        entry: As far as it is.
        progress: The last word.
        is_interrupted: It ended because the process does, and goes on in the next one.
    """

    def __init__(  # noqa: PLR0913 - ports, each by its name
        self,
        entry: Entry,
        steps: Steps,
        *,
        performers: Performers,
        journal: Journal,
        renew: Callable[[Entry], Steps],
        stop: threading.Event,
        wake: Callable[[], None],
    ) -> None:
        self.entry = entry
        self.progress = Progress(0, {})
        self.is_interrupted = False
        self._steps, self._performers, self._journal = steps, performers, journal
        self._renew, self._stop, self._wake = renew, stop, wake
        self._cancelled = threading.Event()
        self._taken_back = entry.taken_back
        if entry.taken_back:
            self._cancelled.set()
        self._mutex = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"job {entry.job_id}"[:15], daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether its thread has ended."""
        return not self._thread.is_alive()

    @property
    def is_taken_back(self) -> bool:
        """Whether the cloud no longer wants it."""
        return self._cancelled.is_set()

    def take_back(self, why: str) -> None:
        """The cloud no longer wants it: undone as far as its performer can."""
        logger.warning("job.taken_back", extra={"job": self.entry.job_id, "why": why})
        with self._mutex:
            self._taken_back = why
            self.entry = msgspec.structs.replace(self.entry, taken_back=why)
            self._journal.note(self.entry)
        self._cancelled.set()

    def join(self, timeout_s: float) -> None:
        """Waits for its end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            ended = self._carry_out()
        except Interrupted:
            self.is_interrupted = True
            return
        except JournalError as exc:
            ended = self.entry.ends("FAILED", {"reason": str(exc)})
        except Exception as exc:
            logger.exception("job.broken", extra={"job": self.entry.job_id})
            ended = self.entry.ends("FAILED", fit({"reason": f"{type(exc).__name__}: {exc}"}))
        self._take_down(ended, self._journal.note)
        logger.info("job.over", extra={"job": ended.job_id, "status": ended.status, "details": ended.details})
        self._wake()

    def _carry_out(self) -> Entry:
        """Raises ``Interrupted``, ``JournalError``, and what a performer should not."""
        for place in range(self.entry.step, len(self._steps)):
            outcome = self._step(place)
            details = {**self.entry.details, **outcome.details}
            if outcome.status != _DONE and not ignores_failure(self._steps[place]):
                reason = f"{name_of(place, self._steps)}: {outcome.reason}"
                return self.entry.ends(outcome.status, fit({**details, "reason": reason}))
            if outcome.status != _DONE:
                details[f"step-{place + 1}"] = outcome.reason or outcome.status
            self._take_down(self.entry.awaits(place + 1, fit(details)), self._journal.note)
        return self.entry.ends(_DONE, self.entry.details)

    def _step(self, place: int) -> Outcome:
        goes_on = self.entry.phase == "begun"
        if not goes_on:
            if self._stop.is_set():
                raise Interrupted
            if self._cancelled.is_set():
                return Outcome(status="FAILED", reason=f"not begun: {self._taken_back}")
            self._take_down(self.entry.begins(place), self._journal.keep)
        self._say(place, "running", {})
        task, performer = self._task(place), self._performers[type(self._steps[place])]
        logger.info("job.step", extra={"job": task.job_id, "step": place + 1, "goes_on": goes_on})
        return performer.resume(task) if goes_on else performer.perform(task)

    def _task(self, place: int) -> Task:
        return Task(
            job_id=self.entry.job_id,
            execution_number=self.entry.execution_number,
            step=place,
            queued_at=self.entry.queued_at,
            action=self._steps[place],
            cancelled=self._cancelled,
            stop=self._stop,
            tell=lambda word, details: self._say(place, word, details),
            renew=lambda: self._renewed(place),
        )

    def _renewed(self, place: int) -> Action:
        steps = self._renew(self.entry)
        if place >= len(steps) or type(steps[place]) is not type(self._steps[place]):
            raise UpdateError(f"job {self.entry.job_id}: its document is another one now", remedy="make a new job")
        return steps[place]

    def _say(self, place: int, word: str, details: Mapping[str, str]) -> None:
        said = fit({**details, "state": word, "step": name_of(place, self._steps)})
        self.progress = Progress(self.progress.number + 1, said)
        self._wake()

    def _take_down(self, entry: Entry, write: Callable[[Entry], None]) -> None:
        with self._mutex:
            entry = msgspec.structs.replace(entry, taken_back=self._taken_back)
            write(entry)
            self.entry = entry
