"""One connection to the Greengrass nucleus, that comes back: the SDK's own client never does.

```
connect ─▶ subscribe ─▶ up ─┬─ the server went, or answered nothing for ten seconds: again, within seconds
   ▲                        ├─ the subscription ended, or ten minutes passed (it may die without a word): subscribe anew
   └────────────────────────┘
a refused token ─▶ ``denied``: it is new with every start, so the process must end and be started again
```
The classic nucleus says that it refuses a token; the lite one closes the connection in the middle of the handshake, so
``CLOSED_TIMES`` such ends in a row count as a refusal.

Rules: one client a process; messages are heard in order, on one thread that is not the SDK's, so a listener may call
back; every wait ends.

Source of the client's behaviour: aws-iot-device-sdk-python-v2, ``awsiot/eventstreamrpc.py``; issues 193, 233 (a call
inside a callback deadlocks), aws-greengrass-lite issue 1172 (dead subscriptions).
"""

import contextlib
import logging
import os
import queue
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup, SocketDomain, SocketOptions
from awsiot.eventstreamrpc import AccessDeniedError, Connection, LifecycleHandler, MessageAmendment
from awsiot.greengrasscoreipc import client as ipc
from awsiot.greengrasscoreipc import model

SOCKET_VARIABLE: Final = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
TOKEN_VARIABLE: Final = "SVCUID"  # noqa: S105 - a name
ANSWER_S: Final = 10.0
RESUBSCRIBE_EVERY_S: Final = 600.0
CLOSED_TIMES: Final = 4
_LOOK_EVERY_S: Final = 0.5
_FIRST_RETRY_S: Final = 0.5
_LAST_RETRY_S: Final = 3.5
_HEARD_AT_ONCE: Final = 256
_CLOSED: Final = "AWS_IO_SOCKET_CLOSED"

logger = logging.getLogger(__name__)


class Reached(NamedTuple):
    """How the door is.

    Attributes:
        connected: Whether the nucleus is connected and the subscription stands.
        reason: Why not.
    """

    connected: bool
    reason: str


class IpcDoor:
    """The connection.

    Args:
        socket_path: Of the nucleus's socket.
        token: Ours, for this start.
        on_denied: Called once, on the door's thread, when the token is refused.
        resubscribe_every_s: See the module.
        answer_s: How long an answer is waited for.
    """

    def __init__(
        self,
        socket_path: str,
        token: str,
        *,
        on_denied: Callable[[], None],
        resubscribe_every_s: float = RESUBSCRIBE_EVERY_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._connection = _connection(socket_path, token)
        self._client = ipc.GreengrassCoreIPCClient(self._connection)
        self._on_denied = on_denied
        self._every_s = resubscribe_every_s
        self._answer_s = answer_s
        self._source = random.SystemRandom()
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._heard: queue.Queue[bytes] = queue.Queue(maxsize=_HEARD_AT_ONCE)
        self._threads: list[threading.Thread] = []
        self._subscription: _Listener | None = None
        self._asked: dict[Future[Any], float] = {}
        self._mutex = threading.Lock()

    def open(self, topic: str, hear: Callable[[bytes], None], tell: Callable[[Reached], None]) -> None:
        """Begins to connect, for ever; returns at once.

        Args:
            topic: Of IoT Core, to hear.
            hear: Gets each payload, in order, on a thread of its own.
            tell: Gets every change.
        """
        work = [("ipc", lambda: self._keep_open(topic, tell)), ("ipc-heard", lambda: self._deliver(hear))]
        for name, each in work:
            thread = threading.Thread(target=each, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def publish(self, topic: str, payload: bytes) -> Future[Any]:
        """Hands a message to the nucleus (QoS 1); the future ends when it took or refused it, or in ``answer_s``."""
        operation = self._client.new_publish_to_iot_core()
        request = model.PublishToIoTCoreRequest(topic_name=topic, qos=model.QOS.AT_LEAST_ONCE, payload=payload)
        operation.activate(request)
        answer: Future[Any] = Future()
        with self._mutex:
            self._asked[answer] = time.monotonic() + self._answer_s
        operation.get_response().add_done_callback(lambda done: self._answered(answer, done))
        return answer

    def close(self) -> None:
        """Ends the connection within seconds; a second call does nothing."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._lost.set()
        self._connection.close()
        for thread in self._threads:
            thread.join(self._answer_s)
        self._expire(everything=True)

    def _answered(self, answer: Future[Any], done: Future[Any]) -> None:
        with self._mutex:
            known = self._asked.pop(answer, None)
        if known is None:
            return  # too late: it was failed before
        error = done.exception()
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)

    def _expire(self, *, everything: bool = False) -> None:
        """Fails what was not answered in time; a nucleus that is mute is left."""
        now_s = time.monotonic()
        with self._mutex:
            late = [answer for answer, due_s in self._asked.items() if everything or due_s <= now_s]
            for answer in late:
                del self._asked[answer]
        for answer in late:
            answer.set_exception(TimeoutError(f"no answer of the nucleus within {self._answer_s:g} s"))
        if late:
            self._lost.set()

    def _keep_open(self, topic: str, tell: Callable[[Reached], None]) -> None:
        failures = closed = 0
        while not self._stop.is_set():
            self._lost.clear()
            try:
                self._connection.connect(_Watch(self._lost)).result(self._answer_s)
                closed = 0
                self._subscribe(topic)
            except AccessDeniedError:
                closed = CLOSED_TIMES
            except Exception as exc:  # noqa: BLE001 - the SDK raises RuntimeError, TimeoutError and its own
                failures += 1
                closed = closed + 1 if getattr(exc, "name", "") == _CLOSED else 0
                tell(Reached(connected=False, reason=f"nucleus: {describe(exc)}"))
            else:
                failures = 0
                tell(Reached(connected=True, reason=""))
                self._stay(topic)
                tell(Reached(connected=False, reason="nucleus: the connection ended"))
            if closed >= CLOSED_TIMES:
                tell(Reached(connected=False, reason="the nucleus refused our token"))
                self._on_denied()
                return
            self._leave()
            self._stop.wait(self._source.uniform(0.1, min(_LAST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(failures, 8))))

    def _stay(self, topic: str) -> None:
        """Until the connection is lost; subscribes anew where the subscription ended, and now and then."""
        due_s = time.monotonic() + self._every_s
        while not self._lost.wait(_LOOK_EVERY_S):
            self._expire()
            ended = self._subscription is None or self._subscription.has_ended.is_set()
            if not ended and time.monotonic() < due_s:
                continue
            due_s = time.monotonic() + self._every_s
            try:
                self._subscribe(topic)
            except Exception as exc:  # noqa: BLE001 - see above
                logger.warning("ipc.resubscribe_failed", extra={"reason": describe(exc)})
                return

    def _subscribe(self, topic: str) -> None:
        """A new subscription first, then the old one ends: what comes between is heard twice, not never."""
        old, listener = self._subscription, _Listener(self._put)
        operation = self._client.new_subscribe_to_iot_core(listener)
        request = model.SubscribeToIoTCoreRequest(topic_name=topic, qos=model.QOS.AT_LEAST_ONCE)
        operation.activate(request).result(self._answer_s)
        operation.get_response().result(self._answer_s)
        listener.operation = operation
        self._subscription = listener
        if old is not None:
            with contextlib.suppress(Exception):
                old.operation.close()

    def _leave(self) -> None:
        self._subscription = None
        with contextlib.suppress(Exception):
            self._connection.close().result(self._answer_s)

    def _put(self, payload: bytes) -> None:
        try:
            self._heard.put_nowait(payload)
        except queue.Full:
            logger.warning("ipc.unheard", extra={"reason": f"{_HEARD_AT_ONCE} messages wait to be heard"})

    def _deliver(self, hear: Callable[[bytes], None]) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Empty):
                payload = self._heard.get(timeout=_LOOK_EVERY_S)
                try:
                    hear(payload)
                except Exception:
                    logger.exception("ipc.listener_failed")


def describe(error: BaseException) -> str:
    """Type and message: the SDK's errors have an empty ``str``, and the lite nucleus leaves ``message`` out."""
    message = getattr(error, "message", None) or getattr(error, "name", None) or str(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def inside_greengrass() -> bool:
    """Whether a nucleus started this process."""
    return SOCKET_VARIABLE in os.environ


class _Watch(LifecycleHandler):  # type: ignore[misc]
    """Says when a connection is over."""

    def __init__(self, lost: threading.Event) -> None:
        super().__init__()
        self._lost = lost

    def on_disconnect(self, reason: Exception | None) -> None:  # noqa: ARG002 - the SDK's signature
        self._lost.set()

    def on_error(self, error: Exception) -> bool:  # noqa: ARG002 - the SDK's signature
        return True


class _Listener(ipc.SubscribeToIoTCoreStreamHandler):  # type: ignore[misc]
    """Takes messages off the SDK's thread, and notices when no more will come."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        super().__init__()
        self._put = put
        self.has_ended = threading.Event()
        self.operation: Any = None

    def on_stream_event(self, event: model.IoTCoreMessage) -> None:
        self._put(bytes(event.message.payload or b""))

    def on_stream_closed(self) -> None:
        self.has_ended.set()


def _connection(socket_path: str, token: str) -> Connection:
    group = EventLoopGroup(num_threads=1)
    options = SocketOptions()
    options.domain = SocketDomain.Local
    return Connection(
        host_name=socket_path,
        port=0,
        bootstrap=ClientBootstrap(group, DefaultHostResolver(group)),
        socket_options=options,
        connect_message_amender=MessageAmendment.create_static_authtoken_amender(token),
    )
