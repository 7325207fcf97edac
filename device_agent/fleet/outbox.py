"""How executions ended, told until the service has taken it or knows better. It is the journal, seen as what is to say.

```
over ─▶ update: status, execution number, details ─┬▶ accepted ─────────────────▶ told
 ▲                                                 ├▶ it is over already ───────▶ told: what the service says instead
 ├────── without details ◀─────────────────────────├▶ refused as it is ─ again ─▶ told: refused
 └────── later, with full jitter ◀─────────────────└▶ no answer, no link, throttled
```
No version is expected here: an update that crossed another one must not be lost for that.
"""

import logging
from collections.abc import Callable
from typing import Final

from device_agent.fleet.asking import Asker
from device_agent.fleet.entry import Entry, Key
from device_agent.fleet.journal import Journal
from device_agent.fleet.refusals import over_as, what_then
from device_agent.fleet.service.port import JobsError, Update
from device_agent.uplink.pacing import Backoff

FIRST_S: Final = 2.0
LAST_S: Final = 60.0

logger = logging.getLogger(__name__)


class Outbox:
    """One thread works it.

    Args:
        journal: See there.
        asker: See there.
        backoff: Between two tries.
        monotonic_s: Seconds, never going back.

    Attributes:
        told: Ends that the service took, by status.
        undeliverable: Ends that it will not take: it says that the execution is over otherwise, or refuses the words.
    """

    def __init__(self, journal: Journal, asker: Asker, *, backoff: Backoff, monotonic_s: Callable[[], float]) -> None:
        self._journal, self._asker = journal, asker
        self._backoff, self._now = backoff, monotonic_s
        self._due_s: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._bare: set[Key] = set()
        self.told = dict.fromkeys(("SUCCEEDED", "FAILED", "REJECTED"), 0)
        self.undeliverable = 0

    def waiting(self) -> list[Entry]:
        """What is still to be told, oldest first."""
        return [each for each in self._journal.entries() if each.phase == "over"]

    def hurry(self) -> None:
        """The link is back: all of it is tried at once."""
        self._due_s.clear()

    def step(self) -> None:
        """Tells what is due."""
        for entry in self.waiting():
            if entry.taken_back:
                self._settle(entry, f"taken back: {entry.taken_back}")
            elif self._due_s.get(entry.key, 0.0) <= self._now():
                self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        details = {} if entry.key in self._bare else entry.details
        update = Update(status=entry.status, execution_number=entry.execution_number, status_details=details)
        try:
            self._asker.update(entry.job_id, update)
        except JobsError as exc:
            self._heed(entry, exc)
            return
        self.told[str(entry.status)] += 1
        self._settle(entry, "accepted")

    def _heed(self, entry: Entry, error: JobsError) -> None:
        then = what_then(error)
        if then == "over" and over_as(error) == entry.status:
            self._settle(entry, "accepted before")
        elif then == "over" or (then == "bare" and entry.key in self._bare):
            self.undeliverable += 1
            logger.warning("job.end_not_taken", extra={"job": entry.job_id, "status": entry.status, "why": str(error)})
            self._settle(entry, f"not taken: {error}")
        elif then == "bare":
            logger.warning("job.details_refused", extra={"job": entry.job_id, "why": str(error)})
            self._bare.add(entry.key)
            self._tell(entry)
        else:
            failures = self._failures[entry.key] = self._failures.get(entry.key, 0) + 1
            self._due_s[entry.key] = self._now() + self._backoff.wait_s(failures)

    def _settle(self, entry: Entry, end: str) -> None:
        logger.info("job.told", extra={"job": entry.job_id, "status": entry.status, "end": end})
        self._journal.note(entry.settles(end))
        self._journal.prune()
        for forgotten in (self._due_s, self._failures):
            forgotten.pop(entry.key, None)
        self._bare.discard(entry.key)
