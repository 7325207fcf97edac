"""What a broker's answers mean, in our own words.

Not here: what follows from them (``mqtt5``, ``reconnecting``).
"""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final

from awscrt import mqtt5

from device_agent.errors import UplinkError
from device_agent.uplink.port import PublishRefusedError
from device_agent.uplink.reconnecting import tells_of_the_service

REFUSED: Final = 0x80
"""Reason codes from here on are a no (MQTT 5.0, 2.4)."""

HANG_UP: Final = "AWS_ERROR_MQTT_UNEXPECTED_HANGUP"
"""The other side closed the connection in order, without a word."""

_FILTERS_IN_A_PACKET: Final = 8
_PERMANENT = frozenset(
    {
        mqtt5.PubackReasonCode.TOPIC_NAME_INVALID,
        mqtt5.PubackReasonCode.PAYLOAD_FORMAT_INVALID,
    }
)


def why_not_connected(data: mqtt5.LifecycleConnectFailureData) -> tuple[str, bool]:
    """Why there is no connection, and whether the service said no.

    In TLS 1.3 a server judges the client's certificate after the client takes the handshake for done: then a no is an
    end in order, before CONNACK.
    """
    refusal = data.connack_packet and data.connack_packet.reason_code
    reason = f"refused by the broker: {refusal.name}" if refusal else error_name(data.exception)
    return reason, bool(refusal) or reason == HANG_UP or ("TLS" in reason and tells_of_the_service(time.time()))


def resolve(answer: Future[None], done: Future[mqtt5.PublishCompletionData], topic: str) -> None:
    """A publish's future, from the SDK's; see ``Uplink.publish``."""
    error = done.exception()
    if error is not None:
        answer.set_exception(UplinkError(f"publish to {topic}: {error_name(error)}"))
        return
    code = done.result().puback.reason_code
    if code is None or code >= REFUSED:
        refused = PublishRefusedError(
            f"publish to {topic}: refused: {code_name(code)}",
            permanent=code in _PERMANENT,
            remedy="check the gateway's IoT policy and the rule's name",
        )
        answer.set_exception(refused)
        return
    answer.set_result(None)


def in_packets(filters: Iterable[str]) -> list[tuple[str, ...]]:
    """Topic filters, as many together as one SUBSCRIBE of AWS IoT Core may hold (its quotas: eight)."""
    rest = tuple(filters)
    return [rest[start : start + _FILTERS_IN_A_PACKET] for start in range(0, len(rest), _FILTERS_IN_A_PACKET)]


def why_deaf(filters: Sequence[str], done: Future[mqtt5.SubackPacket]) -> str:
    """Why one of these filters was not granted; empty where all were."""
    error = done.exception()
    if error is not None:
        return f"cannot hear {filters[0]}: {error_name(error)}"
    answered = zip(filters, done.result().reason_codes, strict=False)
    refused = [f"{topic}: {code_name(code)}" for topic, code in answered if code is None or code >= REFUSED]
    return f"cannot hear {refused[0]}" if refused else ""


def code_name(code: Any) -> str:  # noqa: ANN401 - one of three enumerations of a library without types
    """The reason code's name; the SDK gives ``None`` for a number it does not know."""
    return "unknown reason" if code is None else str(code.name)


def error_name(error: BaseException | None) -> str:
    """The SDK's name of an error, or what the error says."""
    return getattr(error, "name", "") or str(error)


def is_heard(topic: str, topic_filter: str) -> bool:
    """Whether a subscription brings this topic (MQTT 5.0, 4.7)."""
    wanted = topic_filter.split("/")
    levels = topic.split("/")
    if wanted[-1] == "#":
        wanted, levels = wanted[:-1], levels[: len(wanted) - 1]
    return len(wanted) == len(levels) and all(want in ("+", level) for want, level in zip(wanted, levels, strict=True))
