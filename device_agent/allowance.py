"""So many in so long, and a count of those beyond: for events that a moody machine could produce without end."""

from collections import deque


class Allowance:
    """One thread at a time.

    Args:
        most: How many are allowed within the span.
        span_ns: Its length; monotonic time.

    Attributes:
        refused: How many were not allowed, ever.
    """

    def __init__(self, most: int, span_ns: int) -> None:
        self._taken: deque[int] = deque()
        self._most, self._span_ns = most, span_ns
        self.refused = 0

    def take(self, now_ns: int) -> bool:
        """Whether one more is allowed now; then it counts."""
        while self._taken and now_ns - self._taken[0] >= self._span_ns:
            self._taken.popleft()
        if len(self._taken) >= self._most:
            self.refused += 1
            return False
        self._taken.append(now_ns)
        return True
