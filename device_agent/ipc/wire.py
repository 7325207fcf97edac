"""One connection to a nucleus, once: what a client library must give, so that ``kept`` can keep it open for ever.

Not here: reconnecting, waiting for answers, order (``kept``).
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from device_agent.ipc.errors import LostError, NucleusError
from device_agent.ipc.operations import Answer, Event, Request

CONNECT_S: Final = 10.0

Outcome = Answer | NucleusError
End = Callable[[], None]
"""Ends a stream: never waits, never raises, may be called again."""


class TokenRefusedError(NucleusError):
    """The nucleus says that it does not know our token."""


class HandshakeClosedError(LostError):
    """The nucleus closed the connection in the middle of the handshake: the lite one's way to refuse a token."""


class StreamListener(Protocol):
    """Who hears a stream."""

    def heard(self, event: Event) -> None:
        """An event; on the wire's thread: must not block."""

    def ended(self) -> None:
        """No event will follow, for whatever reason. Said once at most, and only after a good answer."""


class Wire(Protocol):
    """Any thread may call any of it; callbacks come on the wire's own thread and must not block."""

    def connect(self, ended: Callable[[], None]) -> None:
        """Connects, within ``CONNECT_S``. May be called again after ``disconnect``.

        Args:
            ended: Called when this connection is over.

        Raises:
            TokenRefusedError: See there.
            HandshakeClosedError: See there.
            LostError: Nobody listens, or nobody answers.
        """

    def ask(
        self, request: Request[Any], answered: Callable[[Outcome], None], listener: StreamListener | None = None
    ) -> End:
        """Sends a request; ``answered`` gets the one outcome, ``LostError`` when the connection ends before.

        Raises:
            LostError: There is no connection.
        """

    def disconnect(self) -> None:
        """Ends the connection, also one that is being made; within a second. A second call does nothing."""
