"""What follows from what comes back: the broker's answer to each publish, and the cloud's watermarks.

```
publish ─┬─▶ acknowledged: the broker has it, keep it
         ├─▶ failed: again, with back-off
         └─▶ refused: again, with back-off; poison is given up and declared
watermark ─▶ forget what the cloud has stored, send again what it misses
```
Rules: a block is forgotten on the cloud's watermark, never on an acknowledgement. A block that is refused while its
neighbours pass is poison: it is given up and declared, so its lane goes on; if everything is refused, nothing is
given up.

The uplink's thread only fills two queues; one thread calls ``heed``. Not here: sending (``device_agent.forwarder``).
"""

import logging
import queue
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from contract.codec import decode_stored
from contract.envelope import Stored
from contract.errors import ContractError
from contract.events import LANES, Lane
from device_agent.errors import UplinkError
from device_agent.lane_progress import LaneProgress, Retry
from device_agent.silence import Silence
from device_agent.spool.port import Block, Outbox
from device_agent.traffic import Traffic
from device_agent.uplink.pacing import Backoff
from device_agent.uplink.port import PublishRefusedError

REFUSALS_BEFORE_GIVING_UP = 3
_HEARD_AT_ONCE = 64

logger = logging.getLogger(__name__)


class Answers:
    """Of one forwarder.

    Args:
        outbox: The spool.
        lanes: How far each has come.
        traffic: Counted here too.
        silence: Told when the cloud answers.
        backoff: How long a block waits that was not taken.
        wake: Called when there is something to heed; on any thread.

    Attributes:
        in_flight: By lane: first sequences that were sent and not answered.
        is_unconfirmed: Whether anything was acknowledged since the cloud's latest watermark.
    """

    def __init__(
        self,
        outbox: Outbox,
        lanes: Mapping[Lane, LaneProgress],
        *,
        traffic: Traffic,
        silence: Silence,
        backoff: Backoff,
        wake: Callable[[], None],
    ) -> None:
        self.in_flight: dict[Lane, set[int]] = {lane: set() for lane in LANES}
        self.is_unconfirmed = False
        self._outbox = outbox
        self._lanes = lanes
        self._traffic = traffic
        self._silence = silence
        self._backoff = backoff
        self._wake = wake
        self._answered: queue.SimpleQueue[tuple[Block, Future[None]]] = queue.SimpleQueue()
        self._heard: queue.Queue[bytes] = queue.Queue(maxsize=_HEARD_AT_ONCE)
        self._marks: dict[Lane, Stored] = {}

    def expect(self, block: Block, answer: Future[None]) -> None:
        """A block was sent."""
        self.in_flight[block.lane].add(block.first_seq)

        def answered(done: Future[None]) -> None:
            self._answered.put((block, done))
            self._wake()

        answer.add_done_callback(answered)

    def hear(self, payload: bytes) -> None:
        """What the cloud says; on the uplink's thread, never waits."""
        try:
            self._heard.put_nowait(payload)
        except queue.Full:
            self._traffic.unheard += 1
        self._wake()

    def heed(self, now_s: float, *, connected: bool) -> None:
        """Does what follows from all that came since.

        Args:
            now_s: The time, monotonic seconds.
            connected: Whether the link is there: a publish that failed with it goes again at once.

        Raises:
            SpoolError: The spool cannot be read or written; what it was to be told is told it again.
        """
        self._heed_answers(now_s, connected=connected)
        self._heed_watermarks(now_s)

    def _heed_answers(self, now_s: float, *, connected: bool) -> None:
        while not self._answered.empty():
            block, done = self._answered.get_nowait()
            self.in_flight[block.lane].discard(block.first_seq)
            error = done.exception()
            if error is None:
                self._traffic.acknowledged += 1
                self.is_unconfirmed = True
                self._lanes[block.lane].acknowledged += 1
                self._lanes[block.lane].retries.pop(block.first_seq, None)
            elif isinstance(error, PublishRefusedError):
                self._heed_refusal(block, error, now_s)
            elif isinstance(error, UplinkError):
                self._heed_failure(block, now_s, connected=connected)
            else:
                raise error

    def _heed_failure(self, block: Block, now_s: float, *, connected: bool) -> None:
        self._traffic.failed += 1
        lane = self._lanes[block.lane]
        retry = lane.retries.get(block.first_seq, Retry())
        failures = retry.failures + 1 if connected else 0
        wait_s = self._backoff.wait_s(failures) if failures else 0.0
        lane.retries[block.first_seq] = retry._replace(due_s=now_s + wait_s, failures=failures)

    def _heed_refusal(self, block: Block, error: PublishRefusedError, now_s: float) -> None:
        self._traffic.refused += 1
        lane = self._lanes[block.lane]
        retry = lane.retries.get(block.first_seq, Retry())
        acknowledged = retry.acknowledged if retry.refusals else lane.acknowledged
        retry = retry._replace(refusals=retry.refusals + 1, acknowledged=acknowledged)
        others_pass = lane.acknowledged > retry.acknowledged
        if error.permanent or (retry.refusals >= REFUSALS_BEFORE_GIVING_UP and others_pass):
            self._give_up(block, str(error))
            return
        lane.retries[block.first_seq] = retry._replace(due_s=now_s + self._backoff.wait_s(retry.refusals))
        if retry.refusals == 1:
            logger.warning("forward.refused", extra=named(block) | {"reason": str(error), "remedy": error.remedy})

    def _give_up(self, block: Block, reason: str) -> None:
        self._lanes[block.lane].retries.pop(block.first_seq, None)
        self._outbox.give_up(block.lane, block.first_seq, block.last_seq, "refused")
        self._traffic.given_up += 1
        logger.error("forward.given_up", extra=named(block) | {"reason": reason})

    def _heed_watermarks(self, now_s: float) -> None:
        while not self._heard.empty():
            try:
                stored = decode_stored(self._heard.get_nowait())
            except ContractError as exc:
                self._traffic.malformed += 1
                logger.warning("forward.answer_malformed", extra={"reason": str(exc)})
                continue
            if stored.spool_id != self._outbox.spool_id:
                self._traffic.foreign += 1
                continue
            self._traffic.watermarks += 1
            self._silence.heard(now_s)
            self.is_unconfirmed = False
            known = self._marks.get(stored.lane)
            if known is None or stored.through >= known.through:
                self._marks[stored.lane] = stored
        for lane, stored in list(self._marks.items()):
            self._outbox.forget(lane, stored.through)
            self._lanes[lane].miss(stored.missing, stored.through, now_s)
            del self._marks[lane]  # only now: a spool that cannot forget is told again


def named(block: Block) -> dict[str, object]:
    """Which block, for the log."""
    return {"lane": block.lane, "first_seq": block.first_seq, "last_seq": block.last_seq}
