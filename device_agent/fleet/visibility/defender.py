"""Sends reports to AWS IoT Device Defender every few minutes, while there is a link.

```
connected ─▶ every_s ─▶ look ─▶ report ─▶ …/defender/metrics/json ─▶ accepted | rejected: counted
```
The service takes one report in five minutes and thing (AWS IoT Device Defender Developer Guide). Nothing is kept for
later: a report tells of now.

Not here: the report's form (``metrics``).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from contract.topics import defender_topic
from device_agent.errors import UplinkError
from device_agent.fleet.visibility.metrics import report
from device_agent.fleet.visibility.report_ids import ReportIds
from device_agent.fleet.visibility.sockets import Sockets
from device_agent.uplink.port import Deliver, Uplink

LEAST_EVERY_S: Final = 300.0
_LOOK_EVERY_S: Final = 5.0
_ANSWER_S: Final = 15.0

logger = logging.getLogger(__name__)


class Seen(NamedTuple):
    """One look.

    Attributes:
        sockets: Of the machine.
        custom: Numbers of our own.
    """

    sockets: Sockets
    custom: Mapping[str, float]


class Defender:
    """Uses the agent's connection beside the forwarder (``device_agent.uplink.beside.Beside``).

    Args:
        uplink: Connected by somebody else.
        gateway_id: The thing.
        ids: Of reports.
        see: Looks at the machine.
        every_s: Seconds between reports.
        monotonic_s: Seconds, never going back.

    Attributes:
        counters: What became of reports.
    """

    def __init__(
        self,
        uplink: Uplink,
        gateway_id: str,
        ids: ReportIds,
        *,
        see: Callable[[], Seen],
        every_s: float = LEAST_EVERY_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._uplink, self._gateway_id, self._ids = uplink, gateway_id, ids
        self._every_s, self._see, self._now = every_s, see, monotonic_s
        self._before = see().sockets
        self._due_s = monotonic_s() + every_s
        names = ("defender_sent", "defender_unsent", "defender_accepted", "defender_rejected")
        self.counters = dict.fromkeys(names, 0)

    def hears(self) -> dict[str, Deliver]:
        """For ``Uplink.connect``."""
        return {
            defender_topic(self._gateway_id, "/accepted"): self._accepted,
            defender_topic(self._gateway_id, "/rejected"): self._rejected,
        }

    def run(self, stop: threading.Event) -> None:
        """The thread's work."""
        while not stop.wait(_LOOK_EVERY_S):
            self.step()

    def step(self) -> None:
        """Sends a report if one is due and there is a link."""
        if self._now() < self._due_s or not self._uplink.link.connected:
            return
        self._due_s = self._now() + self._every_s
        now = self._see()
        message = report(self._ids.next(), now.sockets, self._before, now.custom)
        self._before = now.sockets
        try:
            self._uplink.publish(defender_topic(self._gateway_id), message).result(_ANSWER_S)
        except (UplinkError, TimeoutError) as exc:
            self.counters["defender_unsent"] += 1
            logger.warning("defender.unsent", extra={"reason": str(exc), "remedy": "nothing: the next one tells more"})
        else:
            self.counters["defender_sent"] += 1

    def _accepted(self, _: bytes) -> None:
        self.counters["defender_accepted"] += 1

    def _rejected(self, payload: bytes) -> None:
        self.counters["defender_rejected"] += 1
        remedy = "define its custom metrics in the account, or set `fleet.visibility.defender_s: 0`"
        reason = payload[:300].decode(errors="replace")
        logger.warning("defender.rejected", extra={"reason": reason, "remedy": remedy})
