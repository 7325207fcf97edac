"""A subscription at a nucleus in memory.

Not here: the nucleus and its clients (``memory``).
"""

from collections.abc import Callable
from typing import Any

from device_agent.ipc.errors import NucleusError
from device_agent.ipc.hearing import Hearing
from device_agent.ipc.operations import StreamRequest


class MemorySubscription:
    """See ``device_agent.ipc.port.Subscription``.

    Args:
        component: Whose.
        request: To what.
        hear: The listener.
        forget: Called when it was closed.
    """

    def __init__(
        self,
        component: str,
        request: StreamRequest[Any],
        *,
        hear: Callable[[Any], None],
        forget: Callable[["MemorySubscription"], None],
    ) -> None:
        self._forget = forget
        self.request = request
        self.component = component
        self.hearing = Hearing(request.operation, hear)
        self.stands = False
        self.trouble: NucleusError | None = None

    @property
    def unheard(self) -> int:
        """See ``Subscription``."""
        return self.hearing.unheard

    @property
    def wanted(self) -> str:
        """Whose configuration."""
        return getattr(self.request, "component_name", "") or self.component

    def covers(self, topic: str) -> bool:
        """Whether a message on ``topic`` is for it."""
        return covers(str(getattr(self.request, "topic", "")), topic)

    def hears(self, topic: str, *, of: str) -> bool:
        """Whether it hears a component's message: with a wildcard, not its own."""
        own = getattr(self.request, "topic", "")
        return self.covers(topic) and (of != self.component or not set("+#") & set(own))

    def begin(self, trouble: NucleusError | None) -> None:
        """The nucleus was asked."""
        self.trouble = trouble
        self.stands = trouble is None

    def close(self) -> None:
        """See ``Subscription``."""
        self.stands = False
        self.hearing.close()
        self._forget(self)


def covers(pattern: str, topic: str) -> bool:
    """Whether an MQTT filter takes a topic."""
    wanted, levels = pattern.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(wanted) == len(levels)
