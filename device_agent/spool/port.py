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
from contract.events import Lane, Loss
from contract.kinds import AnyEvent


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


class Lost(NamedTuple):
    """Events given up, tallied: all of one lane for one reason since this was last told.

    Attributes:
        lane: They were in, or would have been in.
        reason: See ``contract.events.Loss``.
        number: How many; ``None`` where nobody can tell.
        size_bytes: Their JSON.
        first: Lowest sequence; ``None`` where they never had one.
        last: Highest.
    """

    lane: Lane
    reason: str
    number: int | None
    size_bytes: int = 0
    first: int | None = None
    last: int | None = None


def loss_event(lost: Lost, spool_id: str, *, wall_ms: int, monotonic_ms: int) -> Loss:
    """A tally as the event that tells it."""
    return Loss(
        wall_ms=wall_ms,
        monotonic_ms=monotonic_ms,
        of_lane=lost.lane,
        reason=lost.reason,
        count=lost.number,
        size_bytes=lost.size_bytes,
        first_seq=lost.first,
        last_seq=lost.last,
        spool_id=spool_id if lost.first is not None else "",
    )


class Appender(Protocol):
    """The side that senses. Any thread may call it."""

    @property
    def spool_id(self) -> str:
        """Random, made once with the spool."""

    def append(self, boot_id: str, events: Sequence[AnyEvent], lost: Sequence[Lost] = ()) -> list[Accepted]:
        """Accepts events, in their order, in one transaction.

        An event that no envelope can hold is accepted, quarantined and declared.

        Args:
            boot_id: Under which they happened.
            events: Any number.
            lost: What was given up before it could be appended; tallied with what the spool itself gave up.

        Returns:
            One place per event; when it returns they are durable.

        Raises:
            SpoolError: None of them is accepted.
        """

    def tell_losses(self, boot_id: str, *, wall_ms: int, monotonic_ms: int) -> list[tuple[Loss, Accepted]]:
        """Turns what was tallied into one ``Loss`` event a lane and reason, in one transaction.

        Raises:
            SpoolError: Nothing is accepted, and the tallies stay.
        """


class Gauges(Protocol):
    """What a spool says of itself, to any thread; raises ``SpoolError`` where the file cannot be read."""

    @property
    def is_tight(self) -> bool:
        """Whether the disk is so full that the file must not grow: what comes displaces what is oldest."""

    def pending(self) -> dict[Lane, int]:
        """By lane: sequence numbers of which the cloud has not yet said that it stored or knows them."""

    def lane_bytes(self) -> dict[Lane, int]:
        """By lane: JSON of the events kept."""

    def counters(self) -> dict[str, int]:
        """What happened to this spool: ``quarantined``, ``dropped``, ``moved_aside``; absent is 0."""


class Outbox(Protocol):
    """The side that forwards, one caller at a time. A method raises ``SpoolError`` where the disk fails."""

    @property
    def spool_id(self) -> str:
        """Random, made once with the spool."""

    def take(self, lane: Lane, *, after: int, partial: bool) -> Block | None:
        """The block of a lane with the lowest first sequence above ``after``; nothing is marked as sent.

        Where rows above ``after`` that no block holds come before the next block, they are sealed into one, if it
        is full or ``partial`` is true. So rows may be sealed before others that are older.
        """

    def waiting(self, lane: Lane, *, after: int = 0) -> int | None:
        """Lowest sequence above ``after`` that no block holds yet, declarations included, or ``None``."""

    def newest(self, lane: Lane) -> int:
        """The last sequence that was given out; 0 before the first."""

    def version(self) -> tuple[int, ...]:
        """Another one after every ``append`` of any process; cheap enough to ask several times a second."""

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
