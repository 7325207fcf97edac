"""One listener: a bounded queue, and one worker that keeps the order.

Not here: where the events come from.
"""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from device_agent.ipc.port import QUEUED_EVENTS

_SAID_EVERY: Final = 1000

logger = logging.getLogger(__name__)


class Hearing:
    """From whoever calls ``put`` to the listener.

    Args:
        name: For logs and the thread.
        hear: The listener.
        limit: Events that may wait.

    Attributes:
        unheard: Events dropped so far.
    """

    def __init__(self, name: str, hear: Callable[[Any], None], *, limit: int = QUEUED_EVENTS) -> None:
        self.unheard = 0
        self._name = name
        self._hear = hear
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._room = threading.BoundedSemaphore(limit)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"ipc-{name}", daemon=True)
        self._thread.start()

    def put(self, event: object) -> None:
        """Never waits; an event that does not fit is counted, and said the first and every thousandth time."""
        if self._closed.is_set():
            return
        if self._room.acquire(blocking=False):
            self._queue.put((event,))
            return
        if self.unheard % _SAID_EVERY == 0:
            logger.warning("ipc.unheard", extra={"subscription": self._name, "before": self.unheard})
        self.unheard += 1

    def close(self) -> None:
        """No event after the one that is heard now."""
        self._closed.set()
        self._queue.put(None)

    def join(self, timeout_s: float) -> None:
        """Waits for the worker, unless it is the caller."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None and not self._closed.is_set():
            self._room.release()
            try:
                self._hear(item[0])
            except Exception:
                logger.exception("ipc.listener_failed", extra={"subscription": self._name})
