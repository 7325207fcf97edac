"""Where bytes go that nobody understands: kept, counted, and out of the way of the others.

The key is made of the bytes, or of the sequence where one is known, so the same poison delivered a hundred
times is one row and counts once.
"""

import base64
import hashlib
from typing import Final

from msgspec.structs import replace

from cloud_functions.core.keys import fleet_key, shard
from cloud_functions.core.message import Raw
from cloud_functions.core.rows import MAX_WALL_MS, Counter, Quarantine
from cloud_functions.core.sift import BadEvent
from contract.envelope import Envelope

_MAX_BYTES: Final = 250_000
"""With base64's third more, below DynamoDB's 400 KB an item. IoT Core's largest message is 128 KB."""
_MAX_REASON: Final = 500
_MAX_NAME: Final = 128
"""Of a lane or a client, as the broker names them; a client's name has at most 128 bytes (AWS IoT Core quotas)."""


def poison_row(raw: Raw, head: Envelope | None, reason: str, *, now_ms: int, expires_at: int) -> Quarantine:
    """A whole message; ``head`` tells its sequences, where they could be read."""
    digest = hashlib.sha256(raw.payload).hexdigest()[:32]
    row = _row(raw.gateway_id, digest, raw.payload, reason, now_ms=now_ms, expires_at=expires_at)
    if raw.message:
        lane, client_id = raw.message.lane[:_MAX_NAME], raw.message.client_id[:_MAX_NAME]
        row = replace(row, lane=lane, client_id=client_id, broker_ms=broker_ms(raw))
    if head:
        row = replace(row, spool_id=head.spool_id, first_seq=head.first_seq, count=len(head.events))
    return row


def bad_event_row(envelope: Envelope, bad: BadEvent, *, now_ms: int, expires_at: int) -> Quarantine:
    """One event of a message whose others are good."""
    name = f"{envelope.lane}#{envelope.spool_id}#{bad.seq:012d}"
    row = _row(envelope.gateway_id, name, bad.raw, bad.reason, now_ms=now_ms, expires_at=expires_at)
    return replace(
        row, lane=envelope.lane, spool_id=envelope.spool_id, boot_id=envelope.boot_id, first_seq=bad.seq, count=1
    )


def broker_ms(raw: Raw) -> int:
    """When the broker received it; 0 where nobody says so believably."""
    said = raw.message.broker_ms if raw.message else 0
    return said if 0 <= said <= MAX_WALL_MS else 0


def counter_row(gateway_id: str) -> Counter:
    """Adds one to what was quarantined of a gateway."""
    pk, sk = fleet_key(gateway_id, "quarantined")
    return Counter(pk=pk, sk=sk, gateway_id=gateway_id, count=1)


def _row(gateway_id: str, name: str, data: bytes, reason: str, *, now_ms: int, expires_at: int) -> Quarantine:
    kept = data[:_MAX_BYTES]
    cut = f" (kept {_MAX_BYTES} of {len(data)} bytes)" if len(data) > _MAX_BYTES else ""
    return Quarantine(
        pk=f"Q#{shard(gateway_id)}",
        sk=f"{gateway_id}#{name}",
        gateway_id=gateway_id,
        reason=reason[:_MAX_REASON] + cut,
        data=base64.b64encode(kept).decode("ascii"),
        is_cut=int(bool(cut)),
        stored_ms=now_ms,
        expires_at=expires_at,
    )
