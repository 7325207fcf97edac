"""How long to leave a sensor alone that does not answer: at once, then 1 s, 2 s, 4 s … at most 30 s.

Up to half of each pause is random, so that sensors on one bus do not come back in step.
"""

from collections.abc import Callable

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


class Retry:
    """Counts failures in a row and says when to try again.

    Args:
        jitter: A random number from 0 to 1, called once per pause.
    """

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._failures = 0
        self._not_before_ns = 0

    def may_try(self, now_ns: int) -> bool:
        """Whether the pause is over."""
        return now_ns >= self._not_before_ns

    def failed(self, now_ns: int) -> None:
        """Notes a failure; the first in a row may be tried again at once, for it may have been a glitch."""
        pause_s = min(FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 16), LONGEST_PAUSE_S)
        if self._failures == 0:
            pause_s = 0.0
        self._failures += 1
        self._not_before_ns = now_ns + round(pause_s * (1 - 0.5 * self._jitter()) * 1e9)

    def succeeded(self) -> None:
        """Forgets all failures."""
        self._failures = 0
        self._not_before_ns = 0
