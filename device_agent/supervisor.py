"""Named threads under one roof: one stop event, every thread joined, the first failure raised again.

A thread that fails stops all others: a gateway that senses but cannot spool must end and be restarted by its
service manager, not go on in half.
"""

import logging
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from device_agent.errors import ThresherError

logger = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 2.0
"""How soon it is noticed that threads which were told to end hang; that all ended is noticed at once."""

Work = Callable[[threading.Event], None]


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set. Main thread only.

    A thread of its own sets it. A handler runs in the middle of whatever the main thread does, also of ``set`` or
    ``wait`` on this event, whose lock it would wait for in vain; a simple queue's ``put`` may be interrupted by
    itself (docs.python.org, ``queue.SimpleQueue.put``).
    """
    stop, heard = threading.Event(), queue.SimpleQueue[int]()

    def heed() -> None:
        heard.get()
        stop.set()

    threading.Thread(target=heed, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: heard.put(number))
    return stop


def look_on_hangup() -> threading.Event:
    """An event that SIGHUP sets, where a service manager runs the process; in a terminal that signal still ends it.

    Main thread only.
    """
    look = threading.Event()
    if not sys.stdin.isatty():
        signal.signal(signal.SIGHUP, lambda *_: look.set())
    return look


class Supervisor:
    """Runs work in named threads until all are done.

    Args:
        stop: Ends all of them when set; also set by the first failure.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None
        self._lock = threading.Lock()
        self._working = 0
        self._ended = threading.Event()
        self._ended.set()

    def start(self, name: str, work: Work) -> None:
        """Starts one thread."""
        thread = threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
        with self._lock:
            self._working += 1
            self._ended.clear()
        self._threads.append(thread)
        thread.start()

    def join(self, timeout_s: float) -> None:
        """Waits until every thread has ended.

        Args:
            timeout_s: How long all of them may take to end after ``stop`` was set; a hung bus must not hold the
                process. Threads still running then are named in the log and left to the process's end.

        Raises:
            BaseException: What the first failing thread raised.
        """
        while not self._ended.wait(_LOOK_EVERY_S) and not self._stop.is_set():
            pass
        end_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end_s - time.monotonic()))
            if thread.is_alive():
                logger.error("thread.hung", extra={"worker": thread.name, "waited_s": timeout_s})
        if self._failure is not None:
            raise self._failure

    def _run(self, name: str, work: Work) -> None:
        try:
            work(self._stop)
        except BaseException as exc:
            known = isinstance(exc, ThresherError)  # its sentence says it all; a bug needs its traceback
            details = None if known else (type(exc), exc, exc.__traceback__)
            logger.error("thread.failed", extra={"worker": name, "why": str(exc)}, exc_info=details)  # noqa: TRY400 - see known
            with self._lock:
                self._failure = self._failure or exc
            self._stop.set()
        finally:
            with self._lock:
                self._working -= 1
                if not self._working:
                    self._ended.set()
