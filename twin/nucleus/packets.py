"""Messages as the SDK's MQTT 5 client has them, and back."""

from typing import Final

from awscrt import mqtt5

from twin.nucleus.broker import Message
from twin.nucleus.properties import Properties, UserProperty

_FORMATS: Final = {str(int(each)): each for each in mqtt5.PayloadFormatIndicator}


def to_packet(message: Message) -> mqtt5.PublishPacket:
    """To be published."""
    said = message.properties
    return mqtt5.PublishPacket(
        topic=message.topic,
        payload=message.payload,
        qos=mqtt5.QoS(message.qos),
        retain=said.retain,
        user_properties=[mqtt5.UserProperty(name=each.key, value=each.value) for each in said.user_properties],
        message_expiry_interval_sec=said.message_expiry_interval_seconds,
        correlation_data_bytes=said.correlation_data,
        response_topic=said.response_topic,
        payload_format_indicator=None if said.payload_format is None else _FORMATS.get(said.payload_format),
        content_type=said.content_type,
    )


def to_message(packet: mqtt5.PublishPacket) -> Message:
    """As it was received."""
    indicator = packet.payload_format_indicator
    properties = Properties(
        retain=bool(packet.retain),
        user_properties=tuple(UserProperty(each.name, each.value) for each in packet.user_properties or ()),
        message_expiry_interval_seconds=packet.message_expiry_interval_sec,
        correlation_data=bytes(packet.correlation_data_bytes) if packet.correlation_data_bytes else None,
        response_topic=packet.response_topic,
        payload_format=None if indicator is None else str(int(indicator)),
        content_type=packet.content_type,
    )
    return Message(packet.topic, bytes(packet.payload or b""), int(packet.qos), properties)
