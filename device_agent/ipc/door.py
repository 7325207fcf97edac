"""One connection to the Greengrass nucleus, that comes back: the SDK's own client never does.

```
connect ─▶ subscribe ─▶ up ─┬─ the server went: again, within seconds
   ▲                        ├─ every ten minutes: subscribe anew (a subscription may die without a word)
   └────────────────────────┘
a refused token ─▶ ``denied``: it is new with every start, so the process must end and be started again
```
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
_FIRST_RETRY_S: Final = 0.5
_LAST_RETRY_S: Final = 3.5
_HEARD_AT_ONCE: Final = 256

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
    """

    def __init__(
        self,
        socket_path: str,
        token: str,
        *,
        on_denied: Callable[[], None],
        resubscribe_every_s: float = RESUBSCRIBE_EVERY_S,
    ) -> None:
        self._connection = _connection(socket_path, token)
        self._client = ipc.GreengrassCoreIPCClient(self._connection)
        self._on_denied = on_denied
        self._every_s = resubscribe_every_s
        self._source = random.SystemRandom()
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._heard: queue.Queue[bytes | None] = queue.Queue(maxsize=_HEARD_AT_ONCE)
        self._threads: list[threading.Thread] = []
        self._subscription: Any = None
        self.unheard = 0

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
        """Hands a message to the nucleus (QoS 1); the future ends when it took or refused it."""
        operation = self._client.new_publish_to_iot_core()
        request = model.PublishToIoTCoreRequest(topic_name=topic, qos=model.QOS.AT_LEAST_ONCE, payload=payload)
        operation.activate(request)
        answer: Future[Any] = operation.get_response()
        return answer

    def close(self) -> None:
        """Ends the connection within seconds; a second call does nothing."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._lost.set()
        with contextlib.suppress(queue.Full):
            self._heard.put_nowait(None)
        self._connection.close()
        for thread in self._threads:
            thread.join(ANSWER_S)

    def _keep_open(self, topic: str, tell: Callable[[Reached], None]) -> None:
        failures = 0
        while not self._stop.is_set():
            self._lost.clear()
            try:
                self._connection.connect(_Watch(self._lost)).result(ANSWER_S)
                self._subscribe(topic)
            except AccessDeniedError:
                tell(Reached(connected=False, reason="the nucleus refused our token"))
                self._on_denied()
                return
            except Exception as exc:  # noqa: BLE001 - the SDK raises RuntimeError, TimeoutError and its own
                failures += 1
                tell(Reached(connected=False, reason=f"nucleus: {describe(exc)}"))
            else:
                failures = 0
                tell(Reached(connected=True, reason=""))
                self._stay(topic)
                tell(Reached(connected=False, reason="nucleus: the connection ended"))
            self._leave()
            self._stop.wait(self._source.uniform(0.1, min(_LAST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(failures, 8))))

    def _stay(self, topic: str) -> None:
        """Until the connection is lost; subscribes anew now and then."""
        while not self._lost.wait(self._every_s):
            old = self._subscription
            try:
                self._subscribe(topic)
            except Exception as exc:  # noqa: BLE001 - see above
                logger.warning("ipc.resubscribe_failed", extra={"reason": describe(exc)})
                return
            with contextlib.suppress(Exception):
                old.close().result(ANSWER_S)

    def _subscribe(self, topic: str) -> None:
        operation = self._client.new_subscribe_to_iot_core(_Listener(self._put))
        request = model.SubscribeToIoTCoreRequest(topic_name=topic, qos=model.QOS.AT_LEAST_ONCE)
        operation.activate(request).result(ANSWER_S)
        operation.get_response().result(ANSWER_S)
        self._subscription = operation

    def _leave(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close().result(ANSWER_S)

    def _put(self, payload: bytes) -> None:
        try:
            self._heard.put_nowait(payload)
        except queue.Full:
            self.unheard += 1

    def _deliver(self, hear: Callable[[bytes], None]) -> None:
        while (payload := self._heard.get()) is not None:
            hear(payload)


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
    """Takes messages off the SDK's thread."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        super().__init__()
        self._put = put

    def on_stream_event(self, event: model.IoTCoreMessage) -> None:
        self._put(bytes(event.message.payload or b""))


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
