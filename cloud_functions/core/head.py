"""Which sequences a refused envelope held.

An envelope of a newer version, or with a wrong field, is kept whole in quarantine; where its head can still be
read, its sequences pass the watermark, or the gateway would be told for ever that they are missing. The gateway
is the topic's; a body that says otherwise has no head. Sequences count only as far as there are events in the
bytes, so a head cannot claim what was never sent; ranges that it declares do not count either.
"""

import msgspec

from cloud_functions.core.errors import RejectedError
from cloud_functions.core.message import Raw, check_sender, check_sequences
from contract.envelope import Envelope
from contract.events import Lane


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    gateway_id: str
    spool_id: str
    lane: Lane
    first_seq: int
    events: list[msgspec.Raw]


_heads = msgspec.json.Decoder(_Head)


def read_head(raw: Raw) -> Envelope | None:
    """The envelope's sequences, its events undecoded and nothing declared; ``None`` where they cannot be believed."""
    if raw.message is None:
        return None
    try:
        head = _heads.decode(raw.payload)
        envelope = Envelope(
            gateway_id=head.gateway_id,
            spool_id=head.spool_id,
            boot_id="",
            lane=head.lane,
            first_seq=head.first_seq,
            events=head.events,
        )
        check_sender(raw.message, envelope)
        check_sequences(envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, RejectedError):
        return None
    return envelope if envelope.events else None
