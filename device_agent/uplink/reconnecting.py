"""How long to wait before connecting again: soon while nobody answers, rarely while somebody says no.

A link that is away costs nobody anything: trying every few seconds finds it within five. A service that answers
and refuses (a revoked certificate, a policy, another client under the same name) must not be asked by ten
thousand gateways every few seconds: then the wait doubles up to five minutes. All waits are fully jittered.

A certificate that is not yet valid, or no longer, says more about this gateway's clock than about the service
while the clock has not been set: it counts as nobody answering.

Pure; the caller brings the time and the randomness. Not here: the connection (``mqtt5``).
"""

import random
from typing import Final

FIRST_MS: Final = 500
LAST_MS: Final = 3_500
"""Of the quick waits."""

SLOW_FIRST_S: Final = 4.0
SLOW_LAST_S: Final = 300.0
TAKEN_OVER_WITHIN_S: Final = 900.0
"""Longer than ``SLOW_LAST_S``, or a contest would be forgotten in the pause it caused."""

TAKEN_OVER_TIMES: Final = 3
"""So often within so long, a session taken over is no restart of our own: two devices use one name."""

HANG_UP_AFTER_S: Final = 10.0
HANG_UP_WITHIN_S: Final = 120.0
HANG_UP_TIMES: Final = 5
"""A broker may end the session taken over without a word. So many connections that it closed in order, each soon after
it had taken them, look the same; a network that resets connections does not close them in order."""

EARLIEST_PLAUSIBLE_S: Final = 1_767_225_600
"""2026-01-01: a clock before that has not been set (a Raspberry Pi has none that runs without power)."""

TRUSTED_S: Final = 8 * 31_557_600
"""So long after ``EARLIEST_PLAUSIBLE_S`` a clock is not suspected when a certificate is refused."""

LATEST_PLAUSIBLE_S: Final = 2_524_608_000
"""2050-01-01."""


class Reconnecting:
    """What the answers so far mean for the next attempt. Times are monotonic seconds.

    Args:
        source: Randomness.

    Attributes:
        refusals: Answers in a row that were a no.
        taken_over: Times, ever, that another client took the session, as far as the broker said so.
    """

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self.refusals = 0
        self.taken_over = 0
        self._takeovers: list[float] = []
        self._hang_ups: list[float] = []
        self._accepted_s = float("-inf")

    @property
    def is_contested(self) -> bool:
        """Whether another device seems to use this gateway's name."""
        return len(self._takeovers) >= TAKEN_OVER_TIMES or len(self._hang_ups) >= HANG_UP_TIMES

    def accepted(self, now_s: float) -> None:
        """The broker took the connection."""
        self._accepted_s = now_s
        self._takeovers = _recent(self._takeovers, now_s, TAKEN_OVER_WITHIN_S)
        self._hang_ups = _recent(
            self._hang_ups, now_s, HANG_UP_WITHIN_S if not self.is_contested else TAKEN_OVER_WITHIN_S
        )
        if not self.is_contested:
            self.refusals = 0

    def refused(self) -> None:
        """The service answered, and the answer was no."""
        self.refusals += 1

    def unreachable(self) -> None:
        """Nobody answered."""
        self.refusals = 0

    def was_taken_over(self, now_s: float) -> None:
        """Another client connected under this name, and the broker ended ours."""
        self.taken_over += 1
        self._takeovers = [*_recent(self._takeovers, now_s, TAKEN_OVER_WITHIN_S), now_s]
        if self.is_contested:
            self.refusals += 1

    def hung_up(self, now_s: float) -> None:
        """The broker closed the connection in order and did not say why."""
        if now_s - self._accepted_s < HANG_UP_AFTER_S:
            self._hang_ups.append(now_s)
            if self.is_contested:
                self.refusals += 1

    def pause_s(self) -> float | None:
        """How long not to try at all; ``None`` leaves it to the quick waits."""
        if self.refusals == 0:
            return None
        bound = min(SLOW_LAST_S, SLOW_FIRST_S * 2.0 ** min(self.refusals - 1, 30))
        return self._source.uniform(bound / 2 if self.is_contested else 0.0, bound)


def _recent(moments: list[float], now_s: float, within_s: float) -> list[float]:
    return [at for at in moments if now_s - at < within_s]


def is_plausible(wall_s: float) -> bool:
    """Whether a clock can have been set."""
    return EARLIEST_PLAUSIBLE_S <= wall_s <= LATEST_PLAUSIBLE_S


def tells_of_the_service(wall_s: float) -> bool:
    """Whether a failed TLS handshake at this time says more about the service than about this gateway's clock.

    A clock that is years ahead finds every server's certificate expired; it is right again in a moment.
    """
    return EARLIEST_PLAUSIBLE_S <= wall_s <= EARLIEST_PLAUSIBLE_S + TRUSTED_S
