"""Whether a phase may go on: the process may be told to end, and the order may be taken back."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from device_agent.fleet.port import Interrupted
from device_agent.fleet.update.errors import WithdrawnError
from device_agent.fleet.update.port import Order


class Going(NamedTuple):
    """What a phase asks before it goes on.

    Attributes:
        stop: Set when the process ends.
        withdrawn: Whether the order was taken back.
        renewed: The order as it is asked now, perhaps with a fresh URL.
        tell: Says in a few words what is waited for; the journal keeps it.
        ask_url: Says that the URL has expired.
    """

    stop: threading.Event
    withdrawn: Callable[[], bool]
    renewed: Callable[[], Order | None]
    tell: Callable[[str], None]
    ask_url: Callable[[], None]

    def check(self) -> None:
        """Goes on, or not.

        Raises:
            Interrupted: The process ends.
            WithdrawnError: The order was taken back.
        """
        if self.stop.is_set():
            raise Interrupted
        if self.withdrawn():
            raise WithdrawnError("taken back by whoever asked for it")

    def pause(self, seconds: float, *, undoing: bool = False) -> None:
        """Waits a little; see ``check``. What undoes an order does not ask whether it was taken back."""
        self.stop.wait(seconds)
        if undoing and self.stop.is_set():
            raise Interrupted
        if not undoing:
            self.check()
