"""What every uplink is: one connection to the broker under the gateway's own name.

A publish is either acknowledged, refused or failed, and says so by its future; nothing waits inside.
What is not acknowledged stays in the spool, which is the only queue there is.

Not here: what is sent and when (``device_agent.forwarder``), topics (``contract.topics``).
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from device_agent.errors import UplinkError


class PublishRefusedError(UplinkError):
    """The broker answered a publish with a reason code of 0x80 or above; sending it again may not help.

    Attributes:
        permanent: The bytes or the topic themselves are wrong, whoever sends them and whenever.
    """

    def __init__(self, message: str, *, permanent: bool, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.permanent = permanent


class Link(NamedTuple):
    """How the connection is.

    Attributes:
        connected: Whether a publish can be tried now.
        connects: Connections made so far.
        failures: Attempts that failed so far.
        reason: Why it is not connected, or cannot hear; for a person, empty while all is well.
        takeovers: Times that another client under this name ended the session, as far as the broker said so.
        certificate: Id of the one it connected with last; empty before, and where somebody else has it.
        refused: Id of the one that the broker refused last, alone or beside the connection; empty if none is.
    """

    connected: bool
    connects: int
    failures: int
    reason: str
    takeovers: int = 0
    certificate: str = ""
    refused: str = ""


Deliver = Callable[[bytes], None]
"""Gets the payload of each message heard. Called on the uplink's own thread: must not block."""


class Uplink(Protocol):
    """A connection that comes back by itself. ``publish`` and ``link`` may be called from any thread."""

    @property
    def link(self) -> Link:
        """How it is now."""

    def connect(self, hear: Mapping[str, Deliver], wake: Callable[[], None]) -> None:
        """Begins to connect and to reconnect, for ever; returns at once. Call it once.

        Args:
            hear: Who gets what is said on a topic; subscribed again with every connection. ``+`` and ``#`` stand for
                levels as in MQTT, and a message that two of them bring is delivered to both.
            wake: Called on the same thread whenever ``link`` changed.
        """

    def publish(self, topic: str, payload: bytes) -> Future[None]:
        """Sends one message, at least once.

        Returns:
            Done when the broker has taken it. Fails with ``PublishRefusedError`` if the broker refused it, with
            ``UplinkError`` if the link went or no answer came; the message may have arrived all the same.
        """

    def close(self) -> None:
        """Ends the connection within a few seconds; the session stays at the broker. A second call does nothing."""
