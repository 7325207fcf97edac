"""The next job: asked for, met, judged, and claimed before anything of it is done.

Not here: when the next one may be asked for (``engine``), what is done with a claimed one (``work``).
"""

import logging
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from device_agent.errors import JournalError
from device_agent.fleet.asking import Asker
from device_agent.fleet.details import fit
from device_agent.fleet.entry import Entry
from device_agent.fleet.journal import Journal
from device_agent.fleet.judging import Judge, Steps, is_of_greengrass
from device_agent.fleet.limits import Limits
from device_agent.fleet.recovery import RECOVERY
from device_agent.fleet.refusals import over_as, what_then
from device_agent.fleet.service.port import OPEN, Execution, JobsError, State, UnansweredError, Update
from device_agent.uplink.pacing import Backoff

_UNKNOWN: Final = "it was begun before, and this gateway does not know how far: its journal has nothing of it"
_UNHEARD: Final = (
    "its document does not reach this gateway, though the job does: make it shorter, a lite nucleus hears 5,000 bytes"
)

logger = logging.getLogger(__name__)


class Claimed(NamedTuple):
    """What is to be carried out.

    Attributes:
        entry: Written down.
        steps: Of its document; every performer is there.
        version: Of the execution at the service; 0 if it is not known.
    """

    entry: Entry
    steps: Steps
    version: int


class Taking:
    """One thread takes.

    Args:
        journal: What is known.
        asker: Asks IoT Jobs.
        judge: Of their documents.
        limits: See there.
        backoff: Between two questions that were not answered.
        monotonic_s: Seconds, never going back.

    Attributes:
        taken: Executions that were never met before.
        left_alone: Executions that are over, or the nucleus's own.
        trouble: Why none could be taken; empty while one can.
    """

    def __init__(
        self,
        journal: Journal,
        asker: Asker,
        judge: Judge,
        *,
        limits: Limits,
        backoff: Backoff,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._journal, self._asker, self._judge = journal, asker, judge
        self._limits, self._backoff, self._now = limits, backoff, monotonic_s
        self._due_s = monotonic_s()
        self._failures = 0
        self.taken = self.left_alone = 0
        self.trouble = ""

    @property
    def is_due(self) -> bool:
        """Whether to ``take``."""
        return self._now() >= self._due_s

    def hurry(self) -> None:
        """There may be another one."""
        if not self.trouble:
            self._due_s = self._now()

    def renew(self) -> None:
        """The service is reached anew: what failed before says nothing any more."""
        self._failures, self._due_s = 0, self._now()

    def take(self) -> Claimed | None:
        """Asks for the next job and takes it, if there is one that can be carried out."""
        try:
            execution = self._asker.next()
            claimed = self._meet(execution) if execution is not None else None
        except JobsError as exc:
            self._failures += 1
            self._reject_unheard(exc)
            self._due_s = self._now() + self._backoff.wait_s(self._failures)
            self.trouble = str(exc)
            logger.info("jobs.not_taken", extra={"why": self.trouble, "failures": self._failures})
            return None
        self._due_s = self._now() + self._limits.ask_every_s
        self._failures, self.trouble = 0, ""
        return claimed

    def _reject_unheard(self, error: JobsError) -> None:
        """A document that never comes through makes its job the next one for ever: it is rejected unseen."""
        limit = self._limits.unheard_after
        if not limit or self._failures < limit or not isinstance(error, UnansweredError):
            return
        execution = self._unheard()
        if execution is not None and execution.status in OPEN and self._journal.find(execution) is None:
            logger.warning("job.unheard", extra={"job": execution.job_id, "tries": self._failures})
            self._kept(self._entry(execution).ends("REJECTED", {"reason": _UNHEARD}))
            self._failures = 0

    def _unheard(self) -> Execution | None:
        """The next job, if it is told of without its document, and right after that still not with it."""
        try:
            execution = self._asker.next(whole=False)
        except JobsError:
            return None
        try:
            self._asker.next()
        except UnansweredError:
            return execution
        except JobsError:
            return None
        return None

    def _meet(self, execution: Execution) -> Claimed | None:
        if is_of_greengrass(execution.job_document) or execution.status not in OPEN:
            self.left_alone += 1
            return None
        entry = self._journal.find(execution) or self._receive(execution)
        do = RECOVERY[entry.phase]
        if do == "ignore":
            self._journal.note(entry.ends(entry.status or "FAILED", entry.details))
            raise JobsError(f"job {entry.job_id} is open, though its end was told: {entry.end}")
        return self._claim(entry, execution) if do == "claim" else None

    def _receive(self, execution: Execution) -> Entry:
        """An execution that was never met."""
        entry = self._entry(execution)
        if execution.status != "QUEUED":
            entry = entry.ends("FAILED", {"reason": _UNKNOWN})
        elif why := self._why_not(entry.document):
            logger.warning("job.rejected", extra={"job": entry.job_id, "why": why})
            entry = entry.ends("REJECTED", fit({"reason": why}))
        self.taken += 1
        return self._kept(entry)

    def _entry(self, execution: Execution) -> Entry:
        return Entry(
            job_id=execution.job_id,
            execution_number=execution.execution_number,
            queued_at=execution.queued_at,
            order=self._journal.next_order(),
            document=execution.job_document,
        )

    def _claim(self, entry: Entry, execution: Execution) -> Claimed | None:
        """Says that it is in progress, and waits until the service knows. Raises ``JobsError``."""
        entry = msgspec.structs.replace(entry, document=execution.job_document)
        if why := self._why_not(entry.document):
            self._journal.note(entry.ends("REJECTED", fit({"reason": why})))
            return None
        try:
            state = self._say_claimed(entry)
        except JobsError as exc:
            if what_then(exc) == "over":
                logger.info("job.not_ours", extra={"job": entry.job_id, "why": str(exc)})
                self._journal.note(entry.settles(f"not taken: {over_as(exc)}"))
                return None
            raise
        entry = self._kept(entry.awaits(0, {}))
        if entry.phase != "claimed":
            return None
        return Claimed(entry, self._judge.steps_of(entry.document), state.version_number)

    def _why_not(self, document: object) -> str:
        try:
            return self._judge.why_not(document)
        except Exception as exc:  # a document must not end the agent, and not be met again after every start
            logger.exception("job.judging_failed")
            return f"it cannot be judged: {type(exc).__name__}: {exc}"

    def _kept(self, entry: Entry) -> Entry:
        """The same, written down; what cannot be written is not done, and fails."""
        try:
            self._journal.keep(entry)
        except JournalError as exc:
            entry = entry.ends(entry.status or "FAILED", entry.details or fit({"reason": str(exc)}))
            self._journal.note(entry)
        return entry

    def _say_claimed(self, entry: Entry) -> State:
        update = Update(
            status="IN_PROGRESS",
            execution_number=entry.execution_number,
            status_details={"state": "begun"},
            step_timeout_in_minutes=self._limits.step_timeout_min,
        )
        try:
            return self._asker.update(entry.job_id, update)
        except JobsError as exc:
            if what_then(exc) != "bare":
                raise
            bare = msgspec.structs.replace(update, status_details={}, step_timeout_in_minutes=0)
            return self._asker.update(entry.job_id, bare)
