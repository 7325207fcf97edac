"""The update machine, loaded while there is something for it to do.

```
order.json is not over, or the journal is not idle ─▶ machine on a thread ─▶ over ─▶ the supervisor begins anew
```
What verifies, downloads and unpacks costs 15 MiB. Beginning anew (exec(2)) gives them back, ends a machine that hangs,
and is the moment at which a new release's supervisor may take over.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from device_agent.fleet.probe import reading
from device_agent.fleet.probe.watch import WorkProbe
from device_agent.fleet.update.wanted import is_wanted, phase_of
from device_agent.supervising.terms import Terms

if TYPE_CHECKING:
    from device_agent.fleet.update.machine import Machine

LOOK_EVERY: Final = 10
_JOIN_S: Final = 15.0
TRY_EVERY_S: Final = 60.0
"""A machine that cannot even be put together is not tried, and the supervisor not begun anew, more often."""


logger = logging.getLogger(__name__)


class Kept(Protocol):
    """The processes, as an update needs them."""

    @property
    def probe(self) -> WorkProbe:
        """Of their work."""

    def restart(self, *, within_s: float) -> bool:
        """See ``Supervising``."""


class Carrier:
    """Carries updates. One thread calls ``tick``.

    Args:
        document: The gateway's.
        terms: See there.
        kept: See there.
        monotonic_s: Seconds, never going back.

    Attributes:
        is_over: An update was carried, and there is nothing left to do.
        is_hung: A phase takes longer than any can.
    """

    def __init__(
        self, document: Path, terms: Terms, kept: Kept, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._document, self._terms, self._kept = document, terms, kept
        self._folder = terms.folder / "update"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._machine: Machine | None = None
        self._turn = 0
        self._now, self._begun_s = monotonic_s, monotonic_s()
        self.is_over = self.is_hung = False

    def tick(self) -> None:
        """Looks whether there is something to do; about once a second."""
        self._turn += 1
        if self._turn % LOOK_EVERY or self.is_over:
            return
        wanted = is_wanted(self._folder)
        if self._thread is None:
            if wanted:
                self._begin()
        elif not wanted or (not self._thread.is_alive() and self._now() >= self._begun_s + TRY_EVERY_S):
            self.is_over = True
        elif self._machine is not None and self._machine.is_overdue():
            logger.error("update.hung", extra={"phase": self.phase()})
            self.is_hung = self.is_over = True

    def phase(self) -> str:
        """Of the update that runs; empty where none does."""
        return phase_of(self._folder) if self._thread is not None else ""

    def end(self) -> None:
        """Has the machine stop where it is; the next process goes on."""
        self._stop.set()
        if self._thread is not None and not self.is_hung:
            self._thread.join(_JOIN_S)

    def _begin(self) -> None:
        self._begun_s = self._now()
        self._thread = threading.Thread(target=self._work, name="update", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._machine = _assembled(self._document, self._terms, self._kept)
            self._machine.work(self._stop)
        except Exception:  # the top of a thread: processes go on, the next supervisor tries again
            logger.exception("update.failed")


def _assembled(document: Path, terms: Terms, kept: Kept) -> "Machine":
    from device_agent.fleet.targets.standalone import refusal, targets_of  # noqa: PLC0415 - see the module
    from device_agent.fleet.trust.gateway import gateway_trust  # noqa: PLC0415 - same
    from device_agent.fleet.update.bootstrap import update_machine  # noqa: PLC0415 - same
    from device_agent.supervising.own_part import load_for_updates  # noqa: PLC0415 - same

    def is_episode_open() -> bool:
        said = reading.sensed(terms.folder)
        return said is not None and said.episode_open

    config = load_for_updates(document, terms)
    targets = targets_of(
        terms.folder, terms.install, document, restart=lambda within_s: kept.restart(within_s=within_s)
    )
    return update_machine(
        config,
        terms.folder,
        trust=gateway_trust(config),
        targets={kind: target for kind, target in targets.items() if not refusal(config, kind)},
        probe=kept.probe,
        episode_open=is_episode_open,
    )
