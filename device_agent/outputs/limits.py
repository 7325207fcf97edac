"""What an output may do, as a function of time: its lease and its longest time on. Every adapter asks it.

```
switch(on) ─▶ renew ─▶ allowed?   too long on: off until it was switched off once
watchdog   ─▶ due?                nothing heard for LEASE_S: the safe state
```
"""

from device_agent.outputs.port import LEASE_S, OutputConfig


class Limits:
    """One output's. Not thread-safe: the adapter's lock is its lock.

    Args:
        config: Of the output.

    Attributes:
        expired: Times that the lease ran out.
        cut: Times that it was on for too long.
    """

    def __init__(self, config: OutputConfig) -> None:
        self._config = config
        self._heard_s: float | None = None
        self._on_since_s: float | None = None
        self._spent = False
        self.expired = self.cut = 0

    def switch(self, now_s: float, *, on: bool) -> bool:
        """Takes what is wanted; returns what the output is to be.

        Args:
            now_s: Monotonic.
            on: What is wanted.
        """
        self._heard_s = now_s
        if not on:
            self._on_since_s, self._spent = None, False
            return False
        return self._may_be_on(now_s)

    def due(self, now_s: float, *, is_on: bool) -> bool:
        """What the output is to be now that nobody switched it; call it about every second."""
        if self._heard_s is not None and now_s - self._heard_s >= LEASE_S:
            self._heard_s = None
            self.expired += 1
        wanted = is_on if self._heard_s is not None else self._config.safe_on
        if not wanted:
            self._on_since_s = None
            return False
        return self._may_be_on(now_s)

    def _may_be_on(self, now_s: float) -> bool:
        if self._on_since_s is None:
            self._on_since_s = now_s
        longest = self._config.max_on_s
        if longest and not self._spent and now_s - self._on_since_s >= longest:
            self._spent = True
            self.cut += 1
        return not self._spent
