"""One subscription over many connections: whether it stands, and when it is to be begun anew.

A new stream is begun before the old one ends: what comes between is heard twice, not never.
Not here: the connection (``kept``), the listener's thread (``hearing``).
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from device_agent.ipc.errors import LostError, NucleusError, UnsupportedError
from device_agent.ipc.hearing import Hearing
from device_agent.ipc.operations import Event, StreamRequest
from device_agent.ipc.pending import Pending, Settle
from device_agent.ipc.wire import End, Outcome, Wire

_FIRST_RETRY_S: Final = 1.0
_LAST_RETRY_S: Final = 20.0
"""After a refusal; one for lack of the operation waits as long as a subscription that stands."""

logger = logging.getLogger(__name__)


class Standing:
    """See ``device_agent.ipc.port.Subscription``.

    Args:
        request: To what.
        hear: The listener.
        wake: Called when there may be something to begin.
        forget: Called when it was closed.
    """

    def __init__(
        self,
        request: StreamRequest[Any],
        hear: Callable[[Any], None],
        *,
        wake: Callable[[], None],
        forget: Callable[["Standing"], None],
    ) -> None:
        self._request = request
        self._hearing = Hearing(request.what, hear)
        self._wake = wake
        self._forget = forget
        self._current: _Stream | None = None
        self._next: _Stream | None = None
        self._trouble: NucleusError | None = None
        self._due_s = self._patience_s = 0.0
        self._failures = 0
        self._closed = False
        self._source = random.SystemRandom()
        self._mutex = threading.Lock()

    @property
    def trouble(self) -> NucleusError | None:
        """See ``Subscription``."""
        return self._trouble

    @property
    def stands(self) -> bool:
        """See ``Subscription``."""
        return self._current is not None

    @property
    def unheard(self) -> int:
        """See ``Subscription``."""
        return self._hearing.unheard

    @property
    def is_settled(self) -> bool:
        """Whether the nucleus has said yes or no, or keeps its answer back and is otherwise well."""
        if self._current is not None or self._trouble is not None:
            return True
        stream = self._next
        return self._request.may_wait and stream is not None and time.monotonic() > stream.begun_s + self._patience_s

    def is_due(self, now_s: float) -> bool:
        """Whether to ``begin`` now."""
        return self._next is None and not self._closed and now_s >= self._due_s

    def begin(self, wire: Wire, pending: Pending, *, again_s: float) -> None:
        """Asks the nucleus; once it stands, it is begun anew at ``again_s`` (monotonic)."""
        stream = self._next = _Stream(self)
        self._due_s, self._patience_s = again_s, pending.answer_s

        def settle(outcome: Outcome) -> None:
            self._answered(stream, outcome)

        answered: Settle = settle
        try:
            answered = pending.expect(self._request, settle)
            stream.end = wire.ask(self._request, answered, stream)
        except NucleusError as exc:
            answered(exc)
        if self._closed:
            stream.end()

    def lose(self) -> None:
        """The connection is gone, and every stream with it."""
        with self._mutex:
            self._current = self._next = None
            self._due_s = 0.0
            if isinstance(self._trouble, LostError):
                self._trouble = None

    def close(self) -> None:
        """See ``Subscription``."""
        with self._mutex:
            self._closed = True
            streams, self._current, self._next = [self._current, self._next], None, None
        self._hearing.close()
        for stream in streams:
            if stream is not None:
                stream.end()
        self._forget(self)

    def join(self, timeout_s: float) -> None:
        """Waits for the listener's thread."""
        self._hearing.join(timeout_s)

    def hear(self, event: Event) -> None:
        """One of the streams has something."""
        self._hearing.put(event)

    def over(self, stream: "_Stream") -> None:
        """A stream ended; if it was the one, another is begun at once."""
        with self._mutex:
            if stream is not self._current:
                return
            self._current = None
            self._due_s = stream.begun_s + _FIRST_RETRY_S
        self._wake()

    def _answered(self, stream: "_Stream", outcome: Outcome) -> None:
        with self._mutex:
            if stream is not self._next:
                return  # it was lost or closed meanwhile
            self._next = None
            if isinstance(outcome, NucleusError):
                self._trouble = outcome
                if not isinstance(outcome, UnsupportedError):
                    self._failures += 1
                    self._due_s = time.monotonic() + self._source.uniform(0.1, min(_LAST_RETRY_S, 2.0**self._failures))
                old = None
            else:
                self._trouble, self._failures = None, 0
                if not self._request.is_renewed:
                    self._due_s = math.inf
                old, self._current = self._current, stream
        if old is not None:
            old.end()
        if isinstance(outcome, UnsupportedError):
            logger.info("ipc.unsupported", extra={"reason": str(outcome)})
        elif isinstance(outcome, NucleusError) and self._failures == 1:  # not every try: it may be offline for weeks
            logger.warning("ipc.subscribe_failed", extra={"reason": str(outcome), "remedy": outcome.remedy})
        self._wake()


class _Stream:
    """One stream of it; see ``device_agent.ipc.wire.StreamListener``."""

    def __init__(self, owner: Standing) -> None:
        self._owner = owner
        self.begun_s = time.monotonic()
        self.end: End = lambda: None

    def heard(self, event: Event) -> None:
        self._owner.hear(event)

    def ended(self) -> None:
        self._owner.over(self)
