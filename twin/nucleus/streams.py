"""One call of a component: what was asked, and the stream that its answer and its events go out on.

Not here: the connection (``session``), what the operations do (``services``).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from twin.nucleus.registry import Body

SAY = Callable[[str, Body], bool]
"""Sends an event: its type in the model without prefix, and its body; false where it could not go out."""


class Stream:
    """A subscription's way out. Used on the server's own thread only.

    The answer of the subscription must be the first message on it; an event before that is lost, as on the classic
    nucleus (``ConfigurationUpdateOperationHandler.afterHandleRequest``).

    Args:
        say: See ``SAY``.
        lose: Is called for every event that did not go out.
    """

    def __init__(self, say: SAY, lose: Callable[[], None]) -> None:
        self._say = say
        self._lose = lose
        self._endings: list[Callable[[], None]] = []
        self.is_open = False
        self.has_ended = False
        self.is_dead = False
        self.operation = ""

    def say(self, model: str, body: Body) -> bool:
        """An event to the component; false where it is lost."""
        said = self.is_open and not self.has_ended and not self.is_dead and self._say(model, body)
        if not said:
            self._lose()
        return said

    def at_end(self, do: Callable[[], None]) -> None:
        """What is to be done when the component closes it or goes."""
        self._endings.append(do)

    def end(self) -> None:
        """It is over; a second call does nothing."""
        if not self.has_ended:
            self.has_ended = True
            for do in self._endings:
                do()


class Call(NamedTuple):
    """One operation that was asked for.

    Attributes:
        component: Who asks.
        operation: Its name without prefix.
        body: The request.
        stream: Where events go, for a subscription.
    """

    component: str
    operation: str
    body: Body
    stream: Stream


Handler = Callable[[Call], Body | Awaitable[Body]]
"""Returns the response's body.

Raises:
    NucleusIpcError: The component's error.
"""


class Service(Protocol):
    """Operations that belong together."""

    def handlers(self) -> Mapping[str, Handler]:
        """What answers each operation, by its name without prefix."""


def text(body: Body, name: str) -> str:
    """A string field, empty where there is none or something else."""
    value = body.get(name)
    return value if isinstance(value, str) else ""


def keys(body: Body) -> tuple[str, ...]:
    """``keyPath``, empty where there is none."""
    path = body.get("keyPath")
    return tuple(str(key) for key in path) if isinstance(path, list) else ()
