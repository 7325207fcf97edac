"""The conversation with IoT Jobs, beside whatever else uses the gateway's connection.

Under Greengrass the connection is the nucleus's, by IPC: it does not say when it was offline, and it may take messages
for days that it cannot send; so what is asked is asked more often there, and what is not answered ever more rarely.

Not here: what is done with a job (``engine``), who carries it out (``bootstrap``).
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from device_agent.config.fleet_jobs import JobsConfig
from device_agent.errors import JournalError, ThresherError
from device_agent.fleet.asking import Asker
from device_agent.fleet.engine import Engine
from device_agent.fleet.journal import Journal
from device_agent.fleet.judging import Judge
from device_agent.fleet.limits import Limits
from device_agent.fleet.outbox import FIRST_S, LAST_S
from device_agent.fleet.service.by_topics import TopicJobs
from device_agent.fleet.service.port import ANSWER_S
from device_agent.fleet.status import FleetStatus
from device_agent.status import StatusFile
from device_agent.uplink.pacing import Backoff
from device_agent.uplink.port import Deliver, Uplink

JOURNAL_FOLDER: Final = "jobs"
LOOK_EVERY_S: Final = 0.5
WORK_ENDS_S: Final = 2.5
_JOURNAL_AGAIN_S: Final = 30.0
_BROKEN_S: Final = 10.0

logger = logging.getLogger(__name__)


class Patience(NamedTuple):
    """How often is asked, and how long is waited.

    Attributes:
        ask_every_s: Seconds until the next job is asked for without a hint.
        first_s: Until the first second try.
        last_s: Between two tries at most.
        answer_s: For an answer.
        unheard_after: See ``Limits``.
        tell_every_s: Between two words of progress, at least.
    """

    ask_every_s: float = 3600.0
    first_s: float = FIRST_S
    last_s: float = LAST_S
    answer_s: float = ANSWER_S
    tell_every_s: float = 5.0
    unheard_after: int = 0


OWN: Final = Patience()
THROUGH_A_NUCLEUS: Final = Patience(ask_every_s=600.0, last_s=600.0, unheard_after=4)


class Jobs:
    """See ``device_agent.uplink.beside.Beside``.

    Args:
        uplink: The gateway's connection.
        gateway_id: The thing.
        judge: Of jobs; knows who carries out what.
        config: The section ``fleet.jobs``.
        folder: For the journal.
        status_file: Where to say how it goes.
        patience: See there.
        monotonic_s: Seconds, never going back.
        performers_hear: What performers hear by the same connection.
    """

    def __init__(  # noqa: PLR0913 - ports and limits, each by its name
        self,
        uplink: Uplink,
        gateway_id: str,
        judge: Judge,
        *,
        config: JobsConfig,
        folder: Path,
        status_file: Path,
        monotonic_s: Callable[[], float],
        patience: Patience = OWN,
        performers_hear: Mapping[str, Deliver] | None = None,
    ) -> None:
        self._performers_hear = dict(performers_hear or {})
        self._service = TopicJobs(uplink, gateway_id)
        self._judge, self._config, self._folder = judge, config, folder
        self._said = StatusFile(status_file)
        self._patience, self._now = patience, monotonic_s
        self._asker: Asker | None = None
        self._engine: Engine | None = None
        self._journal: Journal | None = None
        self._trouble = ""

    @property
    def counters(self) -> Mapping[str, int]:
        """What became of what was heard."""
        counted = dict(self._service.counters)
        if (engine := self._engine) and self._journal and self._asker:
            counted |= {f"jobs.{status.lower()}": count for status, count in engine.outbox.told.items()}
            counted |= {
                "jobs.taken": engine.taking.taken,
                "jobs.left_alone": engine.taking.left_alone,
                "jobs.resumed": engine.resumed,
                "jobs.taken_back": engine.taken_back,
                "jobs.end_not_taken": engine.outbox.undeliverable,
                "jobs.unanswered": self._asker.unanswered,
                "jobs.unwritten": self._journal.unwritten,
                "jobs.damaged": self._journal.damaged,
            }
        return counted

    def hears(self) -> Mapping[str, Deliver]:
        """See ``Beside``."""
        return {**self._service.hears(), **self._performers_hear}

    def run(self, stop: threading.Event) -> None:
        """Works until ``stop``; what is at work then goes on in the next process."""
        journal = self._open_journal(stop)
        if journal is None:
            return
        self._journal = journal
        self._asker = Asker(self._service, stop, answer_s=self._patience.answer_s)
        engine = self._engine = self._make_engine(journal, self._asker, stop)
        while not stop.is_set():
            engine.woken.clear()
            self._step(engine, stop)
            self._said.write(msgspec.json.encode(self.status()))
            engine.woken.wait(LOOK_EVERY_S)
        has_ended = engine.end(WORK_ENDS_S)
        self._said.close(msgspec.json.encode(self.status()))
        if not has_ended:  # another thread must not go on with the same step beside it
            raise ThresherError(
                f"a step of job {engine.entry.job_id if engine.entry else ''} did not end within {WORK_ENDS_S:g} s",
                remedy="nothing: the process ends, and the next one goes on with the step",
            )

    def _step(self, engine: Engine, stop: threading.Event) -> None:
        try:
            engine.step()
        except Exception as exc:  # jobs may fail; what is forwarded beside them must not
            logger.exception("jobs.broken")
            self._trouble = f"{type(exc).__name__}: {exc}"
            stop.wait(_BROKEN_S)

    def status(self) -> FleetStatus:
        """How it goes."""
        engine, journal = self._engine, self._journal
        if engine is None or journal is None:
            return FleetStatus(trouble=self._trouble)
        told = [each for each in journal.entries() if each.phase == "told"]
        entry, last = engine.entry, told[-1] if told else None
        return FleetStatus(
            job=entry.job_id if entry else "",
            execution=entry.execution_number if entry else 0,
            progress=engine.progress,
            untold=[each.job_id for each in engine.outbox.waiting()],
            last_job=last.job_id if last else "",
            last_status=(last.status or last.end) if last else "",
            last_reason=last.details.get("reason", "") if last else "",
            counters=dict(self.counters),
            trouble=engine.taking.trouble or self._trouble,
        )

    def _make_engine(self, journal: Journal, asker: Asker, stop: threading.Event) -> Engine:
        patience, config = self._patience, self._config
        return Engine(
            self._service,
            asker,
            journal,
            self._judge,
            limits=Limits(
                ask_every_s=config.ask_every_s or patience.ask_every_s,
                tell_every_s=patience.tell_every_s,
                step_timeout_min=config.step_timeout_min,
                unheard_after=patience.unheard_after,
            ),
            backoff=Backoff(first_s=patience.first_s, last_s=patience.last_s, source=random.SystemRandom()),
            monotonic_s=self._now,
            stop=stop,
        )

    def _open_journal(self, stop: threading.Event) -> Journal | None:
        """The journal, as soon as it can be read; nothing is asked for before."""
        while not stop.is_set():
            try:
                return Journal(self._folder / JOURNAL_FOLDER)
            except JournalError as exc:
                self._trouble = str(exc)
                logger.error("jobs.no_journal", extra={"reason": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
                self._said.write(msgspec.json.encode(self.status()))
                stop.wait(_JOURNAL_AGAIN_S)
        return None
