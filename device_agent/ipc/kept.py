"""A connection to the nucleus that comes back: no client library's own does.

```
connect ─▶ subscribe ─▶ up ─┬─ the server went, or answered nothing for ten seconds: again, within seconds
   ▲                        ├─ a subscription ended: anew, at once; ten minutes passed (it may die without a word): anew
   └────────────────────────┘
a refused token ─▶ ``on_denied``: it is new with every start, so the process must end and be started again
```
The classic nucleus says that it refuses a token; the lite one closes the connection in the middle of the handshake, so
``CLOSED_TIMES`` such ends in a row count as a refusal. All waits are fully jittered.

Source: aws-iot-device-sdk-python-v2 issues 193, 233 (a call inside a callback deadlocks), aws-greengrass-lite issue
1172 (dead subscriptions). Not here: the wire (``sdk``, ``thin``), one subscription's state (``standing``).
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from device_agent.ipc.errors import LostError, NucleusError
from device_agent.ipc.operations import Request, StreamRequest
from device_agent.ipc.pending import Pending, Settle
from device_agent.ipc.port import ANSWER_S, CLOSE_S, A, E, Reached
from device_agent.ipc.standing import Standing
from device_agent.ipc.wire import HandshakeClosedError, Outcome, TokenRefusedError, Wire

RESUBSCRIBE_EVERY_S: Final = 600.0
CLOSED_TIMES: Final = 4
LAST_RETRY_S: Final = 3.5
_LOOK_EVERY_S: Final = 0.5
_END_AGAIN_S: Final = 0.2
_SPARE_S: Final = 1.5
"""Of ``CLOSE_S``: for the last try to disconnect."""

_FIRST_RETRY_S: Final = 0.5

logger = logging.getLogger(__name__)


class KeptNucleus:
    """See ``device_agent.ipc.port.Nucleus``.

    Args:
        wire: Not yet connected.
        on_denied: Called once, on the connection's thread, when the token is refused.
        resubscribe_every_s: See the module.
        answer_s: How long an answer is waited for.
        last_retry_s: The longest wait between two attempts to connect.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        on_denied: Callable[[], None],
        resubscribe_every_s: float = RESUBSCRIBE_EVERY_S,
        answer_s: float = ANSWER_S,
        last_retry_s: float = LAST_RETRY_S,
    ) -> None:
        self._wire = wire
        self._last_retry_s = last_retry_s
        self._on_denied = on_denied
        self._every_s = resubscribe_every_s
        self._pending = Pending(answer_s)
        self._source = random.SystemRandom()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._connection = 0
        self._is_up = False
        self._standings: list[Standing] = []
        self._forgotten = 0
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._tellers: list[Callable[[Reached], None]] = []
        self._reached: Reached | None = None
        self._telling = threading.Lock()

    @property
    def unheard(self) -> int:
        """See ``Nucleus``."""
        with self._mutex:
            return self._forgotten + sum(each.unheard for each in self._standings)

    def open(self, tell: Callable[[Reached], None]) -> None:
        """See ``Nucleus``."""
        with self._telling:
            self._tellers.append(tell)
            if self._reached is not None:
                tell(self._reached)
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="ipc", daemon=True)
                self._thread.start()

    def call(self, request: Request[A]) -> Future[A]:
        """See ``Nucleus``."""
        future: Future[A] = Future()

        def settle(outcome: Outcome) -> None:
            if isinstance(outcome, NucleusError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)  # type: ignore[arg-type] # the request's own kind of answer

        answered: Settle = settle
        try:
            if not self._is_up:
                raise LostError(f"{request.what}: not connected to the nucleus")
            answered = self._pending.expect(request, settle)
            self._wire.ask(request, answered)
        except NucleusError as exc:
            answered(exc)
        return future

    def subscribe(self, request: StreamRequest[E], hear: Callable[[E], None]) -> Standing:
        """See ``Nucleus``."""
        standing = Standing(request, hear, wake=self._wake.set, forget=self._forget)
        with self._mutex:
            self._standings = [*self._standings, standing]
        self._wake.set()
        return standing

    def close(self) -> None:
        """See ``Nucleus``."""
        if self._stop.is_set():
            return
        deadline_s = time.monotonic() + CLOSE_S - _SPARE_S
        self._stop.set()
        self._wake.set()
        closing = self._standings
        for each in closing:
            each.close()
        self._end_thread(deadline_s)
        for each in closing:
            each.join(max(0.0, deadline_s - time.monotonic()))
        self._pending.fail_all("the connection was closed")

    def _end_thread(self, deadline_s: float) -> None:
        """A connection may be begun at this very moment: it is ended until the thread is gone."""
        self._wire.disconnect()
        thread = self._thread
        while thread not in (None, threading.current_thread()) and thread.is_alive() and time.monotonic() < deadline_s:
            thread.join(_END_AGAIN_S)
            self._wire.disconnect()

    def _keep(self) -> None:
        failures = closed = 0
        while not self._stop.is_set():
            error = self._attempt()
            self._leave()
            failures = 0 if error is None else failures + 1
            closed = closed + 1 if isinstance(error, HandshakeClosedError) else 0
            is_refused = isinstance(error, TokenRefusedError) or closed >= CLOSED_TIMES
            if is_refused and not self._stop.is_set():
                self._tell(Reached(connected=False, reason="the nucleus refused our token"))
                self._on_denied()
                return
            self._tell(Reached(connected=False, reason=f"nucleus: {error or 'the connection ended'}"))
            longest_s = min(self._last_retry_s, _FIRST_RETRY_S * 2.0 ** min(failures, 8))
            self._stop.wait(self._source.uniform(0.1, longest_s))

    def _attempt(self) -> NucleusError | None:
        """One connection, until it is lost; why it was never made, if so."""
        try:
            self._connect()
            self._stay()
        except NucleusError as exc:
            return exc
        except Exception as exc:
            logger.exception("ipc.failed")
            return LostError(str(exc))
        return None

    def _connect(self) -> None:
        connection = self._connection = self._connection + 1
        self._is_up = True

        def ended() -> None:
            if connection == self._connection:
                self._is_up = False
                self._wake.set()

        self._wire.connect(ended)

    def _stay(self) -> None:
        """Until the connection is lost; begins, and begins anew, what is subscribed to."""
        said = False
        while self._is_up and not self._stop.is_set():
            self._wake.clear()
            now_s = time.monotonic()
            if self._pending.expire(now_s):
                return  # a nucleus that is mute is left
            standings = self._standings
            for each in standings:
                if each.is_due(now_s):
                    each.begin(self._wire, self._pending, again_s=now_s + self._every_s)
            if not said and all(each.is_settled for each in standings):
                said = True
                self._tell(Reached(connected=True, reason=""))
            self._wake.wait(_LOOK_EVERY_S)

    def _leave(self) -> None:
        self._connection += 1
        self._is_up = False
        self._wire.disconnect()
        self._pending.fail_all("the connection ended")
        for each in self._standings:
            each.lose()

    def _tell(self, reached: Reached) -> None:
        with self._telling:
            self._reached = reached
            for tell in self._tellers:
                tell(reached)

    def _forget(self, standing: Standing) -> None:
        with self._mutex:
            if standing in self._standings:
                self._forgotten += standing.unheard
                self._standings = [each for each in self._standings if each is not standing]
