"""How fast and how often: a token bucket for publishes, a jittered back-off for retries.

Pure arithmetic; the caller brings the time (seconds, monotonic) and the randomness.
"""

import random


class TokenBucket:
    """Lets ``rate`` things a second pass, at most ``burst`` of them at once.

    AWS IoT Core grants a connection 100 publishes and 512 KB a second (AWS IoT Core endpoints and quotas).
    """

    def __init__(self, rate: float, *, burst: float, now_s: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_s = now_s

    def ready(self, now_s: float) -> bool:
        """Whether one more may pass now."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._filled_s) * self._rate)
        self._filled_s = now_s
        return self._tokens >= 1

    def take(self, amount: float = 1) -> None:
        """So much passed; more than there was is owed."""
        self._tokens -= amount


class Pace:
    """Messages and bytes a second together: what passes must suit both buckets.

    A message passes while any byte may, and its bytes are owed: the rate holds over a second, whatever the size.
    """

    def __init__(self, *, publishes_per_s: float, bytes_per_s: float, burst_s: float, now_s: float) -> None:
        self._publishes = TokenBucket(publishes_per_s, burst=max(1.0, publishes_per_s * burst_s), now_s=now_s)
        self._bytes = TokenBucket(bytes_per_s, burst=max(1.0, bytes_per_s * burst_s), now_s=now_s)

    def ready(self, now_s: float) -> bool:
        """Whether one more message may pass now."""
        publishes, some_bytes = self._publishes.ready(now_s), self._bytes.ready(now_s)
        return publishes and some_bytes

    def take(self, size_bytes: int) -> None:
        """One more passed."""
        self._publishes.take()
        self._bytes.take(size_bytes)


class Backoff:
    """Waits that double from ``first_s`` to ``last_s``, each drawn between 0 and its bound (full jitter).

    Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self, *, first_s: float, last_s: float, source: random.Random) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._source = source

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after the ``failures``-th failure in a row, from 1."""
        bound = min(self._last_s, self._first_s * 2.0 ** min(failures - 1, 30))
        return self._source.uniform(0.0, bound)
