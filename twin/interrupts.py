"""Ctrl-C, SIGTERM and a closed terminal as a wish, not as an accident."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_on_signals() -> Iterator[threading.Event]:
    """An event that the first of these signals sets; the second raises ``KeyboardInterrupt``. Main thread only.

    The handlers that were there before are back afterwards.
    """
    stop = threading.Event()

    def wish(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, wish) for number in _WISHES}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
