"""One client of the nucleus for a whole process, in shares that come and go with its stages.

A share is a ``Nucleus`` to whoever holds it. Its end takes its subscriptions along, never the connection.
Not here: the connection (``device_agent.ipc``).
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from device_agent.ipc.operations import Request, StreamRequest
from device_agent.ipc.port import A, E, Nucleus, Reached, Subscription

Tell = Callable[[Reached], None]


class Client:
    """Owns the connection.

    Args:
        nucleus: Not yet opened.
    """

    def __init__(self, nucleus: Nucleus) -> None:
        self.nucleus = nucleus
        self._mutex = threading.RLock()
        self._tells: list[Tell] = []
        self._reached: Reached | None = None

    def open(self) -> None:
        """Begins to connect; returns at once."""
        self.nucleus.open(self._told)

    def share(self) -> "Share":
        """A new share."""
        return Share(self)

    def close(self) -> None:
        """Ends the connection."""
        self.nucleus.close()

    def listen(self, tell: Tell) -> None:
        """Tells how the connection is, now if that is known, and whenever it changes."""
        with self._mutex:
            self._tells.append(tell)
            if self._reached is not None:
                tell(self._reached)

    def leave(self, tell: Tell) -> None:
        """Tells no more."""
        with self._mutex:
            self._tells = [each for each in self._tells if each is not tell]

    def _told(self, reached: Reached) -> None:
        with self._mutex:
            self._reached = reached
            for tell in self._tells:
                tell(reached)


class Share:
    """See ``device_agent.ipc.port.Nucleus``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tell: Tell | None = None
        self._subscriptions: list[Subscription] = []

    @property
    def unheard(self) -> int:
        """See ``Nucleus``; of the whole process."""
        return self._client.nucleus.unheard

    def open(self, tell: Tell) -> None:
        """See ``Nucleus``; the connection may be there already."""
        self._tell = tell
        self._client.listen(tell)

    def call(self, request: Request[A]) -> Future[A]:
        """See ``Nucleus``."""
        return self._client.nucleus.call(request)

    def subscribe(self, request: StreamRequest[E], hear: Callable[[E], None]) -> Subscription:
        """See ``Nucleus``."""
        subscription = self._client.nucleus.subscribe(request, hear)
        self._subscriptions.append(subscription)
        return subscription

    def close(self) -> None:
        """Ends what was subscribed to by this share."""
        if self._tell is not None:
            self._client.leave(self._tell)
        ending: list[Any] = [*self._subscriptions]
        self._subscriptions.clear()
        for subscription in ending:
            subscription.close()
