"""Bytes to events and back: JSON, because a rule can filter it and a person can read it.

Decoding is tolerant where a newer writer may have added something (fields, kinds of event) and strict where
bytes contradict what is known; then it raises, and the message names the place.
"""

from typing import get_args

import msgspec

from contract.envelope import SCHEMA_VERSION, Envelope, Stored
from contract.errors import ContractError
from contract.kinds import AnyEvent

_encoder = msgspec.json.Encoder()
_envelopes = msgspec.json.Decoder(Envelope)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_stored = msgspec.json.Decoder(Stored)


class _Kind(msgspec.Struct, frozen=True):
    kind: str


_kinds = msgspec.json.Decoder(_Kind)
_KNOWN_KINDS = frozenset(str(kind.__struct_config__.tag) for kind in get_args(AnyEvent))


class UnknownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a kind that this version does not know: kept as it came, never thrown away."""

    kind: str
    raw: bytes


def encode_event(event: AnyEvent) -> bytes:
    """One event as JSON."""
    return _encoder.encode(event)


def decode_event(raw: bytes | msgspec.Raw) -> AnyEvent | UnknownEvent:
    """One event from JSON.

    Raises:
        ContractError: Not JSON, no kind, or a known kind with a wrong field.
    """
    try:
        kind = _kinds.decode(raw).kind
        if kind not in _KNOWN_KINDS:
            return UnknownEvent(kind=kind, raw=bytes(raw))
        return _events.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ContractError(f"event: {exc}") from exc


def encode_envelope(envelope: Envelope) -> bytes:
    """One envelope as JSON; its events are copied as they are."""
    return _encoder.encode(envelope)


def decode_envelope(raw: bytes) -> Envelope:
    """One envelope from JSON; its events stay undecoded.

    Raises:
        ContractError: Not JSON, a wrong field, a version of which the meaning is unknown, or a sequence below 1.
    """
    try:
        envelope = _envelopes.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ContractError(f"envelope: {exc}") from exc
    if not 1 <= envelope.schema_version <= SCHEMA_VERSION:
        raise ContractError(
            f"envelope: schema_version {envelope.schema_version} is not understood; "
            f"this side knows 1 to {SCHEMA_VERSION}"
        )
    if envelope.first_seq < 1:
        raise ContractError(f"envelope: first_seq {envelope.first_seq} is below 1 - at `$.first_seq`")
    return envelope


def encode_stored(stored: Stored) -> bytes:
    """The cloud's answer as JSON."""
    return _encoder.encode(stored)


def decode_stored(raw: bytes) -> Stored:
    """The cloud's answer from JSON.

    Raises:
        ContractError: Not JSON or a wrong field.
    """
    try:
        return _stored.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ContractError(f"stored: {exc}") from exc
