"""What the classic nucleus keeps for IoT Core, and how many publishes the lite one has under way.

Sources: classic ``mqttclient/spool/Spool.java`` (payload bytes; what does not fit is refused, after messages of QoS 0
made room) and ``mqttclient/MqttClient.java`` (five in flight); lite ``modules/iotcored/src/mqtt.c``.
Used on the server's own thread only.
"""

from collections.abc import Callable
from typing import Final

from twin.nucleus.broker import Message
from twin.nucleus.errors import NucleusIpcError

Send = Callable[[Message, Callable[[bool], None]], None]
"""Hands a message to the broker; the second is called, on the server's thread, with whether it was acknowledged."""

_IN_FLIGHT: Final = 5


class Spooler:
    """In memory: a nucleus that restarts has lost it.

    Args:
        send: See ``Send``.
        size_bytes: Of payload that may wait.

    Attributes:
        evicted: Messages of QoS 0 that made room.
    """

    def __init__(self, send: Send, size_bytes: int) -> None:
        self._send = send
        self._size_bytes = size_bytes
        self._waiting: list[Message] = []
        self._flying = 0
        self._flying_bytes = 0
        self._is_online = False
        self.evicted = 0

    @property
    def used_bytes(self) -> int:
        """Payload that IoT Core has not acknowledged."""
        return self._flying_bytes + sum(len(message.payload) for message in self._waiting)

    def add(self, message: Message) -> None:
        """Takes a message.

        Raises:
            NucleusIpcError: It does not fit, or is of QoS 0 while nobody is there; with the classic nucleus's words.
        """
        if not self._is_online and message.qos == 0:
            raise _failed(message, "Device is offline. Dropping QoS 0 message.")
        if len(message.payload) > self._size_bytes:
            raise _failed(message, "Message is larger than the size of message spool.")
        if self.used_bytes + len(message.payload) > self._size_bytes:
            self._make_room(len(message.payload))
        if self.used_bytes + len(message.payload) > self._size_bytes:
            raise _failed(message, "Message spool is full. Message could not be added.")
        self._waiting.append(message)
        self._pump()

    def set_online(self, *, online: bool) -> None:
        """The connection came or went; QoS 0 does not wait for it."""
        self._is_online = online
        if not online:
            self.evicted += sum(message.qos == 0 for message in self._waiting)
            self._waiting = [message for message in self._waiting if message.qos]
        self._pump()

    def _make_room(self, needed: int) -> None:
        for message in [each for each in self._waiting if each.qos == 0]:
            if self.used_bytes + needed <= self._size_bytes:
                return
            self._waiting.remove(message)
            self.evicted += 1

    def _pump(self) -> None:
        while self._is_online and self._waiting and self._flying < _IN_FLIGHT:
            message = self._waiting.pop(0)
            self._flying += 1
            self._flying_bytes += len(message.payload)
            self._send(message, self._landed(message))

    def _landed(self, message: Message) -> Callable[[bool], None]:
        def landed(acknowledged: bool) -> None:  # noqa: FBT001 - the port's one value
            self._flying -= 1
            self._flying_bytes -= len(message.payload)
            if not acknowledged and not self._is_online and message.qos:
                self._waiting.insert(0, message)
            self._pump()

        return landed


class Unacknowledged:
    """The lite nucleus's publishes under way: it has no spooler, and refuses what it could not repeat.

    Args:
        send: See ``Send``.
        most: Publishes at QoS 1.
        most_bytes: Of them.
    """

    def __init__(self, send: Send, *, most: int, most_bytes: int) -> None:
        self._send = send
        self._most = most
        self._most_bytes = most_bytes
        self._flying: list[Message] = []
        self._is_online = False

    def add(self, message: Message) -> None:
        """Sends a message.

        Raises:
            NucleusIpcError: Nobody is there, or too many are under way; with the lite nucleus's words.
        """
        used = sum(len(each.payload) + len(each.topic) for each in self._flying)
        is_full = message.qos > 0 and (
            len(self._flying) >= self._most or used + len(message.payload) + len(message.topic) > self._most_bytes
        )
        if not self._is_online or is_full:
            raise NucleusIpcError("ServiceError", "Failed to publish the message.")
        if message.qos:
            self._flying.append(message)
        self._send(message, lambda _: self._flying.remove(message) if message.qos else None)

    def set_online(self, *, online: bool) -> None:
        """The connection came or went."""
        self._is_online = online


def _failed(message: Message, reason: str) -> NucleusIpcError:
    return NucleusIpcError("ServiceError", f"Publish to topic {message.topic} failed: {reason}")
