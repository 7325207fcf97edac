"""A cloud that takes everything and answers nothing: noticed, said, and probed with one block an hour.

A broker acknowledges what it takes, whether or not anything behind it works. The cloud answers at most every half
hour, so hours without an answer while blocks wait for one are an alarm. Nothing is sent again for it but the
oldest block, once an hour: the answer may have been lost, and a second copy is always answered.

Not here: sending (``device_agent.forwarder``).
"""

from typing import Final

PROBE_EVERY_S: Final = 3600.0


class Silence:
    """Times are monotonic seconds.

    Args:
        after_s: Without an answer for so long, while something waits for one, the cloud is silent.
        now_s: The time.
    """

    def __init__(self, after_s: float, now_s: float) -> None:
        self._after_s = after_s
        self._quiet_since_s = now_s
        self._probe_at_s = now_s + after_s
        self._stepped_s = now_s
        self.is_silent = False

    def heard(self, now_s: float) -> None:
        """The cloud answered."""
        self._quiet_since_s = now_s
        self._probe_at_s = now_s + self._after_s
        self._stepped_s = now_s
        self.is_silent = False

    def step(self, now_s: float, *, expecting: bool, connected: bool) -> bool:
        """Whether a probe is due.

        Args:
            now_s: The time.
            expecting: Whether anything was acknowledged and not confirmed.
            connected: Time without a link does not count: a cloud that cannot be reached is not silent.
        """
        if not expecting:
            self.heard(now_s)
            return False
        passed_s, self._stepped_s = now_s - self._stepped_s, now_s
        if not connected:
            self._quiet_since_s += passed_s
            self._probe_at_s += passed_s
            return False
        self.is_silent = now_s - self._quiet_since_s >= self._after_s
        if now_s < self._probe_at_s:
            return False
        self._probe_at_s = now_s + PROBE_EVERY_S
        return True
