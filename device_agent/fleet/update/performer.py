"""Carries out ``applyBundle``: hands the order to the update machine and watches it.

The machine goes on without it: this process may be replaced by the very update that it watches. Whoever comes after it
hands the same order in again, which changes nothing, and watches on.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from contract.jobs import Action, ApplyBundle, Kind
from device_agent.errors import ThresherError, UpdateError
from device_agent.fleet.port import Interrupted, Outcome, Task
from device_agent.fleet.update.errors import BusyError
from device_agent.fleet.update.orders import UPDATE_FOLDER, FileUpdates
from device_agent.fleet.update.port import Order, Updates, UpdateState

LOOK_EVERY_S: Final = 1.0
TAKEN_WITHIN_S: Final = 120.0
_RENEW_EVERY_S: Final = 10.0

_SUPERVISE: Final = "nobody takes updates here; start `thresher supervise`"

logger = logging.getLogger(__name__)


class BundlePerformer:
    """See ``Performer``.

    Args:
        updates: To the machine.
        refusal: Why a kind is not updated by jobs here; empty if it is.
        look_every_s: How often the machine is asked how it is.
        taken_within_s: An order that no machine takes for so long has failed.
        wall_ms: Unix milliseconds.
        monotonic_s: Seconds, never going back.
    """

    def __init__(
        self,
        updates: Updates,
        refusal: Callable[[Kind], str],
        *,
        look_every_s: float = LOOK_EVERY_S,
        taken_within_s: float = TAKEN_WITHIN_S,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._updates = updates
        self._refusal = refusal
        self._look_every_s = look_every_s
        self._taken_within_s = taken_within_s
        self._wall_ms = wall_ms
        self._now = monotonic_s

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        bundle = _apply(action).input
        if urlsplit(bundle.url).scheme not in {"https", "http"}:
            return "url: only https is taken"
        return self._refusal(bundle.kind)

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        watch = _Watch(task, self._updates, self._wall_ms(), self._now)
        taken_by_s = self._now() + self._taken_within_s
        while True:
            state = self._updates.look()
            if watch.order_id in state.ended:
                return state.ended[watch.order_id]
            if task.stop.is_set():
                raise Interrupted
            if state.order_id == watch.order_id:
                taken_by_s = self._now() + self._taken_within_s
            elif self._now() > taken_by_s and state.phase == "idle" and watch.withdraw():
                return Outcome(status="FAILED", reason=_SUPERVISE)
            watch.go_on(state)
            task.stop.wait(self._look_every_s)

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``: the same, since an order that is known is only watched."""
        return self.perform(task)


def bundle_performer(folder: Path, refusal: Callable[[Kind], str]) -> BundlePerformer:
    """That of a gateway.

    Args:
        folder: Its state folder, where the machine looks for orders.
        refusal: See ``BundlePerformer``.
    """
    return BundlePerformer(FileUpdates(folder / UPDATE_FOLDER), refusal)


class _Watch:
    """One task and its order."""

    def __init__(self, task: Task, updates: Updates, wall_ms: int, monotonic_s: Callable[[], float]) -> None:
        self.order_id: Final = task.key
        self._task = task
        self._updates = updates
        self._now = monotonic_s
        self._order = Order(order_id=self.order_id, bundle=_apply(task.action).input, submitted_wall_ms=wall_ms)
        self._is_submitted = False
        self._renew_at_s = monotonic_s()

    def go_on(self, state: UpdateState) -> None:
        """Submits, tells, renews or takes back, whatever is due."""
        if not self._is_submitted:
            self._is_submitted = self._submit()
        if self._task.cancelled.is_set():
            self.withdraw()
        elif state.needs_url and state.order_id == self.order_id and self._now() >= self._renew_at_s:
            self._renew_at_s = self._now() + _RENEW_EVERY_S
            self._renew()
        if state.order_id == self.order_id:
            self._task.tell(state.phase, {"detail": state.detail} if state.detail else {})
        else:
            self._task.tell("waiting for another update", {})

    def withdraw(self) -> bool:
        """Takes the order back; whether that was written, else it is to be tried again."""
        try:
            self._updates.cancel(self.order_id)
        except UpdateError as exc:
            logger.warning("update.not_withdrawn", extra={"reason": str(exc), "remedy": exc.remedy})
            return False
        return True

    def _submit(self) -> bool:
        try:
            self._updates.submit(self._order)
        except BusyError:
            return False
        except UpdateError as exc:
            logger.warning("update.not_submitted", extra={"reason": str(exc), "remedy": exc.remedy})
            return False
        return True

    def _renew(self) -> None:
        try:
            fresh = _apply(self._task.renew()).input
        except (ThresherError, OSError, TimeoutError) as exc:
            logger.info("update.no_fresh_url", extra={"reason": str(exc)})
            return
        self._order = msgspec.structs.replace(self._order, bundle=fresh)
        self._is_submitted = self._submit()


def _apply(action: Action) -> ApplyBundle:
    if not isinstance(action, ApplyBundle):
        raise UpdateError(f"{type(action).__name__} is no bundle to apply")
    return action
