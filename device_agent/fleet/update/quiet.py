"""When a new version may be put in use: inside the maintenance window, and not while an episode is open.

An episode is what the gateway is there for, so it comes first, but not for ever: a sensor that is stuck in an episode
must not keep the fix from coming.
"""

import datetime as dt
from collections.abc import Callable
from typing import Final, Protocol

_MINUTES_A_DAY: Final = 24 * 60


class Quiet(Protocol):
    """When an update may disturb the gateway's work."""

    def why_not(self, waited_s: float) -> str:
        """What speaks against it now, for a person; empty if nothing does.

        Args:
            waited_s: How long it has been ready.
        """


class Quietly:
    """See ``Quiet``.

    Args:
        window: ``02:00-04:00``, of this machine's local time; it may span midnight. Empty for any time.
        defer_limit_s: An open episode defers at most so long.
        episode_open: Whether one is open now.
        now: Local time.
    """

    def __init__(
        self,
        window: str,
        defer_limit_s: float,
        episode_open: Callable[[], bool],
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now().astimezone(),
    ) -> None:
        self._window = window
        self._defer_limit_s = defer_limit_s
        self._episode_open = episode_open
        self._now = now

    def why_not(self, waited_s: float) -> str:
        """See ``Quiet``."""
        if self._window and not in_window(self._window, self._now().time()):
            return f"waiting for {self._window}"
        if waited_s < self._defer_limit_s and self._episode_open():
            return "waiting for the end of an episode"
        return ""


def in_window(window: str, now: dt.time) -> bool:
    """Whether a time of day lies in a window, its end excluded."""
    begin, end = (_minutes(dt.time.fromisoformat(text)) for text in window.split("-"))
    length = (end - begin) % _MINUTES_A_DAY or _MINUTES_A_DAY
    return (_minutes(now) - begin) % _MINUTES_A_DAY < length


def _minutes(time: dt.time) -> int:
    return time.hour * 60 + time.minute
