"""The wire as AWS's own client gives it: ``awsiotsdk``, unmodified.

Its errors have an empty ``str``, and for the lite nucleus no message at all.
Not here: its shapes (``sdk_shapes``), its name for what we ask.
Source: aws-iot-device-sdk-python-v2, ``awsiot/eventstreamrpc.py``.
"""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup, SocketDomain, SocketOptions
from awsiot.eventstreamrpc import (
    AccessDeniedError,
    Connection,
    LifecycleHandler,
    MessageAmendment,
    StreamResponseHandler,
)
from awsiot.greengrasscoreipc.client import GreengrassCoreIPCClient
from awsiot.greengrasscoreipc.model import GreengrassCoreIPCError

from device_agent.ipc.errors import LostError, NucleusError, nucleus_error
from device_agent.ipc.operations import Answer, Request
from device_agent.ipc.sdk_shapes import answer_of, event_of, operation_for, shape_of
from device_agent.ipc.wire import CONNECT_S, End, HandshakeClosedError, Outcome, StreamListener, TokenRefusedError

_CLOSED: Final = "AWS_IO_SOCKET_CLOSED"
_DISCONNECT_S: Final = 1.0


class SdkWire:
    """See ``device_agent.ipc.wire.Wire``.

    Args:
        socket_path: Of the nucleus's socket.
        token: Ours, for this start.
    """

    def __init__(self, socket_path: str, token: str) -> None:
        group = EventLoopGroup(num_threads=1)
        options = SocketOptions()
        options.domain = SocketDomain.Local
        self._connection = Connection(
            host_name=socket_path,
            port=0,
            bootstrap=ClientBootstrap(group, DefaultHostResolver(group)),
            socket_options=options,
            connect_message_amender=MessageAmendment.create_static_authtoken_amender(token),
        )
        self._client = GreengrassCoreIPCClient(self._connection)

    def connect(self, ended: Callable[[], None]) -> None:
        """See ``Wire``."""
        try:
            self._connection.connect(_Watch(ended)).result(CONNECT_S)
        except AccessDeniedError as exc:
            raise TokenRefusedError("the nucleus refused our token") from exc
        except Exception as exc:
            kind = HandshakeClosedError if getattr(exc, "name", "") == _CLOSED else LostError
            raise kind(f"connect: {describe(exc)}") from exc

    def ask(
        self, request: Request[Any], answered: Callable[[Outcome], None], listener: StreamListener | None = None
    ) -> End:
        """See ``Wire``."""
        handler = None if listener is None else _Listener(request, listener)
        try:
            operation = operation_for(self._client, request, handler)
            operation.get_response().add_done_callback(lambda done: answered(_outcome(request, done, handler)))
            operation.activate(shape_of(request))
        except Exception as exc:
            raise LostError(f"{request.what}: not connected to the nucleus ({describe(exc)})") from exc

        def end() -> None:
            with contextlib.suppress(Exception):
                operation.close()

        return end

    def disconnect(self) -> None:
        """See ``Wire``."""
        with contextlib.suppress(Exception):
            self._connection.close().result(_DISCONNECT_S)


def describe(error: BaseException) -> str:
    """Type and message."""
    message = getattr(error, "message", None) or getattr(error, "name", None) or str(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


class _Watch(LifecycleHandler):  # type: ignore[misc]
    """Says when a connection is over."""

    def __init__(self, ended: Callable[[], None]) -> None:
        super().__init__()
        self._ended = ended

    def on_disconnect(self, reason: Exception | None) -> None:  # noqa: ARG002 - the SDK's signature
        self._ended()

    def on_error(self, error: Exception) -> bool:  # noqa: ARG002 - the SDK's signature
        return True


class _Listener(StreamResponseHandler):  # type: ignore[misc]
    """Takes events off the SDK's thread, and notices when no more will come."""

    def __init__(self, request: Request[Any], listener: StreamListener) -> None:
        super().__init__()
        self._request = request
        self._listener = listener
        self.stood = False

    def on_stream_event(self, event: Any) -> None:  # noqa: ANN401 - a shape of the SDK
        self._listener.heard(event_of(self._request, event))

    def on_stream_closed(self) -> None:
        if self.stood:
            self._listener.ended()


def _outcome(request: Request[Any], done: Future[Any], handler: _Listener | None) -> Outcome:
    error = done.exception()
    if error is None:
        if handler is not None:
            handler.stood = True
            return Answer()
        return answer_of(request, done.result())
    if isinstance(error, GreengrassCoreIPCError):
        return nucleus_error(request, error=type(error).__name__, message=getattr(error, "message", None) or "")
    if isinstance(error, NucleusError):
        return error
    return LostError(f"{request.what}: {describe(error)}")
