"""What the classic nucleus keeps for IoT Core, and how many publishes the lite one has under way.

Sources: classic ``mqttclient/spool/Spool.java`` (payload bytes; what does not fit is refused, after messages of QoS 0
made room) and ``mqttclient/MqttClient.java`` (five in flight); lite ``modules/iotcored/src/mqtt.c``.
Used on the server's own thread only.
"""

import bisect
import itertools
from collections.abc import Callable
from typing import Final

from twin.nucleus.broker import Message
from twin.nucleus.errors import BrokerError, NucleusIpcError, RefusedError

Landed = Callable[[BrokerError | None], None]
"""Is told how a publish ended, on the server's thread: None where it was acknowledged."""

Send = Callable[[Message, Landed], None]
"""Hands a message to the broker; may tell at once how it ended."""

_IN_FLIGHT: Final = 5
_TRIES: Final = 100
_LITE_FAILED: Final = "Failed to publish the message."
_Numbered = tuple[int, Message]


class Spooler:
    """In memory: a nucleus that restarts has lost it.

    Args:
        send: See ``Send``.
        size_bytes: Of payload that may wait.
        later: Calls something after a moment.

    Attributes:
        used_bytes: Payload that IoT Core has not acknowledged.
        dropped: Messages that it took and gave up: of QoS 0, refused by IoT Core, or tried a hundred times.
    """

    def __init__(self, send: Send, size_bytes: int, later: Callable[[Callable[[], None]], object]) -> None:
        self._send = send
        self._size_bytes = size_bytes
        self._later = later
        self._waiting: list[_Numbered] = []
        self._tries: dict[int, int] = {}
        self._numbers = itertools.count()
        self._flying = 0
        self._is_online = self._is_pausing = False
        self.used_bytes = 0
        self.dropped = 0

    def add(self, message: Message) -> None:
        """Takes a message.

        Raises:
            NucleusIpcError: It does not fit, or is of QoS 0 while nobody is there; with the classic nucleus's words.
        """
        size = len(message.payload)
        if not self._is_online and message.qos == 0:
            raise _failed(message, "Device is offline. Dropping QoS 0 message.")
        if size > self._size_bytes:
            raise _failed(message, "Message is larger than the size of message spool.")
        for each in [each for each in self._waiting if each[1].qos == 0]:
            if self.used_bytes + size > self._size_bytes:
                self._drop(each)
        if self.used_bytes + size > self._size_bytes:
            raise _failed(message, "Message spool is full. Message could not be added.")
        self.used_bytes += size
        self._waiting.append((next(self._numbers), message))
        self._pump()

    def set_online(self, *, online: bool) -> None:
        """The connection came or went; QoS 0 does not wait for it."""
        self._is_online = online
        for each in [] if online else [each for each in self._waiting if each[1].qos == 0]:
            self._drop(each)
        self._pump()

    def _drop(self, each: _Numbered) -> None:
        self._waiting.remove(each)
        self.used_bytes -= len(each[1].payload)
        self.dropped += 1

    def _pump(self) -> None:
        while self._is_online and not self._is_pausing and self._waiting and self._flying < _IN_FLIGHT:
            number, message = self._waiting.pop(0)
            self._flying += 1
            self._send(message, self._landed(number, message))

    def _landed(self, number: int, message: Message) -> Landed:
        def landed(error: BrokerError | None) -> None:
            self._flying -= 1
            tries = self._tries.pop(number, 0) + 1
            is_over = error is None or isinstance(error, RefusedError) or message.qos == 0 or tries >= _TRIES
            if is_over:
                self.used_bytes -= len(message.payload)
                self.dropped += error is not None
            else:
                self._tries[number] = tries
                bisect.insort(self._waiting, (number, message))
                self._pause()
            self._pump()

        return landed

    def _pause(self) -> None:
        """The connection is going, and the word of it may be later than the message that failed."""
        if not self._is_pausing:
            self._is_pausing = True
            self._later(self._resume)

    def _resume(self) -> None:
        self._is_pausing = False
        self._pump()


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
            raise NucleusIpcError("ServiceError", _LITE_FAILED)
        failures: list[BrokerError] = []

        def landed(error: BrokerError | None) -> None:
            if message.qos:
                self._flying.remove(message)
            if error is not None:
                failures.append(error)

        if message.qos:
            self._flying.append(message)
        self._send(message, landed)
        if failures:  # it could not even be written
            raise NucleusIpcError("ServiceError", _LITE_FAILED)

    def set_online(self, *, online: bool) -> None:
        """The connection came or went."""
        self._is_online = online


def _failed(message: Message, reason: str) -> NucleusIpcError:
    return NucleusIpcError("ServiceError", f"Publish to topic {message.topic} failed: {reason}")
