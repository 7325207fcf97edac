"""A queue record into a stored block, or into quarantine.

First wins: a block's key is made of its gateway, lane and first sequence, and a gateway seals a block before
it sends it, so a second copy is equal and changes nothing. One that differs is taken apart (``conflict``): what
is new in it is stored beside the first; where both hold one sequence and not one event, the second is kept
whole in quarantine, and so is every event nobody understands. Only then do their sequences count as settled.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec.structs import replace

from cloud_functions.core.conflict import compare
from cloud_functions.core.errors import RejectedError
from cloud_functions.core.head import read_head
from cloud_functions.core.message import Raw, read_envelope, unwrap
from cloud_functions.core.ports import AnyRow, Clock, Table
from cloud_functions.core.quarantine import bad_event_row, broker_ms, counter_row, poison_row
from cloud_functions.core.rows import Block
from cloud_functions.core.shape import Retention, block_row, expiry, same_block
from cloud_functions.core.sift import NOTHING, Sifted, sift
from cloud_functions.core.tally import Tally
from contract.envelope import Envelope

MAX_BAD_ROWS: Final = 20
"""Bad events of one envelope that are kept one by one. Above it the whole message is kept as one row: a row each
would take tens of thousands of writes for one message, and the time of every other message of the batch."""


class Record(NamedTuple):
    """One message of the queue."""

    record_id: str
    body: str


class Arrival(NamedTuple):
    """An envelope whose sequences are settled: stored, or kept in quarantine.

    Attributes:
        record_id: Of the record it came in.
        envelope: Itself; of a refused one its head (``head``).
        sifted: Its events; none of a refused one.
        broker_ms: When the broker received it; 0 where nobody knows.
        is_new: Whether it came for the first time.
        clash: The sequence under which another event is stored; 0 where there is none.
    """

    record_id: str
    envelope: Envelope
    sifted: Sifted
    broker_ms: int
    is_new: bool
    clash: int = 0

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The sequences it settles: its own, and those it declares given up."""
        own = (self.envelope.first_seq, self.envelope.last_seq)
        return [own, *((given_up.first, given_up.last) for given_up in self.envelope.declared)]


class _Stored(NamedTuple):
    is_new: bool
    clash: int = 0


class Receiver:
    """Stores records.

    Args:
        table: Where to.
        clock: The cloud's time.
        retention: How long rows stay.
    """

    def __init__(self, table: Table, clock: Clock, retention: Retention) -> None:
        self._table = table
        self._clock = clock
        self._retention = retention

    def receive(self, record: Record, tally: Tally) -> Arrival | None:
        """Stores one record; ``None`` if nobody can tell which sequences it held. Raises ``StoreError``."""
        raw = unwrap(record.body)
        try:
            envelope = read_envelope(raw)
        except RejectedError as exc:
            return self._refuse(record, raw, str(exc), tally)
        sifted = sift(envelope)
        self._keep_bad(raw, envelope, sifted, tally)
        stored = self._store(raw, envelope, sifted, tally)
        return Arrival(record.record_id, envelope, sifted, broker_ms(raw), stored.is_new, stored.clash)

    def _refuse(self, record: Record, raw: Raw, reason: str, tally: Tally) -> Arrival | None:
        head = read_head(raw)
        is_new = self._poison(raw, head, reason, tally)
        return Arrival(record.record_id, head, NOTHING, broker_ms(raw), is_new) if head else None

    def _store(self, raw: Raw, envelope: Envelope, sifted: Sifted, tally: Tally) -> _Stored:
        block = self._block(envelope, sifted)
        first = self._insert(block, tally)
        if first is None:
            return _Stored(is_new=True)
        tally.add("duplicates")
        if isinstance(first, Block) and same_block(first, block):
            return _Stored(is_new=False)
        return _Stored(is_new=False, clash=self._take_apart(raw, envelope, first, tally))

    def _take_apart(self, raw: Raw, envelope: Envelope, first: AnyRow, tally: Tally) -> int:
        """Stores what of a second block is new; returns the sequence of an event that contradicts the first."""
        found = compare(first, envelope)
        if found.clash:
            reason = f"another event is stored as {envelope.lane} {found.clash} of spool {envelope.spool_id}"
            self._poison(raw, envelope, reason, tally)
        for part in found.parts:
            self._insert(self._beside(part), tally)
        return found.clash

    def _beside(self, part: Envelope) -> Block:
        block = self._block(part, sift(part))
        return replace(block, sk=f"{block.sk}#beside")

    def _insert(self, block: Block, tally: Tally) -> AnyRow | None:
        first = self._table.insert(block)
        if first is None:
            tally.add("blocks")
            tally.add("events", block.count)
        return first

    def _block(self, envelope: Envelope, sifted: Sifted) -> Block:
        return block_row(envelope, sifted, now_ms=self._clock(), days=self._retention.block_days)

    def _keep_bad(self, raw: Raw, envelope: Envelope, sifted: Sifted, tally: Tally) -> None:
        tally.add("bad_events", len(sifted.bad))
        if len(sifted.bad) > MAX_BAD_ROWS:
            first = sifted.bad[0]
            self._poison(raw, None, f"{len(sifted.bad)} bad events; the first, {first.seq}: {first.reason}", tally)
            return
        now_ms = self._clock()
        expires_at = expiry(now_ms, self._retention.block_days)
        for bad in sifted.bad:
            row = bad_event_row(envelope, bad, now_ms=now_ms, expires_at=expires_at)
            self._table.insert(row, counter=counter_row(envelope.gateway_id))

    def _poison(self, raw: Raw, head: Envelope | None, reason: str, tally: Tally) -> bool:
        now_ms = self._clock()
        row = poison_row(raw, head, reason, now_ms=now_ms, expires_at=expiry(now_ms, self._retention.block_days))
        first = self._table.insert(row, counter=counter_row(raw.gateway_id))
        tally.add("poison")
        return first is None


def by_gateway(arrivals: Iterable[Arrival]) -> dict[str, list[Arrival]]:
    """The arrivals of each gateway."""
    found: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        found.setdefault(arrival.envelope.gateway_id, []).append(arrival)
    return found
