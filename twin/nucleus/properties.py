"""What MQTT 5 carries beside topic and payload, as IPC and as the model write it.

Only the classic nucleus passes it on (``mqttproxy/MqttProxyIPCAgent.java``), but for the content type of what a
component publishes; the lite one reads topic, payload and QoS (``services/mqttproxy/publish_to_iot_core.c``).
"""

from typing import Final

import msgspec

from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.registry import Body


class UserProperty(msgspec.Struct, frozen=True):
    """One of the sender's own."""

    key: str
    value: str


class Properties(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Of one message (MQTT 5.0, 3.3).

    Attributes:
        retain: Whether the broker keeps it for who subscribes later.
        user_properties: The sender's own, in order.
        message_expiry_interval_seconds: After which it means nothing any more.
        correlation_data: Ties an answer to a question.
        response_topic: Where the answer goes.
        payload_format: ``0`` bytes, ``1`` UTF-8.
        content_type: Of the payload.
    """

    retain: bool = False
    user_properties: tuple[UserProperty, ...] = ()
    message_expiry_interval_seconds: int | None = None
    correlation_data: bytes | None = None
    response_topic: str | None = None
    payload_format: str | None = None
    content_type: str | None = None


NONE: Final = Properties()
_BYTES: Final = "0"
_FIELDS: Final = {field.encode_name for field in msgspec.structs.fields(Properties)}


def read_properties(body: Body) -> Properties:
    """Of a publish; unknown fields and nulls are none.

    Raises:
        NucleusIpcError: One is not of its type.
    """
    given = {name: value for name, value in body.items() if name in _FIELDS and value is not None}
    try:
        read = msgspec.convert(given, Properties)
    except msgspec.ValidationError as exc:
        raise NucleusIpcError("InvalidArgumentsError", str(exc)) from exc
    return msgspec.structs.replace(read, content_type=None)


def write_properties(properties: Properties) -> Body:
    """For an event; bytes as base64, what is not there left out, but for what classic always says."""
    body: Body = msgspec.to_builtins(properties)
    return {"retain": False, "payloadFormat": _BYTES, **body}
