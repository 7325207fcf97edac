"""Jobs, one after another: taken, claimed, carried out, told.

```
hint, new connection, job over, now and then ─▶ $next ─▶ met before? ─┬▶ yes: recovery table
                                                                      └▶ no: judge ─┬▶ claim ─▶ work ─▶ outbox
                                                                                    └▶ REJECTED ─────▶ outbox
```
A push is a hint; what is done follows from answers alone, so a copy, a late one and one out of order change nothing.
One thread calls ``step``; the work has one of its own.

Not here: taking (``taking``), what the cloud hears meanwhile (``attendance``) and in the end (``outbox``), the thread
(``jobs``).
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from contract.errors import ContractError
from device_agent.fleet.asking import Asker
from device_agent.fleet.attendance import Attendance
from device_agent.fleet.details import fit
from device_agent.fleet.entry import Entry
from device_agent.fleet.journal import Journal
from device_agent.fleet.judging import Judge, Steps
from device_agent.fleet.limits import Limits
from device_agent.fleet.outbox import Outbox
from device_agent.fleet.recovery import RECOVERY
from device_agent.fleet.service.port import JobsError, JobsService, Named
from device_agent.fleet.taking import Claimed, Taking
from device_agent.fleet.work import Work
from device_agent.uplink.pacing import Backoff

_GOES_ON: Final = ("begin", "resume")

logger = logging.getLogger(__name__)


class Engine:
    """Of one gateway.

    Args:
        service: IoT Jobs.
        asker: Asks it.
        journal: What is known.
        judge: Of jobs; knows who carries out what.
        limits: See there.
        backoff: Between two tries.
        monotonic_s: Seconds, never going back.
        stop: Ends the process.

    Attributes:
        taking: The next job.
        outbox: Ends that are to be told.
        resumed: Executions that a process before this one had begun.
        taken_back: Executions that the cloud took back while they were at work.
        woken: Set when there is something to do.
    """

    def __init__(  # noqa: PLR0913 - ports and limits, each by its name
        self,
        service: JobsService,
        asker: Asker,
        journal: Journal,
        judge: Judge,
        *,
        limits: Limits,
        backoff: Backoff,
        monotonic_s: Callable[[], float],
        stop: threading.Event,
    ) -> None:
        self._service, self._asker, self._journal, self._judge = service, asker, journal, judge
        self._limits, self._now, self._stop = limits, monotonic_s, stop
        self.outbox = Outbox(journal, asker, backoff=backoff, monotonic_s=monotonic_s)
        self.taking = Taking(journal, asker, judge, limits=limits, backoff=backoff, monotonic_s=monotonic_s)
        self.resumed = self.taken_back = 0
        self.woken = threading.Event()
        self._attendance: Attendance | None = None
        self._connects = 0
        self._hinted, self._unnamed = threading.Event(), threading.Event()
        service.listen(self._hear)

    @property
    def entry(self) -> Entry | None:
        """What is at work."""
        return self._attendance.work.entry if self._attendance else None

    @property
    def progress(self) -> dict[str, str]:
        """What it said last."""
        return self._attendance.work.progress.details if self._attendance else {}

    def step(self) -> None:
        """Does what is due."""
        self._finish()
        if self._attendance is None:
            self._recover()
        if self._service.connects < 0:
            return
        self._heed_link()
        self._heed_hints()
        if self._attendance is not None:
            self._attendance.step()
        had_ends = bool(self.outbox.waiting())
        self.outbox.step()
        if self._attendance is not None or self.outbox.waiting():
            return  # the next job is the same one until its end is known
        if had_ends:
            self.taking.hurry()
        if self.taking.is_due and (claimed := self.taking.take()):
            self._begin(claimed)

    def end(self, timeout_s: float) -> bool:
        """Waits for what is at work; ``stop`` is set. Whether it has ended."""
        if self._attendance is None:
            return True
        work = self._attendance.work
        work.join(timeout_s)
        self._finish()
        return work.is_over

    def _hear(self, still_open: Named | None) -> None:
        entry = self.entry
        if still_open is not None and entry is not None and entry.key not in still_open:
            self._unnamed.set()
        self._hinted.set()
        self.woken.set()

    def _heed_link(self) -> None:
        if self._connects == self._service.connects:
            return
        self._connects = self._service.connects
        self.taking.renew()
        self.outbox.hurry()
        self._unnamed.set()

    def _heed_hints(self) -> None:
        if self._hinted.is_set():
            self._hinted.clear()
            self.taking.hurry()
        if self._unnamed.is_set():
            self._unnamed.clear()
            if self._attendance is not None:
                self._attendance.doubt()

    def _recover(self) -> None:
        """What a process before this one had begun goes on, with or without a link."""
        for entry in self._journal.entries():
            if RECOVERY[entry.phase] not in _GOES_ON:
                continue
            try:
                steps = self._judge.steps_of(entry.document)
            except ContractError as exc:
                self._journal.note(entry.ends("FAILED", fit({"reason": f"cannot go on with it: {exc}"})))
                continue
            self.resumed += 1
            self._begin(Claimed(entry, steps, version=0))
            return

    def _begin(self, claimed: Claimed) -> None:
        logger.info("job.begun", extra={"job": claimed.entry.job_id, "number": claimed.entry.execution_number})
        work = Work(
            claimed.entry,
            claimed.steps,
            performers=self._judge.performers,
            journal=self._journal,
            renew=self._renew,
            stop=self._stop,
            wake=self.woken.set,
        )
        self._attendance = Attendance(
            work,
            self._asker,
            version=claimed.version,
            limits=self._limits,
            monotonic_s=self._now,
        )

    def _renew(self, entry: Entry) -> Steps:
        execution = self._asker.describe(entry.job_id, entry.execution_number)
        if execution is None:
            raise JobsError(f"job {entry.job_id} is gone")
        try:
            return self._judge.steps_of(execution.job_document)
        except ContractError as exc:
            raise JobsError(f"job {entry.job_id}: its document is another one now: {exc}") from exc

    def _finish(self) -> None:
        attendance = self._attendance
        if attendance is None or not attendance.work.is_over or attendance.work.is_interrupted:
            return
        self.taken_back += attendance.work.is_taken_back
        self._attendance = None
        self.taking.hurry()
