"""Local messages: ``PublishToTopic`` and ``SubscribeToTopic``.

Sources: classic ``builtin/services/pubsub/PubSubIPCEventStreamAgent.java``; lite
``modules/ggipcd/src/services/pubsub/*.c`` and ``modules/ggpubsubd/src/bus_server.c``.

| | classic | lite |
|---|---|---|
| a publisher hears itself | unless it subscribed to a wildcard, or ``receiveMode`` says otherwise | always |
| wildcard in a publish | ``InvalidArgumentsError`` | taken |
| topic above 256 bytes | taken | ``ServiceError`` |
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.guard import Guard
from twin.nucleus.profile import Profile
from twin.nucleus.registry import Body
from twin.nucleus.streams import Call, Handler, Stream, text
from twin.nucleus.topics import is_wildcard, matches

_LITE_TOPIC_BYTES: Final = 256
_FROM_OTHERS: Final = "RECEIVE_MESSAGES_FROM_OTHERS"


class _Subscriber(NamedTuple):
    component: str
    topic: str
    hears_itself: bool
    stream: Stream


class PubSub:
    """Args: who may, and whose rules apply."""

    def __init__(self, guard: Guard, profile: Profile) -> None:
        self._guard = guard
        self._profile = profile
        self._subscribers: list[_Subscriber] = []

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return {"PublishToTopic": self._publish, "SubscribeToTopic": self._subscribe}

    def _publish(self, call: Call) -> Body:
        topic = text(call.body, "topic")
        kind, message = self._message(call)
        self._guard.check(call, topic)
        self._check_topic(topic)
        event: Body = {kind: {"message": message, "context": {"topic": topic}}}
        for each in list(self._subscribers):
            if matches(each.topic, topic) and (each.hears_itself or each.component != call.component):
                each.stream.say("SubscriptionResponseMessage", event)
        return {}

    def _subscribe(self, call: Call) -> Body:
        topic = text(call.body, "topic")
        if not topic and self._profile.is_lite:
            raise NucleusIpcError("ServiceError", "Received invalid parameters.")
        self._guard.check(call, topic)
        if not topic:
            raise NucleusIpcError("InvalidArgumentsError", "Subscribe topic must not be empty")
        if self._profile.is_lite and len(topic.encode()) > _LITE_TOPIC_BYTES:
            raise NucleusIpcError("ServiceError", "Failed to bind subscription.")
        subscriber = _Subscriber(call.component, topic, self._hears_itself(call), call.stream)
        self._subscribers.append(subscriber)
        call.stream.at_end(lambda: self._subscribers.remove(subscriber))
        return {}

    def _message(self, call: Call) -> tuple[str, object]:
        """Which kind of message it is, and its content."""
        published = call.body.get("publishMessage")
        kinds = [
            (kind, part["message"])
            for kind, part in (published.items() if isinstance(published, dict) else ())
            if kind in ("jsonMessage", "binaryMessage") and isinstance(part, dict) and "message" in part
        ]
        if len(kinds) == 1:
            return kinds[0]
        if self._profile.is_lite:
            raise NucleusIpcError("ServiceError", "Received invalid parameters.")
        raise NucleusIpcError("InvalidArgumentsError", "Exactly one of jsonMessage and binaryMessage is required")

    def _check_topic(self, topic: str) -> None:
        if self._profile.is_lite:
            if len(topic.encode()) > _LITE_TOPIC_BYTES:
                raise NucleusIpcError("ServiceError", "Failed to publish the message.")
        elif any(wildcard in topic for wildcard in "+#*"):
            raise NucleusIpcError("InvalidArgumentsError", "Publish topic must not contain a wildcard.")

    def _hears_itself(self, call: Call) -> bool:
        if self._profile.is_lite:
            return True
        mode = text(call.body, "receiveMode")
        return mode != _FROM_OTHERS if mode else not is_wildcard(text(call.body, "topic"))
