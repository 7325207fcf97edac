"""The uplink under Greengrass: the nucleus owns connection, key and client id; we hand it messages by IPC.

What it takes is not stored, and not even sent: the classic nucleus keeps it in a spooler of 2.5 MiB of memory and
rejects what does not fit, the lite one has none and fails while it is offline. Both fail a publish with
``ServiceError``: where nothing passed for a while the link then counts as down, and is tried again after
``TRY_AGAIN_S``; where others pass, the nucleus has only too much to do (the lite one holds ten unacknowledged
publishes), and that publish alone is tried again. The spool forgets on the cloud's word only, as with every uplink.

Not here: the connection to the nucleus (``device_agent.ipc``).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Final

from device_agent.errors import UplinkError
from device_agent.ipc.errors import InvalidRequestError, NucleusError, ServiceRefusedError, UnauthorizedError
from device_agent.ipc.operations import Answer, PublishToIoTCore, SubscribeToIoTCore
from device_agent.ipc.port import Nucleus, Reached, Subscription
from device_agent.uplink.port import Deliver, Link, PublishRefusedError

TRY_AGAIN_S: Final = 3.0

logger = logging.getLogger(__name__)


class GreengrassUplink:
    """See ``device_agent.uplink.port.Uplink``.

    Args:
        nucleus: The process's connection to it.
        is_shared: Whether others use it too, so that it stays open when the uplink closes.
        try_again_s: How long after a refusal an offline nucleus is tried again.
    """

    def __init__(self, nucleus: Nucleus, *, is_shared: bool = False, try_again_s: float = TRY_AGAIN_S) -> None:
        self._nucleus = nucleus
        self._is_shared = is_shared
        self._try_again_s = try_again_s
        self._subscriptions: list[Subscription] = []
        self._wake: Callable[[], None] = lambda: None
        self._link = Link(connected=False, connects=0, failures=0, reason="not connected yet")
        self._reached = Reached(connected=False, reason="")
        self._mutex = threading.Lock()
        self._again: threading.Timer | None = None
        self._closed = False
        self._is_trial = False
        self._passed_s = -try_again_s

    @property
    def link(self) -> Link:
        """See ``Uplink``."""
        trouble = next((str(one.trouble) for one in self._subscriptions if one.trouble is not None), "")
        return self._link._replace(reason=trouble) if trouble and not self._link.reason else self._link

    def connect(self, hear: Mapping[str, Deliver], wake: Callable[[], None]) -> None:
        """See ``Uplink``."""
        self._wake = wake
        self._subscriptions = [self._subscribe(topic, deliver) for topic, deliver in hear.items()]
        self._nucleus.open(self._told)

    def publish(self, topic: str, payload: bytes) -> Future[None]:
        """See ``Uplink``; done when the nucleus has taken it."""
        answer: Future[None] = Future()
        if not self._link.connected:
            answer.set_exception(UplinkError(f"publish to {topic}: {self._link.reason or 'not connected'}"))
            return answer
        sent = self._nucleus.call(PublishToIoTCore(topic, payload))
        sent.add_done_callback(lambda done: self._resolve(answer, done))
        return answer

    def close(self) -> None:
        """See ``Uplink``."""
        with self._mutex:
            self._closed = True
            if self._again is not None:
                self._again.cancel()
        for subscription in self._subscriptions:
            subscription.close()
        if not self._is_shared:
            self._nucleus.close()

    def _subscribe(self, topic: str, deliver: Deliver) -> Subscription:
        return self._nucleus.subscribe(SubscribeToIoTCore(topic), lambda said: deliver(said.payload))

    def _resolve(self, answer: Future[None], done: Future[Answer]) -> None:
        error = done.exception()
        if error is None:
            self._passed()
            answer.set_result(None)
        elif isinstance(error, UnauthorizedError | InvalidRequestError):
            permanent = isinstance(error, InvalidRequestError)
            answer.set_exception(PublishRefusedError(str(error), permanent=permanent, remedy=error.remedy))
        else:
            if isinstance(error, ServiceRefusedError) and time.monotonic() - self._passed_s > self._try_again_s:
                self._is_offline(str(error))
            remedy = error.remedy if isinstance(error, NucleusError) else ""
            answer.set_exception(UplinkError(str(error), remedy=remedy))

    def _passed(self) -> None:
        """The nucleus took something; after a trial that is the link's return."""
        with self._mutex:
            self._passed_s = time.monotonic()
            if not self._is_trial:
                return
            self._is_trial = False
            self._link = self._link._replace(connected=True, connects=self._link.connects + 1, reason="")
        logger.info("uplink.connected", extra={"by": "nucleus"})
        self._wake()

    def _told(self, reached: Reached) -> None:
        with self._mutex:
            self._reached = reached
            self._is_trial = False
            if reached.connected:
                self._link = self._link._replace(connected=True, connects=self._link.connects + 1, reason="")
            else:
                self._down(reached.reason)
        self._wake()

    def _is_offline(self, reason: str) -> None:
        """The nucleus is there, the cloud behind it is not: nobody says when it comes back, so it is tried."""
        with self._mutex:
            if self._again is not None or self._closed:
                return
            self._again = threading.Timer(self._try_again_s, self._try_again)
            self._again.daemon = True
            self._again.start()
            self._down(f"the nucleus cannot send: {reason}")
        self._wake()

    def _try_again(self) -> None:
        """What waits may be tried; only if some of it passes, the link is back."""
        with self._mutex:
            self._again = None
            if not self._reached.connected or self._closed:
                return
            self._is_trial = True
            self._link = self._link._replace(connected=True)
        self._wake()

    def _down(self, reason: str) -> None:
        if reason != self._link.reason:
            logger.info("uplink.disconnected", extra={"by": "nucleus", "reason": reason})
        self._link = self._link._replace(connected=False, failures=self._link.failures + 1, reason=reason)
