"""The wire with the standard library only: one socket, one thread that reads.

Rules: streams are numbered 1, 2, 3… in the order they are sent; nothing that comes is trusted to be well formed; a
server that does not read is left after ``_SEND_S``.
Not here: frames and bodies (``frames``, ``codec``).

Source: aws-c-event-stream's RPC protocol; aws-greengrass-lite ``modules/ggipcd/src/ipc_server.c``.
"""

import contextlib
import functools
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from device_agent.ipc import codec, frames
from device_agent.ipc.errors import LostError
from device_agent.ipc.operations import Request
from device_agent.ipc.thin_stream import Stream
from device_agent.ipc.wire import CONNECT_S, End, HandshakeClosedError, Outcome, StreamListener, TokenRefusedError

_SEND_S: Final = 2.0
_WAIT_S: Final = 1
"""Of one attempt to send; whole seconds."""

_DISCONNECT_S: Final = 1.0
_READ_BYTES: Final = 65_536
_VERSION: Final = frames.strings({":version": "0.1.0"})
_PREFIX: Final = "aws.greengrass#"

logger = logging.getLogger(__name__)


class ThinWire:
    """See ``device_agent.ipc.wire.Wire``.

    Args:
        socket_path: Of the nucleus's socket.
        token: Ours, for this start.
    """

    def __init__(self, socket_path: str, token: str) -> None:
        self._path = socket_path
        self._hello = frames.encode(
            frames.CONNECT, 0, headers=_VERSION, payload=msgspec.json.encode({"authToken": token})
        )
        self._talk: _Talk | None = None

    def connect(self, ended: Callable[[], None]) -> None:
        """See ``Wire``."""
        talk = self._talk = _Talk(ended)
        try:
            talk.greet(self._path, self._hello)
        except BaseException:
            talk.abandon()
            raise

    def ask(
        self, request: Request[Any], answered: Callable[[Outcome], None], listener: StreamListener | None = None
    ) -> End:
        """See ``Wire``."""
        talk = self._talk
        if talk is None or not talk.is_up:
            raise LostError(f"{request.what}: not connected to the nucleus")
        return talk.ask(request, answered, listener)

    def disconnect(self) -> None:
        """See ``Wire``."""
        if self._talk is not None:
            self._talk.close()


class _Talk:
    """One connection."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self.is_up = False
        self._closed = False
        self._ended = ended
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._decoder = frames.Decoder()
        self._streams: dict[int, Stream] = {}
        self._number = 0
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="ipc-wire", daemon=True)

    def greet(self, path: str, hello: bytes) -> None:
        """The handshake. Raises as ``Wire.connect`` does."""
        first = self._hail(path, hello)
        if first.kind != frames.CONNECT_ACK or not first.flags & frames.ACCEPTED:
            raise TokenRefusedError("the nucleus refused our token")
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", _WAIT_S, 0))
        with self._sending:
            if self._closed:
                raise LostError("connect: closed meanwhile")
            self.is_up = True
            self._thread.start()

    def _hail(self, path: str, hello: bytes) -> frames.Frame:
        try:
            self._socket.settimeout(CONNECT_S)
            self._socket.connect(path)
        except OSError as exc:
            raise LostError(f"connect: {path}: {exc.strerror or exc}") from exc
        try:
            self._socket.sendall(hello)
            return self._first()
        except (ConnectionError, frames.FrameError) as exc:
            raise HandshakeClosedError(f"connect: closed in the handshake ({exc})") from exc
        except OSError as exc:
            raise LostError(f"connect: no answer within {CONNECT_S:g} s") from exc

    def ask(self, request: Request[Any], answered: Callable[[Outcome], None], listener: StreamListener | None) -> End:
        """See ``Wire.ask``."""
        headers, payload = _headers(request.operation), codec.encode(request)
        with self._sending:
            self._number = number = self._number + 1
            self._streams[number] = Stream(request, answered, listener)
            sent = self._send(frames.encode(frames.MESSAGE, number, headers=headers, payload=payload))
        if not sent and self._streams.pop(number, None) is not None:
            raise LostError(f"{request.what}: the connection to the nucleus ended")

        def end() -> None:
            if self._streams.pop(number, None) is not None:
                with self._sending:
                    self._send(frames.encode(frames.MESSAGE, number, flags=frames.TERMINATE))

        return end

    def close(self) -> None:
        """Ends it; a second call does nothing."""
        self._closed, self.is_up = True, False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_DISCONNECT_S)

    def abandon(self) -> None:
        """The handshake failed: nobody reads."""
        self._socket.close()

    def _send(self, data: bytes) -> bool:
        """Whether it went; what went in part ends the connection, for nothing could be read after it."""
        rest, deadline_s = memoryview(data), time.monotonic() + _SEND_S
        try:
            while rest := rest[self._socket.send(rest) :]:
                if time.monotonic() > deadline_s:
                    raise TimeoutError("the nucleus does not read")
        except OSError:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            return False
        return True

    def _first(self) -> frames.Frame:
        while True:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                raise ConnectionError("by the nucleus")
            if found := self._decoder.feed(data):
                return found[0]

    def _read(self) -> None:
        try:
            while data := self._socket.recv(_READ_BYTES):
                for frame in self._decoder.feed(data):
                    self._heed(frame)
        except (OSError, frames.FrameError) as exc:
            logger.info("ipc.unreadable", extra={"reason": str(exc)})
        except Exception:
            logger.exception("ipc.failed")
        self._lose()

    def _lose(self) -> None:
        """Nothing more will come; others may end streams meanwhile."""
        self.is_up = False
        self._socket.close()
        for number in list(self._streams):
            stream = self._streams.pop(number, None)
            try:
                if stream is not None:
                    stream.lose()
            except Exception:
                logger.exception("ipc.failed")
        self._ended()

    def _heed(self, frame: frames.Frame) -> None:
        if frame.kind == frames.PING:
            with self._sending:
                self._send(frames.encode(frames.PONG, 0, payload=frame.payload))
        elif frame.kind in (frames.PROTOCOL_ERROR, frames.INTERNAL_ERROR):
            raise frames.FrameError(f"the nucleus says: {frame.payload[:200].decode('utf-8', 'replace')}")
        elif (stream := self._streams.get(frame.stream)) is not None:
            is_last = bool(frame.flags & frames.TERMINATE) or frame.kind == frames.ERROR
            if is_last:
                self._streams.pop(frame.stream, None)
            stream.heed(frame)
            if is_last:
                stream.end()


@functools.cache
def _headers(operation: str) -> bytes:
    return frames.strings(
        {
            "operation": f"{_PREFIX}{operation}",
            ":content-type": "application/json",
            "service-model-type": f"{_PREFIX}{operation}Request",
        }
    )
