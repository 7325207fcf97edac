"""One connection for a few questions, or only to see whether a certificate is taken. Not the uplink: nothing runs yet.

Not here: what is asked (``claim``).
"""

import contextlib
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final, NamedTuple

from awscrt import mqtt5
from awscrt.exceptions import AwsCrtError

from device_agent.config import UplinkConfig
from device_agent.errors import UplinkError
from device_agent.uplink.answers import REFUSED, code_name, error_name, why_not_connected
from device_agent.uplink.building import build_client

_STEP_S: Final = 10.0
_STOP_S: Final = 3.0


class Message(NamedTuple):
    """What was heard."""

    topic: str
    payload: bytes


class Connection:
    """A connection that stands. Blocking; one thread.

    Args:
        client: The SDK's.
        heard: Where its messages go.
    """

    def __init__(self, client: Any, heard: "queue.SimpleQueue[Message]") -> None:  # noqa: ANN401 - no types there
        self._client = client
        self._heard = heard

    def hear(self, topics: Sequence[str]) -> None:
        """Subscribes. Raises ``UplinkError``, also if the broker refuses one."""
        wanted = [mqtt5.Subscription(topic_filter=topic, qos=mqtt5.QoS.AT_LEAST_ONCE) for topic in topics]
        answer = self._client.subscribe(mqtt5.SubscribePacket(subscriptions=wanted))
        for topic, code in zip(topics, _result(answer, "subscribe").reason_codes, strict=False):
            if code is None or code >= REFUSED:
                raise UplinkError(
                    f"cannot hear {topic}: {code_name(code)}", remedy="check the certificate's IoT policy"
                )

    def say(self, topic: str, payload: bytes) -> None:
        """Publishes. Raises ``UplinkError``, also if the broker refuses it."""
        packet = mqtt5.PublishPacket(topic=topic, payload=payload, qos=mqtt5.QoS.AT_LEAST_ONCE)
        code = _result(self._client.publish(packet), f"publish to {topic}").puback.reason_code
        if code is None or code >= REFUSED:
            raise UplinkError(f"publish to {topic}: {code_name(code)}", remedy="check the certificate's IoT policy")

    def next(self, within_s: float) -> Message | None:
        """The next message, ``None`` if none came in time."""
        try:
            return self._heard.get(timeout=within_s)
        except queue.Empty:
            return None


@contextlib.contextmanager
def connected(config: UplinkConfig, client_id: str, *, within_s: float) -> Iterator[Connection]:
    """A connection for the length of the block.

    A refusal is no end before the time is over: the broker may hear of a new certificate a moment later than we.

    Raises:
        ConfigError: A file cannot be used.
        UplinkError: Not connected in time; says what the last attempt was told.
    """
    heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
    stands, over, reasons = threading.Event(), threading.Event(), ["nobody answered"]

    def failed(data: mqtt5.LifecycleConnectFailureData) -> None:
        reasons.append(why_not_connected(data)[0])

    def message(data: mqtt5.PublishReceivedData) -> None:
        packet = data.publish_packet
        heard.put(Message(packet.topic, bytes(packet.payload or b"")))

    handlers = {
        "on_lifecycle_connection_success": lambda _: stands.set(),
        "on_lifecycle_connection_failure": failed,
        "on_lifecycle_stopped": lambda _: over.set(),
        "on_publish_received": message,
    }
    client = build_client(config, client_id, handlers)
    client.start()
    try:
        began = time.monotonic()
        if not stands.wait(within_s):
            waited = time.monotonic() - began
            raise UplinkError(
                f"{config.endpoint}:{config.port} as {client_id!r}: {reasons[-1]} (tried for {waited:.0f} s)",
                remedy="check endpoint, network, clock, and the certificate's status and policy in AWS IoT",
            )
        yield Connection(client, heard)
    finally:
        client.stop()
        over.wait(_STOP_S)


def _result(answer: Any, what: str) -> Any:  # noqa: ANN401 - no types there
    try:
        return answer.result(timeout=_STEP_S)
    except FutureTimeoutError as exc:
        raise UplinkError(f"{what}: no answer within {_STEP_S:.0f} s", remedy="try again") from exc
    except AwsCrtError as exc:
        raise UplinkError(f"{what}: {error_name(exc)}", remedy="try again") from exc
