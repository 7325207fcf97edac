"""Who shares a connection with the one that owns it."""

import threading
from collections.abc import Mapping
from typing import Protocol

from device_agent.uplink.port import Deliver


class Beside(Protocol):
    """What uses the connection beside the forwarder. No two hear the same topic, or count by the same name."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What became of what it heard."""

    def hears(self) -> Mapping[str, Deliver]:
        """Who gets what is said on a topic, see ``Uplink.connect``."""

    def run(self, stop: threading.Event) -> None:
        """The work of a thread of its own."""
