"""Asked before every deployment: may it begin? At once, unless something is going on that a restart would disturb.

```
pre-update ─┬─ idle: 0 ms, go ahead
            ├─ an episode is open: ask again in ``recheck_s`` ──▶ asked again …
            └─ the same deployment has waited ``defer_limit_s``: 0 ms, go ahead
```
An answer is owed within the deployment's time-out (60 s by default), whatever happens here: a component that stays
silent holds every deployment of the core device up.
Classic only; the lite nucleus does not ask. Source: greengrass nucleus, ``UpdateSystemPolicyService``.
"""

import logging
from collections.abc import Callable
from typing import Final

from device_agent.config import UpdatesConfig
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import NucleusError
from device_agent.ipc.port import ANSWER_S, Nucleus

_REMEMBERED: Final = 8

logger = logging.getLogger(__name__)


class Updates:
    """Answers; on the subscription's own thread.

    Args:
        nucleus: Asks.
        busy: Why not now; empty where nothing speaks against it.
        config: The limits of now.
        monotonic_s: Seconds, never going back.

    Attributes:
        counters: ``updates_allowed``, ``updates_deferred``, and ``updates_past_limit``: allowed although it was busy.
    """

    def __init__(
        self,
        nucleus: Nucleus,
        busy: Callable[[], str],
        *,
        config: Callable[[], UpdatesConfig],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._nucleus = nucleus
        self._busy = busy
        self._config = config
        self._now = monotonic_s
        self._since: dict[str, float] = {}
        self.counters = dict.fromkeys(("updates_allowed", "updates_deferred", "updates_past_limit"), 0)
        nucleus.subscribe(ops.SubscribeToComponentUpdates(), self._hear)

    def _hear(self, event: ops.ComponentUpdate) -> None:
        if event.is_done:
            self._since.pop(event.deployment_id, None)
            return
        wait_ms, reason = self._decide(event.deployment_id)
        answer = ops.DeferComponentUpdate(event.deployment_id, wait_ms, reason)
        logger.info("update.asked", extra={"deployment": event.deployment_id, "wait_ms": wait_ms, "reason": reason})
        try:
            self._nucleus.call(answer).result(ANSWER_S + 1)
        except (NucleusError, TimeoutError) as exc:
            logger.warning("update.unanswered", extra={"deployment": event.deployment_id, "reason": str(exc)})

    def _decide(self, deployment_id: str) -> tuple[int, str]:
        reason, limits = self._busy(), self._config()
        if not reason:
            self.counters["updates_allowed"] += 1
            return 0, ""
        while len(self._since) >= _REMEMBERED and deployment_id not in self._since:
            self._since.pop(next(iter(self._since)))
        waited_s = self._now() - self._since.setdefault(deployment_id, self._now())
        if waited_s >= limits.defer_limit_s:
            self.counters["updates_past_limit"] += 1
            return 0, f"{reason}, but this has waited {waited_s:.0f} s"
        self.counters["updates_deferred"] += 1
        return round(min(limits.recheck_s, limits.defer_limit_s - waited_s) * 1000) or 1, reason
