"""A cloud in memory for a spool's blocks: it keeps the first copy, and moves the watermark of the real one."""

import copy
import json
from collections import Counter
from typing import NamedTuple

from cloud_functions.core.watermark import Mark, advance, missing
from contract.codec import decode_envelope
from contract.envelope import Range
from contract.events import LANES, Lane
from device_agent.spool.port import Outbox

_ROUNDS = 40


class EventId(NamedTuple):
    """Where an event was accepted."""

    spool_id: str
    lane: Lane
    seq: int


class Cloud:
    """What arrived.

    Attributes:
        events: By id the number that the event carries as its ``wall_ms``.
        declared: Ranges given up, with their reason, by spool and lane.
    """

    def __init__(self) -> None:
        self.events: dict[EventId, int] = {}
        self.declared: dict[tuple[str, Lane], list[tuple[int, int, str]]] = {}
        self._marks: dict[tuple[str, Lane], Mark] = {}

    def copy(self) -> "Cloud":
        """Another one that has the same."""
        return copy.deepcopy(self)

    def receive(self, payload: bytes) -> None:
        """Stores an envelope; what is there already stays as it is."""
        envelope = decode_envelope(payload)
        lane = envelope.spool_id, envelope.lane
        for seq, event in enumerate(envelope.events, envelope.first_seq):
            number = json.loads(bytes(event))["wall_ms"]
            self.events.setdefault(EventId(*lane, seq), number)
        ranges = [(each.first, each.last, each.reason) for each in envelope.declared]
        self.declared.setdefault(lane, []).extend(ranges)
        spans = [(envelope.first_seq, envelope.last_seq), *((first, last) for first, last, _ in ranges)]
        self._marks[lane] = advance(self._marks.get(lane, Mark()), spans)

    def through(self, spool_id: str, lane: Lane) -> int:
        """The watermark."""
        return self._marks.get((spool_id, lane), Mark()).through

    def missing(self, spool_id: str, lane: Lane) -> list[Range]:
        """What later envelopes jumped over."""
        return missing(self._marks.get((spool_id, lane), Mark()))

    def reason(self, event: EventId) -> str | None:
        """Why an event was given up, if it was."""
        ranges = self.declared.get((event.spool_id, event.lane), [])
        return next((reason for first, last, reason in ranges if first <= event.seq <= last), None)

    def copies(self) -> int:
        """Events that are stored under more than one id; those that a spool tells itself have no number above 0."""
        return sum(count - 1 for number, count in Counter(self.events.values()).items() if number > 0)


def drain(outbox: Outbox, cloud: Cloud) -> bool:
    """Forwards everything by the forwarder's rules, without its clock; returns whether nothing is left to tell."""
    for _ in range(_ROUNDS):
        for lane in LANES:
            _send(outbox, cloud, lane)
            _answer_missing(outbox, cloud, lane)
            outbox.forget(lane, cloud.through(outbox.spool_id, lane))
        if all(outbox.waiting(lane) is None and not cloud.missing(outbox.spool_id, lane) for lane in LANES):
            return True
    return False


def _send(outbox: Outbox, cloud: Cloud, lane: Lane) -> None:
    after = 0
    while block := outbox.take(lane, after=after, partial=True):
        cloud.receive(block.envelope("gateway"))
        after = block.first_seq


def _answer_missing(outbox: Outbox, cloud: Cloud, lane: Lane) -> None:
    for hole in cloud.missing(outbox.spool_id, lane):
        outbox.give_up(lane, hole.first, hole.last, "forgotten")
