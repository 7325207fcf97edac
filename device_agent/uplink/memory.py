"""A broker in memory, and uplinks to it: for tests and rehearsals.

The broker keeps the same rules as the real one towards a client: it may be unreachable, drop the link with
messages on the way, refuse what a policy forbids, hold back its acknowledgements, and keep what a client that
is away should hear.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from device_agent.errors import UplinkError
from device_agent.ipc.memory_subscription import covers
from device_agent.uplink.port import Deliver, Link, PublishRefusedError


@dataclass
class MemoryBroker:
    """What all uplinks of a test share.

    Attributes:
        reachable: Whether a client can be connected.
        holds_answers: Publishes arrive, and their acknowledgements wait until ``answer``.
        refuses: Decides whether a payload is refused, and whether for ever.
        received: Every message that arrived, in order, second copies included.
    """

    reachable: bool = True
    holds_answers: bool = False
    refuses: Callable[[bytes], bool] = lambda _: False
    received: list[tuple[str, bytes]] = field(default_factory=list)
    _clients: list["MemoryUplink"] = field(default_factory=list)
    _unanswered: list[Future[None]] = field(default_factory=list)
    _kept: list[tuple[str, bytes]] = field(default_factory=list)
    _mutex: threading.RLock = field(default_factory=threading.RLock)

    def cut(self) -> None:
        """The link goes: what was not acknowledged fails, though it arrived."""
        with self._mutex:
            self.reachable = False
            for client in self._clients:
                client.lose("link lost")
            lost, self._unanswered = self._unanswered, []
        for future in lost:
            future.set_exception(UplinkError("link lost"))

    def restore(self) -> None:
        """The link is back; every client connects again and hears what was kept for it."""
        with self._mutex:
            self.reachable = True
            for client in self._clients:
                client.gain()
            kept, self._kept = self._kept, []
        for topic, payload in kept:
            self.say(topic, payload)

    def answer(self) -> None:
        """Acknowledges everything that waits."""
        with self._mutex:
            waiting, self._unanswered = self._unanswered, []
        for future in waiting:
            future.set_result(None)

    def say(self, topic: str, payload: bytes) -> None:
        """A message from the cloud."""
        with self._mutex:
            if not self.reachable:
                self._kept.append((topic, payload))
                return
            listeners = [client for client in self._clients if client.hears(topic)]
        for client in listeners:
            client.hear(topic, payload)

    def join(self, client: "MemoryUplink") -> None:
        """A client begins to connect."""
        with self._mutex:
            self._clients.append(client)
            if self.reachable:
                client.gain()

    def leave(self, client: "MemoryUplink") -> None:
        """A client goes for good."""
        with self._mutex:
            if client in self._clients:
                self._clients.remove(client)

    def take(self, topic: str, payload: bytes) -> Future[None]:
        """A publish."""
        answer: Future[None] = Future()
        with self._mutex:
            if not self.reachable:
                answer.set_exception(UplinkError("not connected"))
            elif self.refuses(payload):
                answer.set_exception(PublishRefusedError("refused: NOT_AUTHORIZED", permanent=False))
            else:
                self.received.append((topic, payload))
                if self.holds_answers:
                    self._unanswered.append(answer)
                else:
                    answer.set_result(None)
        return answer


class MemoryUplink:
    """See ``device_agent.uplink.port.Uplink``."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._hear: Mapping[str, Deliver] = {}
        self._wake: Callable[[], None] = lambda: None
        self._link = Link(connected=False, connects=0, failures=0, reason="not connected yet")

    @property
    def link(self) -> Link:
        """See ``Uplink``."""
        return self._link

    def connect(self, hear: Mapping[str, Deliver], wake: Callable[[], None]) -> None:
        """See ``Uplink``."""
        self._hear, self._wake = dict(hear), wake
        self._broker.join(self)

    def publish(self, topic: str, payload: bytes) -> Future[None]:
        """See ``Uplink``."""
        return self._broker.take(topic, payload)

    def close(self) -> None:
        """See ``Uplink``."""
        self._broker.leave(self)
        self.lose("closed")

    def hears(self, topic: str) -> bool:
        """Whether it has subscribed."""
        return any(covers(each, topic) for each in self._hear)

    def hear(self, topic: str, payload: bytes) -> None:
        """The broker delivers a message."""
        for each, deliver in self._hear.items():
            if covers(each, topic):
                deliver(payload)

    def gain(self) -> None:
        """The broker took the connection."""
        self._link = self._link._replace(connected=True, connects=self._link.connects + 1, reason="")
        self._wake()

    def lose(self, reason: str) -> None:
        """The connection is gone."""
        self._link = self._link._replace(connected=False, reason=reason)
        self._wake()
