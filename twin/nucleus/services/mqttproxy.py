"""IoT Core through the nucleus: ``PublishToIoTCore`` and ``SubscribeToIoTCore``.

Sources: classic ``builtin/services/mqttproxy/MqttProxyIPCAgent.java``, ``mqttclient/{MqttClient,AwsIotMqtt5Client,
IotCoreTopicValidator}.java``; lite ``modules/ggipcd/src/services/mqttproxy/*.c``, ``modules/iotcored/src/mqtt.c``.

| | classic | lite |
|---|---|---|
| a publish that is answered | is in the spooler | was written to the connection |
| a publish while IoT Core is away | QoS 1 waits, QoS 0 is refused | ``ServiceError`` |
| a subscription before the first connection | is answered when there is one | ``ServiceError`` |
| a subscription while IoT Core is away | ``ServiceError``, unless one that stands covers it | ``ServiceError`` |
| a received packet above 5,000 bytes | delivered | lost |
| retain, user properties and the like | passed on, both ways | not read |
| a message above 10,000 bytes of IPC | 128 KiB of payload | the connection ends |

Without any IoT Core, both are ``ServiceError`` on either.
"""

import asyncio
import base64
import binascii
import contextlib
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Final

from twin.nucleus.broker import Broker, Hear, Hearing, Message
from twin.nucleus.errors import BrokerError, NucleusIpcError
from twin.nucleus.guard import Guard
from twin.nucleus.profile import Profile
from twin.nucleus.properties import read_properties, write_properties
from twin.nucleus.registry import Body
from twin.nucleus.spooler import Landed, Spooler, Unacknowledged
from twin.nucleus.streams import Call, Handler, Stream
from twin.nucleus.topics import covers, topic_trouble

_PACKET_BYTES: Final = 7
"""Fixed header, length and packet id around topic and payload."""
_SUBACK_S: Final = 30.0
_MOMENT_S: Final = 0.2


class MqttProxy:
    """Used on the server's own thread only.

    Args:
        guard: Who may.
        profile: Whose rules apply.
        broker: IoT Core, or None where the nucleus is not provisioned.
        loop: The server's.

    Attributes:
        is_online: Whether IoT Core is connected.
        too_large: Messages of IoT Core that this nucleus lost for their size.
    """

    def __init__(
        self, guard: Guard, profile: Profile, *, broker: Broker | None, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._guard = guard
        self._profile = profile
        self._broker = broker
        self._loop = loop
        self._connected_once = asyncio.Event()
        self._standing: Counter[str] = Counter()
        self.is_online = False
        self.too_large = 0
        self._out = (
            Unacknowledged(self._send, most=profile.unacknowledged, most_bytes=profile.unacknowledged_bytes)
            if profile.is_lite
            else Spooler(self._send, profile.spool_bytes, lambda do: loop.call_later(_MOMENT_S, do))
        )

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return {"PublishToIoTCore": self._publish, "SubscribeToIoTCore": self._subscribe}

    @property
    def spooled_bytes(self) -> int:
        """Payload that waits in the classic nucleus's spooler."""
        return self._out.used_bytes if isinstance(self._out, Spooler) else 0

    @property
    def given_up(self) -> int:
        """Messages that the classic nucleus took and did not send."""
        return self._out.dropped if isinstance(self._out, Spooler) else 0

    def set_online(self, *, online: bool) -> None:
        """The connection to IoT Core came or went."""
        self.is_online = online
        if online:
            self._connected_once.set()
        self._out.set_online(online=online)

    def _publish(self, call: Call) -> Body:
        topic = self._topic(call)
        if self._profile.is_lite:  # publish_to_iot_core.c reads everything before it asks whether it may
            message = Message(topic, self._payload(call), self._qos(call, default="0"))
            self._guard.check(call, topic)
        else:
            self._guard.check(call, topic)
            message = Message(topic, self._payload(call), self._qos(call), read_properties(call.body))
            self._check_message(message)
        if self._broker is None:
            failed = "Cannot publish because device is configured to run offline"
            raise NucleusIpcError(
                "ServiceError",
                "Failed to publish the message."
                if self._profile.is_lite
                else f"Publish to topic {topic} failed: {failed}",
            )
        self._out.add(message)
        return {}

    async def _subscribe(self, call: Call) -> Body:
        topic = self._topic(call)
        if self._profile.is_lite:
            self._qos(call, default="0")
            self._guard.check(call, topic)
        else:
            self._guard.check(call, topic)
            self._qos(call)
            await self._wait_for_core(topic)
        if self._broker is None or not (self.is_online or self._is_covered(topic)):
            raise self._not_subscribed(topic, "the connection is offline")
        if call.stream.has_ended:  # while it waited
            return {}
        hearing = self._broker.subscribe(topic, self._hearer(call.stream))
        call.stream.at_end(hearing.close)
        if not self._profile.is_lite:  # which does not wait for the broker's word
            await self._wait_for_word(call, hearing)
        return {}

    async def _wait_for_core(self, topic: str) -> None:
        """Classic answers no subscription before its first connection, however long that takes (``connectFuture``)."""
        if trouble := topic_trouble(topic, may_be_filter=True):
            raise self._not_subscribed(topic, trouble)
        if self._broker is None:
            raise self._not_subscribed(topic, "Device is not configured to connect to AWS")
        await self._connected_once.wait()

    async def _wait_for_word(self, call: Call, hearing: Hearing) -> None:
        topic = self._topic(call)
        if not self._is_covered(topic):
            try:
                await asyncio.wait_for(asyncio.wrap_future(hearing.taken), _SUBACK_S)
            except (BrokerError, TimeoutError) as exc:
                raise self._not_subscribed(topic, str(exc) or "timeout") from exc
        self._standing[topic] += 1
        call.stream.at_end(lambda: self._leave(topic))

    def _leave(self, topic: str) -> None:
        self._standing[topic] -= 1

    def _is_covered(self, topic: str) -> bool:
        """Whether classic hears that already, for whichever component (``findExistingSubscriberForTopic``)."""
        return any(count and covers(wider, topic) for wider, count in self._standing.items())

    def _hearer(self, stream: Stream) -> Hear:
        def hear(message: Message) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._deliver, stream, message)

        return hear

    def _deliver(self, stream: Stream, message: Message) -> None:
        limit = self._profile.received_bytes
        if limit and len(message.payload) + len(message.topic.encode()) + _PACKET_BYTES > limit:
            self.too_large += 1
            return
        body: Body = {"topicName": message.topic, "payload": base64.b64encode(message.payload).decode()}
        more = {} if self._profile.is_lite else write_properties(message.properties)
        stream.say("IoTCoreMessage", {"message": {**more, **body}})

    def _send(self, message: Message, landed: Landed) -> None:
        if self._broker is None:
            landed(BrokerError(f"{message.topic}: there is no IoT Core"))
            return

        def done(future: Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(landed, _error(future))

        sent = self._broker.publish(message)
        if sent.done() and _error(sent) is not None:
            landed(_error(sent))
        else:
            sent.add_done_callback(done)

    def _topic(self, call: Call) -> str:
        topic = call.body.get("topicName")
        if isinstance(topic, str):
            return topic
        raise self._invalid("Received invalid parameters.", "Topic is required")

    def _payload(self, call: Call) -> bytes:
        payload = call.body.get("payload")
        if payload is None:
            if self._profile.is_lite:
                return b""
            raise NucleusIpcError("InvalidArgumentsError", "Payload is required")
        try:
            return base64.b64decode(str(payload), validate=True)
        except binascii.Error as exc:
            raise self._invalid("'payload' is not valid base64.", "Payload is not base64") from exc

    def _qos(self, call: Call, default: str = "") -> int:
        written = str(call.body.get("qos") or default)
        if not written:
            raise NucleusIpcError("InvalidArgumentsError", "QoS is required")
        if written in ("0", "1") or (written == "2" and self._profile.is_lite):
            return int(written)
        raise self._invalid("'qos' not a valid value.", f"Invalid QoS value: {written}")

    def _check_message(self, message: Message) -> None:
        """What AWS IoT Core would refuse, the classic nucleus refuses itself."""
        size = len(message.payload)
        if size >= self._profile.publish_bytes:
            limit = self._profile.publish_bytes
            raise self._failed(
                message.topic, f"The publishing message size {size} bytes exceeds the configured limit of {limit} bytes"
            )
        reason = topic_trouble(message.topic)
        if reason:
            raise self._failed(message.topic, reason)

    def _failed(self, topic: str, reason: str) -> NucleusIpcError:
        return NucleusIpcError("ServiceError", f"Publish to topic {topic} failed: {reason}")

    def _not_subscribed(self, topic: str, reason: str) -> NucleusIpcError:
        if self._profile.is_lite:
            return NucleusIpcError("ServiceError", "Failed to bind the subscription.")
        return NucleusIpcError("ServiceError", f"Subscribe to topic {topic} failed with error {reason}")

    def _invalid(self, lite: str, classic: str) -> NucleusIpcError:
        if self._profile.is_lite:
            return NucleusIpcError("ServiceError", lite)
        return NucleusIpcError("InvalidArgumentsError", classic)


def _error(future: Future[None]) -> BrokerError | None:
    error = future.exception()
    return error if isinstance(error, BrokerError) or error is None else BrokerError(str(error))
