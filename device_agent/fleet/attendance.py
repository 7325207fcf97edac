"""What the cloud is told of an execution while it is at work, and whether the cloud still wants it.

- Progress is told at most every ``Limits.tell_every_s``; the last word counts.
- Each word arms the service's step timer anew, and without a word it is armed before a third of it has passed: a
  gateway that died is over by itself as ``TIMED_OUT``, one that works is not.
- The version that progress expects is the one the service said last; a mismatch means that a word crossed another.
- A hint that does not name the execution, a new connection, and a refusal may all mean that it is over at the service:
  then its performer is told to undo it.
"""

import logging
from collections.abc import Callable
from typing import Final

from device_agent.fleet.asking import Asker
from device_agent.fleet.limits import Limits
from device_agent.fleet.refusals import over_as, what_then
from device_agent.fleet.service.port import OPEN, JobsError, Update
from device_agent.fleet.work import Work

_TIMER_PARTS: Final = 3

logger = logging.getLogger(__name__)


class Attendance:
    """Of one execution; one thread.

    Args:
        work: It.
        asker: See there.
        version: Of the execution, as the service said; 0 if it is not known.
        limits: See there.
        monotonic_s: Seconds, never going back.
    """

    def __init__(
        self, work: Work, asker: Asker, *, version: int, limits: Limits, monotonic_s: Callable[[], float]
    ) -> None:
        self.work = work
        self._asker = asker
        self._version = version
        self._limits = limits
        self._now = monotonic_s
        self._told = 0
        self._told_s = self._look_s = monotonic_s()
        self._doubted = not version
        self._bare = False

    def doubt(self) -> None:
        """It may be over at the service."""
        self._doubted = True

    def step(self) -> None:
        """Looks and tells as far as it is due."""
        if self.work.is_taken_back or self.work.is_over:
            return
        if self._doubted and self._now() >= self._look_s:
            self._look()
        quiet_s = self._now() - self._told_s
        is_new = self.work.progress.number != self._told
        if (
            is_new and quiet_s >= self._limits.tell_every_s
        ) or quiet_s >= self._limits.step_timeout_min * 60 / _TIMER_PARTS:
            self._tell()

    def _look(self) -> None:
        entry = self.work.entry
        try:
            found = self._asker.describe(entry.job_id, entry.execution_number)
        except JobsError as exc:
            self._look_s = self._now() + self._limits.tell_every_s
            self._heed(exc)
            return
        self._doubted = False
        if found is None or found.status not in OPEN or found.queued_at != entry.queued_at:
            self.work.take_back("REMOVED" if found is None or found.status in OPEN else found.status)
        else:
            self._version = found.version_number

    def _tell(self) -> None:
        entry, (number, details) = self.work.entry, self.work.progress
        update = Update(
            status="IN_PROGRESS",
            execution_number=entry.execution_number,
            expected_version=self._version,
            status_details={} if self._bare else details,
            step_timeout_in_minutes=0 if self._bare else self._limits.step_timeout_min,
        )
        try:
            self._version = self._asker.update(entry.job_id, update).version_number
        except JobsError as exc:
            self._heed(exc)
            return
        self._told, self._told_s, self._bare = number, self._now(), False

    def _heed(self, error: JobsError) -> None:
        then = what_then(error)
        if then == "over":
            self.work.take_back(over_as(error))
        elif then == "adopt":
            self._version = getattr(getattr(error, "state", None), "version_number", 0)
        else:
            self._bare = then == "bare"
            self._told_s = self._now()  # it is only progress: the next word will do
            logger.info("job.progress_untold", extra={"job": self.work.entry.job_id, "why": str(error)})
