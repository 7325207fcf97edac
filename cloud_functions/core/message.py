"""From a queue record to an envelope that may be believed.

The gateway is who the topic says, because the IoT policy lets a gateway publish under its own name only.
The envelope and the client id must agree. The broker gives no client id (``n/a``) for a publish over HTTPS;
there the policy's thing variables do not resolve, so only an IAM principal can have sent it.

What the rule could not put on the queue it puts, in another form, on the dead-letter queue; redriven, it is
understood as well. Not here: the events inside (``sift``), what of a refused envelope still counts (``head``).
"""

import base64
import binascii
import re
from typing import Final, NamedTuple

import msgspec

from cloud_functions.core.errors import RejectedError
from cloud_functions.core.rows import MAX_SEQUENCE, MAX_WALL_MS
from contract.codec import decode_envelope
from contract.envelope import Declared, Envelope, check_gateway_id
from contract.errors import ContractError

_NO_CLIENT: Final = frozenset({"", "n/a"})
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class RuleMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What the IoT rule puts on the queue; see the SQL in ``template.yaml``.

    Attributes:
        gateway_id: From the topic.
        lane: From the topic.
        broker_ms: When the broker received it.
        data: The payload, base64; absent when it was empty.
        client_id: Of the MQTT connection.
    """

    gateway_id: str
    lane: str
    broker_ms: int
    data: str = ""
    client_id: str = ""


class Raw(NamedTuple):
    """A message nobody believes yet; ``message`` is ``None`` where the rule did not write the record."""

    payload: bytes
    message: RuleMessage | None

    @property
    def gateway_id(self) -> str:
        """From the topic; ``unknown`` where there is none that could be a gateway's."""
        try:
            return check_gateway_id(self.message.gateway_id) if self.message else "unknown"
        except ContractError:
            return "unknown"


class RuleError(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the rule's error action writes when the queue refused the message (AWS IoT, error handling)."""

    topic: str
    base64_original_payload: str
    client_id: str = ""


_messages = msgspec.json.Decoder(RuleMessage)
_errors = msgspec.json.Decoder(RuleError)
_TOPIC = re.compile(r"(?:\$aws/rules/[^/]+/)?fleet/([^/]+)/events/([^/]+)")


def unwrap(body: str) -> Raw:
    """The payload in a queue record's body; of a foreign record the body itself."""
    try:
        message = _rule_message(body)
        return Raw(base64.b64decode(message.data, validate=True), message)
    except (msgspec.DecodeError, binascii.Error, RecursionError, UnicodeError, ContractError):
        return Raw(body.encode("utf-8", "surrogatepass"), None)


def _rule_message(body: str) -> RuleMessage:
    try:
        return _messages.decode(body)
    except msgspec.ValidationError:
        error = _errors.decode(body)
    if not (topic := _TOPIC.fullmatch(error.topic)):
        raise ContractError(f"topic {error.topic!r} is no topic of events")
    gateway_id, lane = topic.groups()
    return RuleMessage(
        gateway_id=gateway_id,
        lane=lane,
        broker_ms=0,
        data=error.base64_original_payload,
        client_id=error.client_id,
    )


def read_envelope(raw: Raw) -> Envelope:
    """The envelope in a message.

    Raises:
        RejectedError: It cannot be understood, or is not by whom it says.
    """
    if raw.message is None:
        raise RejectedError("not a message of the events rule")
    try:
        check_gateway_id(raw.message.gateway_id)
        envelope = decode_envelope(raw.payload)
    except ContractError as exc:
        raise RejectedError(str(exc)) from exc
    except RecursionError as exc:
        raise RejectedError("envelope: nested too deep") from exc
    check_sender(raw.message, envelope)
    _check_numbers(envelope)
    return envelope


def check_sender(message: RuleMessage, envelope: Envelope) -> None:
    """Raises ``RejectedError`` unless topic, client and envelope name one gateway and one lane."""
    if envelope.gateway_id != message.gateway_id:
        raise RejectedError(f"envelope of {envelope.gateway_id!r} on the topic of {message.gateway_id!r}")
    if not 0 <= message.broker_ms <= MAX_WALL_MS:
        raise RejectedError(f"broker time {message.broker_ms} is no time")
    if message.client_id not in _NO_CLIENT and message.client_id != message.gateway_id:
        raise RejectedError(f"client {message.client_id!r} on the topic of {message.gateway_id!r}")
    if envelope.lane != message.lane:
        raise RejectedError(f"envelope of lane {envelope.lane!r} on the topic of lane {message.lane!r}")


def _check_numbers(envelope: Envelope) -> None:
    check_id("boot_id", envelope.boot_id)
    check_sequences(envelope)
    if not envelope.events and not envelope.declared:
        raise RejectedError("envelope: neither events nor declared ranges")
    for declared in envelope.declared:
        _check_declared(declared)


def check_sequences(envelope: Envelope) -> None:
    """Raises ``RejectedError`` unless its spool could count its sequences."""
    check_id("spool_id", envelope.spool_id)
    if not 1 <= envelope.first_seq <= envelope.last_seq + 1 <= MAX_SEQUENCE + 1:
        raise RejectedError(f"sequence {envelope.last_seq} is above {MAX_SEQUENCE}")


def check_id(name: str, value: str) -> None:
    """Raises ``RejectedError`` unless it is 1 to 64 letters, digits, ``_`` or ``-``."""
    if not _ID.fullmatch(value):
        raise RejectedError(f"{name}: use 1 to 64 letters, digits, '_' or '-'")


def _check_declared(declared: Declared) -> None:
    if not 1 <= declared.first <= declared.last <= MAX_SEQUENCE:
        raise RejectedError(f"declared range {declared.first} to {declared.last} is no range of sequences")
