"""IoT Jobs by its rules, for one thing, without a wire: for tests, rehearsals and the twin.

A retry is a new execution number; a step timer that runs out makes ``TIMED_OUT``; what is over stays as it is; the
next job is the one in progress, else the one that was queued first. Time moves only when somebody says so.
Source: AWS IoT Developer Guide, "Jobs and job execution states", "Jobs MQTT API".

Not here: how a thing asks it (``memory``), misbehaviour.
"""

import re
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from device_agent.fleet.service.port import OPEN, Execution, RefusedError, State, Update

SETTABLE: Final = frozenset({"IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"})
_RETRIED: Final = frozenset({"FAILED", "TIMED_OUT"})
_KEY: Final = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_LONGEST: Final = 1024


@dataclass
class Kept:
    """One execution at the service.

    Attributes:
        job_id: Of the job.
        number: Which one of it.
        document: Of the job.
        queued_at: Seconds.
        retries_left: How often the job is queued again when it fails or times out.
        status: See the states of an execution.
        version: Counts its changes.
        details: As said last.
        deadline_s: When its step times out; ``None`` for never.
        said: Every status that a thing brought about, in order.
    """

    job_id: str
    number: int
    document: Any
    queued_at: float
    retries_left: int = 0
    status: str = "QUEUED"
    version: int = 1
    details: dict[str, str] = field(default_factory=dict)
    deadline_s: float | None = None
    said: list[str] = field(default_factory=list)


class Ledger:
    """All executions of one thing. Any thread.

    Attributes:
        now_s: Seconds.
        kept: Every execution there is, oldest first.
        deleted: Executions that are no more.
    """

    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0
        self.kept: list[Kept] = []
        self.deleted: list[Kept] = []
        self._mutex = threading.RLock()
        self._changed: Callable[[], None] = lambda: None

    def on_change(self, tell: Callable[[], None]) -> None:
        """Calls it whenever the list of what is not over has changed."""
        self._changed = tell

    def create(self, job_id: str, document: object, *, retries: int = 0) -> None:
        """Queues a job."""
        with self._mutex:
            self.now_s += 1
            self.kept.append(Kept(job_id, 1, document, self.now_s, retries))
        self._changed()

    def cancel(self, job_id: str) -> None:
        """Force-cancels what is open of a job."""
        with self._mutex:
            for each in self._open(job_id):
                each.status, each.version = "CANCELED", each.version + 1
        self._changed()

    def delete(self, job_id: str) -> None:
        """Forgets a job, wherever it is."""
        with self._mutex:
            self.deleted += [each for each in self.kept if each.job_id == job_id]
            self.kept = [each for each in self.kept if each.job_id != job_id]
        self._changed()

    def advance(self, minutes: float) -> None:
        """Lets time pass; step timers run out."""
        with self._mutex:
            self.now_s += minutes * 60
            late = [each for each in self.kept if each.status in OPEN and self.now_s > (each.deadline_s or self.now_s)]
            for each in late:
                self._end(each, "TIMED_OUT")
        if late:
            self._changed()

    def open(self) -> list[Kept]:
        """What is not over: in progress first, then by age."""
        with self._mutex:
            return sorted(self._open(), key=lambda each: (each.status == "QUEUED", each.queued_at))

    def of(self, job_id: str, number: int = 0) -> Kept:
        """One execution, by default the newest; raises ``RefusedError``."""
        with self._mutex:
            found = [each for each in self.kept if each.job_id == job_id and number in (0, each.number)]
        if not found:
            raise RefusedError(f"no execution of {job_id}", code="ResourceNotFound")
        return found[-1]

    def next(self) -> Execution | None:
        """``$next``."""
        waiting = self.open()
        return view(waiting[0]) if waiting else None

    def describe(self, job_id: str, number: int = 0) -> Execution:
        """One that is not over; raises ``RefusedError``."""
        kept = self.of(job_id, number)
        if kept.status not in OPEN:
            raise RefusedError(f"{job_id} is over", code="TerminalStateReached")
        return view(kept)

    def update(self, job_id: str, update: Update) -> State:
        """A thing says something; raises ``RefusedError``."""
        with self._mutex:
            kept = self._checked(job_id, update)
            kept.details = dict(update.status_details)
            kept.said.append(update.status)
            if update.step_timeout_in_minutes:
                kept.deadline_s = self.now_s + update.step_timeout_in_minutes * 60
            if update.status == "IN_PROGRESS":
                kept.status, kept.version = "IN_PROGRESS", kept.version + 1
            else:
                self._end(kept, update.status)
            state = State(status=kept.status, version_number=kept.version)
        if state.status not in OPEN:
            self._changed()
        return state

    def _checked(self, job_id: str, update: Update) -> Kept:
        if not all(_KEY.fullmatch(key) and _is_fit(value) for key, value in update.status_details.items()):
            raise RefusedError("statusDetails", code="InvalidRequest")
        if update.status not in SETTABLE:
            raise RefusedError(f"cannot be changed to be {update.status}", code="InvalidStateTransition")
        kept = self.of(job_id, update.execution_number)
        state = State(status=kept.status, version_number=kept.version)
        if kept.status not in OPEN:
            raise RefusedError("has already finished", code="InvalidStateTransition", state=state)
        if update.expected_version not in (0, kept.version):
            raise RefusedError("expected another version", code="VersionMismatch", state=state)
        return kept

    def _open(self, job_id: str = "") -> list[Kept]:
        return [each for each in self.kept if each.status in OPEN and job_id in ("", each.job_id)]

    def _end(self, kept: Kept, status: str) -> None:
        kept.status, kept.version, kept.deadline_s = status, kept.version + 1, None
        if status in _RETRIED and kept.retries_left:
            self.now_s += 1
            again = Kept(kept.job_id, kept.number + 1, kept.document, self.now_s, kept.retries_left - 1)
            self.kept.append(again)


def view(kept: Kept) -> Execution:
    """As a thing sees it."""
    return Execution(
        job_id=kept.job_id,
        execution_number=kept.number,
        status=kept.status,
        version_number=kept.version,
        queued_at=kept.queued_at,
        job_document=kept.document,
    )


def _is_fit(value: str) -> bool:
    return 1 <= len(value) <= _LONGEST and not any(unicodedata.category(each)[0] == "C" for each in value)
