"""A queue record into a stored block, or into quarantine.

First wins: a block's key is made of its gateway, lane and first sequence, and a gateway seals a block before
it sends it, so a second copy is equal and changes nothing. One that differs breaks the seal; it is kept whole
in quarantine, and so is every event nobody understands. Only then do their sequences count as stored.
"""

from typing import Final, NamedTuple

from cloud_functions.core.errors import RejectedError
from cloud_functions.core.message import Raw, read_envelope, unwrap
from cloud_functions.core.ports import Clock, Table
from cloud_functions.core.quarantine import bad_event_row, counter_row, poison_row
from cloud_functions.core.rows import Block
from cloud_functions.core.shape import Retention, block_row, expiry, same_block
from cloud_functions.core.sift import Sifted, sift
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
    """An envelope that is stored. ``is_new`` is false where it was stored before."""

    record_id: str
    envelope: Envelope
    sifted: Sifted
    broker_ms: int
    is_new: bool

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The sequences it settles: its own, and those it declares given up."""
        own = (self.envelope.first_seq, self.envelope.last_seq)
        return [own, *((given_up.first, given_up.last) for given_up in self.envelope.declared)]


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
        """Stores one record; ``None`` if it went to quarantine. Raises ``StoreError``."""
        raw = unwrap(record.body)
        try:
            envelope = read_envelope(raw)
        except RejectedError as exc:
            self._poison(raw, str(exc), tally)
            return None
        sifted = sift(envelope)
        is_new = self._store(raw, envelope, sifted, tally)
        broker_ms = raw.message.broker_ms if raw.message else 0
        return Arrival(record.record_id, envelope, sifted, broker_ms, is_new)

    def _store(self, raw: Raw, envelope: Envelope, sifted: Sifted, tally: Tally) -> bool:
        now_ms = self._clock()
        self._keep_bad(raw, envelope, sifted, tally)
        block = block_row(envelope, sifted, now_ms=now_ms, days=self._retention.block_days)
        first = self._table.insert(block)
        if first is None:
            tally.add("blocks")
            tally.add("events", len(envelope.events))
            return True
        if not (isinstance(first, Block) and same_block(first, block)):
            self._poison(raw, f"another block is stored as {block.sk!r}", tally)
        tally.add("duplicates")
        return False

    def _keep_bad(self, raw: Raw, envelope: Envelope, sifted: Sifted, tally: Tally) -> None:
        tally.add("bad_events", len(sifted.bad))
        if len(sifted.bad) > MAX_BAD_ROWS:
            first = sifted.bad[0]
            self._poison(raw, f"{len(sifted.bad)} bad events; the first, {first.seq}: {first.reason}", tally)
            return
        now_ms = self._clock()
        expires_at = expiry(now_ms, self._retention.block_days)
        for bad in sifted.bad:
            row = bad_event_row(envelope, bad, now_ms=now_ms, expires_at=expires_at)
            self._table.insert(row, counter=counter_row(envelope.gateway_id))

    def _poison(self, raw: Raw, reason: str, tally: Tally) -> None:
        now_ms = self._clock()
        row = poison_row(raw, reason, now_ms=now_ms, expires_at=expiry(now_ms, self._retention.block_days))
        self._table.insert(row, counter=counter_row(raw.gateway_id))
        tally.add("poison")
