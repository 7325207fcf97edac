"""IoT Core as the nucleus sees it: a port, and a broker in memory for tests.

Not here: a broker of MQTT (``bridge``), what a nucleus keeps while it is away (``spooler``).
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from twin.nucleus.errors import BrokerError, RefusedError
from twin.nucleus.properties import NONE, Properties
from twin.nucleus.topics import matches


class Message(NamedTuple):
    """To IoT Core, or from it."""

    topic: str
    payload: bytes
    qos: int = 1
    properties: Properties = NONE


Hear = Callable[[Message], None]
"""Gets a message, on a thread of the broker's."""


class Hearing(NamedTuple):
    """A subscription that stands until it is closed, through every reconnect.

    Attributes:
        taken: Done when the broker has it; fails with ``BrokerError`` where it refuses.
        close: Ends it.
    """

    taken: Future[None]
    close: Callable[[], None]


class Broker(Protocol):
    """The one connection to IoT Core. Any thread may call; nothing blocks."""

    def open(self, tell: Callable[[bool], None]) -> None:
        """Begins to connect, for ever; also after ``close``.

        Args:
            tell: Gets whether it is connected, at every change.
        """

    def publish(self, message: Message) -> Future[None]:
        """Done once acknowledged (QoS 1) or sent (QoS 0); fails with ``BrokerError``, ``RefusedError`` if refused."""

    def subscribe(self, topic_filter: str, hear: Hear) -> Hearing:
        """Hears a topic, or many (``+``, ``#``); also before it is connected."""

    def close(self) -> None:
        """Disconnects; subscriptions come back with the next ``open``."""


class MemoryBroker:
    """A broker in this process; what is published goes to who subscribed, itself included.

    Attributes:
        published: What it took, in order.
        refuses: Whether a message is refused.
    """

    def __init__(self, refuses: Callable[[Message], bool] = lambda _: False) -> None:
        self.published: list[Message] = []
        self.refuses = refuses
        self._mutex = threading.Lock()
        self._tell: Callable[[bool], None] | None = None
        self._heard: list[tuple[str, Hear]] = []

    def open(self, tell: Callable[[bool], None]) -> None:
        """See ``Broker``; connected at once."""
        self._tell = tell
        tell(True)  # noqa: FBT003 - one value, named by the port

    def publish(self, message: Message) -> Future[None]:
        """See ``Broker``."""
        done: Future[None] = Future()
        if self._tell is None or self.refuses(message):
            kind = BrokerError if self._tell is None else RefusedError
            done.set_exception(kind(f"{message.topic}: not taken"))
            return done
        self.published.append(message)
        done.set_result(None)
        self._deliver(message)
        return done

    def subscribe(self, topic_filter: str, hear: Hear) -> Hearing:
        """See ``Broker``."""
        taken: Future[None] = Future()
        taken.set_result(None)
        entry = (topic_filter, hear)
        with self._mutex:
            self._heard.append(entry)
        return Hearing(taken, lambda: self._forget(entry))

    def close(self) -> None:
        """See ``Broker``."""
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(False)  # noqa: FBT003 - one value, named by the port

    def say(self, topic: str, payload: bytes) -> None:
        """A message of the cloud to who subscribed; lost while it is closed."""
        self._deliver(Message(topic, payload))

    def _deliver(self, message: Message) -> None:
        with self._mutex:
            hearers = [hear for topic_filter, hear in self._heard if matches(topic_filter, message.topic)]
        for hear in hearers if self._tell is not None else ():
            hear(message)

    def _forget(self, entry: tuple[str, Hear]) -> None:
        with self._mutex:
            if entry in self._heard:
                self._heard.remove(entry)
