"""What every spool is: the place where "accepted" becomes true.

Rules kept by every adapter (one conformance suite runs over all):
1. ``append`` returns only when its events survive a power cut; it takes all of them or none.
2. Each lane counts from 1; a sequence number is never used twice, not even after everything was forgotten.
3. A block's boundaries and declarations are kept before it is handed out, so a second copy is the same bytes.
4. An event is forgotten only when the cloud says that its block is stored. What is given up instead
   (too large, refused, over quota) is kept as a declaration until the cloud has that.

Not here: when a lane is sealed, what is sent again (``device_agent.forwarder``).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from contract.codec import encode_envelope
from contract.envelope import Declared, Envelope
from contract.events import AnyEvent, Lane


class Accepted(NamedTuple):
    """One event's place: with gateway and spool it is the event's id."""

    lane: Lane
    seq: int


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbours in one lane that travel together; sealed, it never changes.

    Attributes:
        spool_id: Of the spool that counted.
        boot_id: Under which all of its events happened.
        lane: Which lane.
        first_seq: Sequence number of the first event.
        last_seq: Of the last one. A block that only carries declarations has used up one number for itself.
        events: Each event's JSON; empty where the block only carries declarations.
        declared: Ranges given up, told to the cloud with this block.
    """

    spool_id: str
    boot_id: str
    lane: Lane
    first_seq: int
    last_seq: int
    events: tuple[bytes, ...]
    declared: tuple[Declared, ...] = ()

    def envelope(self, gateway_id: str) -> bytes:
        """The bytes that travel, the same at every call; at most ``MAX_ENVELOPE_BYTES``."""
        return encode_envelope(
            Envelope(
                gateway_id=gateway_id,
                spool_id=self.spool_id,
                boot_id=self.boot_id,
                lane=self.lane,
                first_seq=self.first_seq,
                events=[msgspec.Raw(event) for event in self.events],
                declared=list(self.declared),
            )
        )


class Appender(Protocol):
    """The side that senses. Any thread may call it."""

    @property
    def spool_id(self) -> str:
        """Random, made once with the spool."""

    def append(self, boot_id: str, events: Sequence[AnyEvent]) -> list[Accepted]:
        """Accepts events, in their order, in one transaction.

        An event that no envelope can hold is accepted, quarantined and declared.

        Returns:
            One place per event; when it returns they are durable.

        Raises:
            SpoolError: None of them is accepted.
        """

    def pending(self) -> dict[Lane, int]:
        """By lane: sequence numbers of which the cloud has not yet said that it stored or knows them."""

    def counters(self) -> dict[str, int]:
        """What happened to this spool: ``quarantined``, ``dropped``, ``moved_aside``; absent is 0."""


class Outbox(Protocol):
    """The side that forwards, one caller at a time. A method raises ``SpoolError`` where the disk fails."""

    @property
    def spool_id(self) -> str:
        """Random, made once with the spool."""

    def take(self, lane: Lane, *, after: int, partial: bool) -> Block | None:
        """The next block of a lane whose first sequence is above ``after``; nothing is marked as sent.

        Where no sealed one is left, a new one is sealed if it is full or ``partial`` is true.
        """

    def waiting(self, lane: Lane) -> int | None:
        """Lowest sequence that no block of the lane holds yet, declarations included, or ``None``."""

    def forget(self, lane: Lane, through: int) -> int:
        """Forgets the blocks that end at or below ``through``, and nothing that still waits.

        Returns:
            The watermark now: the highest sequence known to be stored.
        """

    def give_up(self, lane: Lane, first: int, last: int, reason: str) -> None:
        """Gives up what the cloud will never get of a range, so that its watermark can pass.

        Sealed blocks inside it are quarantined and declared. What was forgotten on the cloud's word, and is
        missed by it all the same (its table was replaced), is declared. The rest of the range is left alone.
        """
