"""The message that carries several events of one lane.

Its events have the consecutive sequence numbers ``first_seq, first_seq + 1, …``; sequences start at 1.
An envelope is sealed on the gateway: sent twice, it is the same bytes, so the cloud's key
``(gateway, spool, lane, first_seq)`` makes a second copy overwrite the first.

``spool_id`` names the spool that counted the sequence. A gateway whose storage was replaced starts a new
spool at 1; without this name the cloud would answer "stored up to 10,000" to events it never saw.
"""

import re
from typing import Final

import msgspec

from contract.errors import ContractError
from contract.events import Lane

SCHEMA_VERSION: Final = 1
MAX_ENVELOPE_BYTES: Final = 5 * 1024
"""AWS IoT Core meters messages in units of 5 KB (AWS IoT Core pricing); nucleus lite receives 5,000 bytes."""

NO_EVENT: Final = "declaration"
"""Reason of a declared sequence that never was an event: it was spent on an envelope that only declares others."""

_GATEWAY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Sequence numbers ``first`` to ``last``, both included."""

    first: int
    last: int


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """Sequence numbers the gateway gave up on purpose, and why. They pass the watermark; they are not lost."""

    first: int
    last: int
    reason: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Several events of one lane.

    Attributes:
        schema_version: Of this contract. It rises only when an old reader would misunderstand; added fields do not.
        gateway_id: Who says so; the cloud believes the topic and the principal and compares.
        spool_id: Which spool counted the sequence.
        boot_id: Under which boot the events happened; an envelope never spans two.
        lane: Which lane.
        first_seq: Sequence number of the first event.
        events: Each event's JSON, undecoded: one bad event must not take its neighbours along.
        declared: Ranges given up, see ``Declared``.
    """

    gateway_id: str
    spool_id: str
    boot_id: str
    lane: Lane
    first_seq: int
    events: list[msgspec.Raw]
    schema_version: int = SCHEMA_VERSION
    declared: list[Declared] = []

    @property
    def last_seq(self) -> int:
        """Sequence number of the last event; ``first_seq - 1`` where there is none."""
        return self.first_seq + len(self.events) - 1


class Stored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cloud's answer: what of one lane it has stored.

    Attributes:
        spool_id: Of the spool that counted.
        lane: Which lane.
        through: Everything up to and including this sequence is stored or declared: it may be forgotten.
        missing: Ranges above ``through`` that later envelopes jumped over: send only these again.
    """

    spool_id: str
    lane: Lane
    through: int
    missing: list[Range] = []


def check_gateway_id(gateway_id: str) -> str:
    """Returns the id unchanged.

    Raises:
        ContractError: It is not 1 to 64 letters, digits, ``_`` or ``-``.
    """
    if not _GATEWAY_ID.fullmatch(gateway_id):
        raise ContractError(f"gateway id {gateway_id!r}: use 1 to 64 letters, digits, '_' or '-'")
    return gateway_id
