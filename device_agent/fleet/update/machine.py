"""The update machine: finds out where it was, and goes on by the table.

```
order.json ─▶ machine ─▶ state.json (journal): the phase, then the act of it, then the next phase …
```
One thread. A journal that cannot be written stops everything until it can: nothing is done that was not announced.
What a process finds when it starts is judged as after a kill, whether it was one or an orderly end.

Not here: what follows on what (``table``), what a phase does (``acts``), the process that carries it.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from device_agent.fault_points import reach
from device_agent.fleet.port import Interrupted, Outcome
from device_agent.fleet.update import table
from device_agent.fleet.update.acts import Acts, outcome_of
from device_agent.fleet.update.going import Going
from device_agent.fleet.update.journal import Journal, JournalError, JournalFile
from device_agent.fleet.update.orders import OrdersFile
from device_agent.fleet.update.parts import Settled, pause_s
from device_agent.fleet.update.port import Order

_PAY_EVERY_S: Final = 60.0
_SAVE_WITHIN_S: Final = 120.0
_WITHDRAWN: Final = Outcome(status="FAILED", reason="taken back before it began")

logger = logging.getLogger(__name__)


class Machine:
    """Carries out one order after the other.

    Args:
        folder: ``<state_dir>/update``: journal, orders, downloads. One machine a folder.
        acts: What phases do.
        look_every_s: How often it looks for an order.
        monotonic_s: Seconds, never going back.
    """

    def __init__(
        self,
        folder: Path,
        acts: Acts,
        *,
        look_every_s: float = 1.0,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = JournalFile(folder)
        self._orders = OrdersFile(folder)
        self._acts = acts
        self._look_every_s = look_every_s
        self._now = monotonic_s
        self._journal = Journal()
        self._deadline_s: float | None = None
        self._pay_at_s = monotonic_s()

    def work(self, stop: threading.Event) -> None:
        """Works until told to stop."""
        failures = 0
        while not stop.is_set():
            try:
                self.recover()
                while not stop.is_set():
                    if not self.turn(stop):
                        stop.wait(self._look_every_s)
                    failures = 0
            except JournalError as exc:
                failures += 1
                if failures == 1:
                    logger.error("update.journal_unwritable", extra={"reason": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - its sentence says it all
                stop.wait(max(self._look_every_s, pause_s(failures, self._look_every_s)))

    def recover(self) -> None:
        """Goes on from what is on disk, as after a kill.

        Raises:
            JournalError: It cannot be written.
        """
        found = self._file.load()
        self._journal = found
        if found.phase != "idle":
            self._save(table.resumed(found))
            logger.info("update.resumed", extra={"found": found.phase, "phase": self._journal.phase})

    def turn(self, stop: threading.Event) -> bool:
        """One phase, or a look for an order; returns whether there was anything to do.

        Raises:
            JournalError: It cannot be written.
        """
        phase = self._journal.phase
        if phase == "idle":
            self._pay()
            return self._take_order()
        reach(f"update.{phase}.begin")
        try:
            with self._within(table.ROWS[phase].within_s):
                following = self._act(stop)
        except Interrupted:
            return False
        reach(f"update.{phase}.end")
        self._save(following)
        if following.phase == "idle":
            self._say_end()
        return True

    def is_overdue(self) -> bool:
        """Whether a phase takes longer than any can: this process hangs, and is to be ended. Any thread."""
        deadline_s = self._deadline_s
        return deadline_s is not None and self._now() > deadline_s

    def _act(self, stop: threading.Event) -> Journal:
        try:
            learnt = self._acts.of[self._journal.phase](self._journal, self._going(stop))
        except (Interrupted, JournalError):
            raise
        except Settled as exc:
            return table.settled(self._journal, exc.outcome, **exc.learnt)
        except Exception as exc:  # noqa: BLE001 - whatever a helper does wrong, the gateway goes back
            outcome = outcome_of(exc)
            logger.warning("update.failed", extra={"phase": self._journal.phase, "reason": outcome.reason})
            return table.failed(self._journal, outcome)
        return table.done(self._journal, **learnt)

    def _pay(self) -> None:
        """Goes back where that is still owed, once a minute."""
        if not self._journal.owed or self._now() < self._pay_at_s:
            return
        self._pay_at_s = self._now() + _PAY_EVERY_S
        try:
            with self._within(table.ROWS["rollback"].within_s):
                learnt = self._acts.pay(self._journal)
        except Exception as exc:  # noqa: BLE001 - tried again, whatever it was
            logger.warning("update.still_owed", extra={"owed": self._journal.owed, "reason": str(exc)})
            return
        self._save(msgspec.structs.replace(self._journal, **learnt))

    def _take_order(self) -> bool:
        asked = self._orders.look()
        if asked is None or asked.order.order_id in self._journal.ended:
            return False
        taken = msgspec.structs.replace(self._journal, order_id=asked.order.order_id, order=asked.order)
        logger.info("update.begun", extra={"order": asked.order.order_id, "version": asked.order.bundle.version})
        begun = table.done(taken)
        self._save(table.settled(begun, _WITHDRAWN) if asked.withdrawn else begun)
        return True

    def _going(self, stop: threading.Event) -> Going:
        return Going(
            stop=stop,
            withdrawn=self._is_withdrawn,
            renewed=self._renewed,
            tell=lambda detail: self._save(msgspec.structs.replace(self._journal, detail=detail)),
            ask_url=lambda: self._save(msgspec.structs.replace(self._journal, needs_url=True)),
        )

    def _is_withdrawn(self) -> bool:
        asked = self._orders.look()
        return asked is not None and asked.withdrawn and asked.order.order_id == self._journal.order_id

    def _renewed(self) -> Order | None:
        asked = self._orders.look()
        return asked.order if asked is not None and asked.order.order_id == self._journal.order_id else None

    def _save(self, journal: Journal) -> None:
        with self._within(_SAVE_WITHIN_S):
            self._journal = self._file.save(journal)

    @contextlib.contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """What takes longer hangs."""
        before = self._deadline_s
        self._deadline_s = self._now() + seconds
        try:
            yield
        finally:
            self._deadline_s = before

    def _say_end(self) -> None:
        outcome = self._journal.ended[self._journal.order_id]
        logger.info(
            "update.over",
            extra={"order": self._journal.order_id, "status": outcome.status, "reason": outcome.reason},
        )
