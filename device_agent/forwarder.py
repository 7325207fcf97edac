"""From the spool to the broker: who goes first, how many at once, what goes again, what may be forgotten.

```
spool ─ take ─▶ window (in_flight) ─▶ token bucket ─▶ publish ─▶ acknowledged: the broker has it, keep it
  ▲                                                          └─▶ failed or refused: again, with back-off
  └─ forget ◀─ watermark: the cloud has stored it
```
Rules: episodes before summaries before raw context, and a quarter of the window is for events alone. A block is
forgotten on the cloud's watermark, never on an acknowledgement. A block that is refused while its neighbours
pass is poison: it is given up and declared, so its lane goes on; if everything is refused, nothing is given up.

One thread calls ``step``; the uplink's thread only fills two queues. Not here: how far a lane has come
(``device_agent.lane_progress``), the connection (``device_agent.uplink``).
"""

import logging
import queue
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future

import msgspec

from contract.codec import decode_stored
from contract.errors import ContractError
from contract.events import LANES, Lane
from contract.topics import events_topic, stored_topic
from device_agent.config import UplinkConfig
from device_agent.errors import UplinkError
from device_agent.lane_progress import LaneProgress, Retry
from device_agent.spool.port import Block, Outbox
from device_agent.uplink.pacing import Backoff, TokenBucket
from device_agent.uplink.port import PublishRefusedError, Uplink

REFUSALS_BEFORE_GIVING_UP = 3
POLL_S = 0.15
"""How soon a new row in the spool is noticed, at the latest."""

DRAIN_S = 3.0
_HEARD_AT_ONCE = 64

logger = logging.getLogger(__name__)


class Traffic(msgspec.Struct, kw_only=True):
    """What the forwarder counted since its start.

    Attributes:
        publishes: Messages sent, second copies included.
        sent_bytes: Their payloads.
        resent: Of ``publishes``, second copies sent by this process.
        acknowledged: Taken by the broker.
        failed: Not acknowledged: the link went, or no answer came.
        refused: Refused by the broker.
        given_up: Blocks refused so often that they were quarantined and declared.
        watermarks: Answers of the cloud that were heeded.
        foreign: Answers about another spool, ignored.
        malformed: Answers that could not be read, ignored.
        unheard: Answers thrown away because too many came at once; a later one says the same and more.
    """

    publishes: int = 0
    sent_bytes: int = 0
    resent: int = 0
    acknowledged: int = 0
    failed: int = 0
    refused: int = 0
    given_up: int = 0
    watermarks: int = 0
    foreign: int = 0
    malformed: int = 0
    unheard: int = 0


class Forwarder:
    """Forwards one gateway's spool.

    Args:
        outbox: The spool.
        uplink: Not yet connected.
        gateway_id: Who publishes.
        config: Limits and the rule's name.
        monotonic_s: Seconds, never going back.
        source: Randomness for back-off.
    """

    def __init__(
        self,
        outbox: Outbox,
        uplink: Uplink,
        *,
        gateway_id: str,
        config: UplinkConfig,
        monotonic_s: Callable[[], float],
        source: random.Random,
    ) -> None:
        self.traffic = Traffic()
        self._outbox = outbox
        self._uplink = uplink
        self._gateway_id = gateway_id
        self._config = config
        self._now = monotonic_s
        rate = config.publishes_per_s
        self._bucket = TokenBucket(rate, burst=max(1.0, rate * POLL_S), now_s=monotonic_s())
        self._backoff = Backoff(first_s=1.0, last_s=30.0, source=source)
        self._lanes = {lane: self._progress(lane) for lane in LANES}
        self._in_flight: dict[Lane, set[int]] = {lane: set() for lane in LANES}
        self._answers: queue.SimpleQueue[tuple[Block, Future[None]]] = queue.SimpleQueue()
        self._heard: queue.Queue[bytes] = queue.Queue(maxsize=_HEARD_AT_ONCE)
        self._wake = threading.Event()

    @property
    def in_flight(self) -> int:
        """Publishes sent and not yet answered."""
        return sum(map(len, self._in_flight.values()))

    def run(self, stop: threading.Event) -> None:
        """Forwards until ``stop``, then tries for a few seconds to send what is left. Closes the uplink."""
        self.connect()
        try:
            while not stop.is_set():
                self.step()
                self._wake.wait(POLL_S)
                self._wake.clear()
            self._drain()
        finally:
            self._uplink.close()

    def connect(self) -> None:
        """Begins to connect; returns at once."""
        self._uplink.connect(stored_topic(self._gateway_id), self._hear, self._wake.set)

    def step(self, *, flush: bool = False) -> None:
        """Heeds what came back, then sends what may be sent now; ``flush`` lets nothing wait for company."""
        self._heed_answers()
        self._heed_watermarks()
        if self._uplink.link.connected:
            for lane in LANES:
                self._send(lane, flush=flush)

    def _progress(self, lane: Lane) -> LaneProgress:
        return LaneProgress(lane, self._outbox, linger_s=0 if lane == "events" else self._config.linger_s)

    def _send(self, lane: Lane, *, flush: bool) -> None:
        window = self._config.in_flight - (0 if lane == "events" else self._config.in_flight // 4)
        while self.in_flight < window and self._bucket.ready(self._now()):
            choice = self._lanes[lane].next(self._now(), self._in_flight[lane], flush=flush)
            if choice is None:
                return
            self._publish(choice.block, again=choice.again)

    def _publish(self, block: Block, *, again: bool) -> None:
        payload = block.envelope(self._gateway_id)
        self._bucket.take()
        self._in_flight[block.lane].add(block.first_seq)
        self.traffic.publishes += 1
        self.traffic.sent_bytes += len(payload)
        self.traffic.resent += again
        answer = self._uplink.publish(events_topic(self._gateway_id, block.lane, self._config.rule), payload)
        answer.add_done_callback(lambda done: self._answered(block, done))

    def _answered(self, block: Block, done: Future[None]) -> None:
        self._answers.put((block, done))
        self._wake.set()

    def _hear(self, payload: bytes) -> None:
        try:
            self._heard.put_nowait(payload)
        except queue.Full:
            self.traffic.unheard += 1
        self._wake.set()

    def _heed_answers(self) -> None:
        while not self._answers.empty():
            block, done = self._answers.get_nowait()
            self._in_flight[block.lane].discard(block.first_seq)
            error = done.exception()
            if error is None:
                self.traffic.acknowledged += 1
                self._lanes[block.lane].acknowledged += 1
                self._lanes[block.lane].retries.pop(block.first_seq, None)
            elif isinstance(error, PublishRefusedError):
                self._heed_refusal(block, error)
            elif isinstance(error, UplinkError):
                self._heed_failure(block)
            else:
                raise error

    def _heed_failure(self, block: Block) -> None:
        self.traffic.failed += 1
        lane = self._lanes[block.lane]
        retry = lane.retries.get(block.first_seq, Retry())
        failures = retry.failures + 1 if self._uplink.link.connected else 0
        wait_s = self._backoff.wait_s(failures) if failures else 0.0
        lane.retries[block.first_seq] = retry._replace(due_s=self._now() + wait_s, failures=failures)

    def _heed_refusal(self, block: Block, error: PublishRefusedError) -> None:
        self.traffic.refused += 1
        lane = self._lanes[block.lane]
        retry = lane.retries.get(block.first_seq, Retry())
        acknowledged = retry.acknowledged if retry.refusals else lane.acknowledged
        retry = retry._replace(refusals=retry.refusals + 1, acknowledged=acknowledged)
        others_pass = lane.acknowledged > retry.acknowledged
        if error.permanent or (retry.refusals >= REFUSALS_BEFORE_GIVING_UP and others_pass):
            self._give_up(block, str(error))
            return
        lane.retries[block.first_seq] = retry._replace(due_s=self._now() + self._backoff.wait_s(retry.refusals))
        if retry.refusals == 1:
            logger.warning("forward.refused", extra=_named(block) | {"reason": str(error), "remedy": error.remedy})

    def _give_up(self, block: Block, reason: str) -> None:
        self._lanes[block.lane].retries.pop(block.first_seq, None)
        self._outbox.give_up(block.lane, block.first_seq, block.last_seq, "refused")
        self.traffic.given_up += 1
        logger.error("forward.given_up", extra=_named(block) | {"reason": reason})

    def _heed_watermarks(self) -> None:
        while not self._heard.empty():
            try:
                stored = decode_stored(self._heard.get_nowait())
            except ContractError as exc:
                self.traffic.malformed += 1
                logger.warning("forward.answer_malformed", extra={"reason": str(exc)})
                continue
            if stored.spool_id != self._outbox.spool_id:
                self.traffic.foreign += 1
                continue
            self.traffic.watermarks += 1
            self._outbox.forget(stored.lane, stored.through)
            self._lanes[stored.lane].miss(stored.missing, self._now())

    def _drain(self) -> None:
        deadline = self._now() + DRAIN_S
        while self._uplink.link.connected and self._now() < deadline:
            before = self.traffic.publishes
            self.step(flush=True)
            if self.in_flight == 0 and self.traffic.publishes == before and self._bucket.ready(self._now()):
                return
            self._wake.wait(0.02)
            self._wake.clear()


def _named(block: Block) -> dict[str, object]:
    return {"lane": block.lane, "first_seq": block.first_seq, "last_seq": block.last_seq}
