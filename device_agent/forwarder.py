"""From the spool to the broker: who goes first, how many at once, and when.

```
spool ─ take ─▶ window (in_flight) ─▶ token bucket ─▶ publish ─▶ acknowledged: the broker has it, keep it
  ▲                                                          └─▶ failed or refused: again, with back-off
  └─ forget ◀─ watermark: the cloud has stored it
```
Rules: what is live before what is backlog; episodes before summaries before raw context; a quarter of the window
is for live events alone. A spool that fails is asked again later: nothing of it ends the agent. A lane that the
month's data budget holds back waits in the spool.

One thread calls ``step``. Not here: what follows from the broker's and the cloud's answers (``device_agent.answers``),
how far a lane has come (``device_agent.lane_progress``), the connection (``device_agent.uplink``).
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping

from contract.events import LANES, Lane
from contract.topics import events_topic, stored_topic
from device_agent.alertness import POLL_S, Alertness
from device_agent.answers import Answers, named
from device_agent.budget import Budget
from device_agent.config import UplinkConfig
from device_agent.errors import SpoolError
from device_agent.lane_progress import LaneProgress
from device_agent.silence import Silence
from device_agent.spool.port import Block, Outbox
from device_agent.traffic import Traffic
from device_agent.uplink.pacing import Backoff, Pace
from device_agent.uplink.port import Deliver, Uplink

DRAIN_S = 3.0
SPOOL_RETRY_S = 1.0
_UNLIMITED = 1e9

logger = logging.getLogger(__name__)


class Forwarder:
    """Forwards one gateway's spool.

    Args:
        outbox: The spool.
        uplink: Not yet connected.
        gateway_id: Who publishes.
        config: Limits and the rule's name.
        monotonic_s: Seconds, never going back.
        source: Randomness for back-off.
        budget: What a month may cost.
        hear_also: Who else gets what the cloud says, by topic.
        drain_s: How long what is left may take to go when it is stopped.
        is_told: Whether ``written`` is called after each write to the spool.
    """

    def __init__(  # noqa: PLR0913 - ports and limits, each by its name
        self,
        outbox: Outbox,
        uplink: Uplink,
        *,
        gateway_id: str,
        config: UplinkConfig,
        monotonic_s: Callable[[], float],
        source: random.Random,
        budget: Budget,
        drain_s: float = DRAIN_S,
        hear_also: Mapping[str, Deliver] | None = None,
        is_told: Callable[[], bool] = lambda: False,
    ) -> None:
        self.traffic = Traffic()
        self._outbox = outbox
        self._uplink = uplink
        self._gateway_id = gateway_id
        self._config = config
        self._now = monotonic_s
        self._budget = budget
        self._hear_also = dict(hear_also or {})
        self._drain_s = drain_s
        self._pace = Pace(
            publishes_per_s=_UNLIMITED if config.unlimited else config.publishes_per_s,
            bytes_per_s=_UNLIMITED if config.unlimited else config.bytes_per_s,
            burst_s=POLL_S,
            now_s=monotonic_s(),
        )
        self._lanes = {lane: self._progress(lane) for lane in LANES}
        self._wake = threading.Event()
        self._connects = 0
        self._alertness = Alertness(outbox.version, monotonic_s, is_told)
        self._silence = Silence(config.silent_after_h * 3600, monotonic_s())
        self._answers = Answers(
            outbox,
            self._lanes,
            traffic=self.traffic,
            silence=self._silence,
            backoff=Backoff(first_s=1.0, last_s=30.0, source=source),
            wake=self._wake.set,
        )
        self._resume_at_s = 0.0
        self.trouble = ""

    @property
    def cloud_is_silent(self) -> bool:
        """Whether the broker takes everything and the cloud has not answered for hours."""
        return self._silence.is_silent

    @property
    def in_flight(self) -> int:
        """Publishes sent and not yet answered."""
        return sum(map(len, self._answers.in_flight.values()))

    def run(self, stop: threading.Event) -> None:
        """Forwards until ``stop``, then tries for a few seconds to send what is left. Closes the uplink."""
        self.connect()
        try:
            woken = True
            while not stop.is_set():
                if woken or self._alertness.is_due(calm=self._is_calm()):
                    self.step()
                woken = self._wake.wait(self._alertness.pause_s(calm=self._is_calm()))
                self._wake.clear()
            self._drain()
        finally:
            self._uplink.close()
            self._budget.close()

    def written(self) -> None:
        """Somebody writes to the spool; on any thread."""
        self._alertness.written()
        self._wake.set()

    def wake(self) -> None:
        """Ends a wait; on any thread."""
        self._wake.set()

    def connect(self) -> None:
        """Begins to connect; returns at once."""
        self._uplink.connect({stored_topic(self._gateway_id): self._answers.hear, **self._hear_also}, self._wake.set)

    def step(self, *, flush: bool = False) -> None:
        """Heeds what came back, then sends what may be sent now; ``flush`` lets nothing wait for company."""
        if self._now() < self._resume_at_s:
            return
        try:
            self._step(flush=flush)
        except SpoolError as exc:
            self._suffer(exc)
        else:
            self._recover()

    def _is_calm(self) -> bool:
        """Whether nothing waits for its time, or for the rate that is allowed."""
        return self._pace.ready(self._now()) and all(lane.is_calm for lane in self._lanes.values())

    def _step(self, *, flush: bool) -> None:
        self._alertness.begins()
        self._answers.heed(self._now(), connected=self._uplink.link.connected)
        link = self._uplink.link
        self._budget.tick(connected=link.connected, connects=link.connects)
        self._alertness.ended()
        if not link.connected:
            self._silence.step(self._now(), expecting=self._answers.is_unconfirmed, connected=False)
            return
        if link.connects != self._connects:
            for progress in self._lanes.values():
                progress.link_came_up()
            self._connects = link.connects
        allowed = [lane for lane in LANES if self._budget.allows(lane)]
        for lane in allowed:
            self._send_live(lane, flush=flush)
        for lane in allowed:
            self._send_backlog(lane)
        self._break_silence()

    def _suffer(self, exc: SpoolError) -> None:
        self.traffic.spool_failures += 1
        if not self.trouble:
            logger.error("forward.spool_failed", extra={"reason": str(exc), "remedy": exc.remedy})
        self.trouble = str(exc)
        self._resume_at_s = self._now() + SPOOL_RETRY_S

    def _recover(self) -> None:
        if self.trouble:
            logger.warning("forward.spool_works_again", extra={"after": self.trouble})
            self.trouble = ""

    def _progress(self, lane: Lane) -> LaneProgress:
        return LaneProgress(lane, self._outbox, linger_s=0 if lane == "events" else self._config.linger_s)

    def _send_live(self, lane: Lane, *, flush: bool) -> None:
        window = self._config.in_flight - (0 if lane == "events" else self._config.in_flight // 4)
        while self.in_flight < window and self._pace.ready(self._now()):
            choice = self._lanes[lane].next_live(self._now(), self._answers.in_flight[lane], flush=flush)
            if choice is None:
                return
            self._publish(choice.block, again=choice.again)

    def _send_backlog(self, lane: Lane) -> None:
        window = self._config.in_flight - self._config.in_flight // 4
        while self.in_flight < window and self._pace.ready(self._now()):
            choice = self._lanes[lane].next_backlog(self._now(), self._answers.in_flight[lane])
            self._tell_poison(self._lanes[lane])
            if choice is None:
                return
            self._publish(choice.block, again=choice.again)

    def _tell_poison(self, progress: LaneProgress) -> None:
        for block in progress.poison:
            self.traffic.given_up += 1
            logger.error(
                "forward.given_up", extra=named(block) | {"reason": "acknowledged and missed, again and again"}
            )
        progress.poison.clear()

    def _break_silence(self) -> None:
        was_silent = self._silence.is_silent
        due = self._silence.step(self._now(), expecting=self._answers.is_unconfirmed, connected=True)
        if self._silence.is_silent and not was_silent:
            hours = self._config.silent_after_h
            logger.error(
                "forward.cloud_silent", extra={"hours": hours, "remedy": "look at the cloud's queue and alarms"}
            )
        if not due:
            return
        for lane in LANES:
            block = self._outbox.take(lane, after=0, partial=False)
            if block is not None and block.first_seq not in self._answers.in_flight[lane]:
                self.traffic.probes += 1
                self._publish(block, again=True)
                return

    def _publish(self, block: Block, *, again: bool) -> None:
        payload = block.envelope(self._gateway_id)
        self._pace.take(len(payload))
        self.traffic.publishes += 1
        self.traffic.sent_bytes += len(payload)
        self.traffic.resent += again
        self._budget.published(len(payload))
        answer = self._uplink.publish(events_topic(self._gateway_id, block.lane, self._config.rule), payload)
        self._answers.expect(block, answer)

    def _drain(self) -> None:
        deadline = self._now() + self._drain_s
        while self._uplink.link.connected and self._now() < deadline:
            before = self.traffic.publishes
            self.step(flush=True)
            if self.in_flight == 0 and self.traffic.publishes == before and self._pace.ready(self._now()):
                return
            self._wake.wait(0.02)
            self._wake.clear()
