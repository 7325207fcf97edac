"""How fast and how often: a token bucket for publishes, a jittered back-off for retries.

Pure arithmetic; the caller brings the time (seconds, monotonic) and the randomness.
"""

import random


class TokenBucket:
    """Lets ``rate`` things a second pass, at most ``burst`` of them at once.

    AWS IoT Core grants a connection 100 publishes and 512 KB a second (AWS IoT Core endpoints and quotas). With
    envelopes of at most 5 KB, 90 a second stay below both.
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

    def take(self) -> None:
        """One more passed."""
        self._tokens -= 1


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
