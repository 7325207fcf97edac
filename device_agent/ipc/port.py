"""What a nucleus is to us: one connection a process, that comes back by itself, and what is asked over it.

Rules every adapter keeps: every call ends (``ANSWER_S``); a subscription survives reconnects, has a worker of its own
and hears in order; a listener may call; a queue is bounded, and what did not fit is counted; ``close`` ends in four
seconds, whatever the nucleus does.

Not here: which adapter (``opening``), what can be asked (``operations``), what it may answer instead (``errors``).
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, NamedTuple, Protocol, TypeVar

from device_agent.ipc.errors import NucleusError
from device_agent.ipc.operations import Answer, Event, Request, StreamRequest

ANSWER_S: Final = 10.0
CLOSE_S: Final = 4.0
QUEUED_EVENTS: Final = 256
"""Events of one subscription that may wait for its listener."""

A = TypeVar("A", bound=Answer)
E = TypeVar("E", bound=Event)


class Reached(NamedTuple):
    """How the connection is.

    Attributes:
        connected: Whether the nucleus is connected and every subscription was tried.
        reason: Why not, for a person.
    """

    connected: bool
    reason: str


class Subscription(Protocol):
    """Events from now on, until it is closed."""

    @property
    def trouble(self) -> NucleusError | None:
        """Why it does not stand: ``UnsupportedError``, ``UnauthorizedError``…; nothing while it does or is awaited.

        Tried again all the same, at least with every connection.
        """

    @property
    def stands(self) -> bool:
        """Whether the nucleus has accepted it on the connection of now."""

    @property
    def unheard(self) -> int:
        """Events so far that were dropped because ``QUEUED_EVENTS`` waited already."""

    def close(self) -> None:
        """Ends it; what waits is not heard any more. May be called by its own listener, and again."""


class Nucleus(Protocol):
    """The nucleus that started this process. Any thread may call any of it."""

    @property
    def unheard(self) -> int:
        """Events dropped so far, of all subscriptions, closed ones included."""

    def open(self, tell: Callable[[Reached], None]) -> None:
        """Begins to connect, for ever; returns at once. Each who wants to be told may call it, also later.

        Args:
            tell: Gets how it is, if that is known, and then every change, in order: must not block, nor call.
        """

    def call(self, request: Request[A]) -> Future[A]:
        """Asks; returns at once.

        Returns:
            Done with the answer, or fails with a ``NucleusError`` within ``ANSWER_S``. While there is no connection it
            fails at once with ``LostError``. Its callbacks must not block.
        """

    def subscribe(self, request: StreamRequest[E], hear: Callable[[E], None]) -> Subscription:
        """Hears events, also before ``open``.

        Args:
            request: To what.
            hear: Gets each event, in order, on a thread of its own: may block, may call. A copy may come after a
                reconnect and now and then. What it raises is logged and the next event follows.
        """

    def close(self) -> None:
        """Fails what is unanswered and ends within ``CLOSE_S``. A second call does nothing."""
