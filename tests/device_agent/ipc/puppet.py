"""A server that says exactly what a test wants, byte by byte."""

import contextlib
import queue
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import msgspec

from twin.nucleus.frames import PRELUDE_BYTES, Frame, FrameError, decode, encode, total_length

MESSAGE, ERROR, PING, PONG, CONNECT, CONNECT_ACK, PROTOCOL_ERROR = range(7)
ACCEPTED, TERMINATE = 1, 2
WAIT_S = 20.0


class Puppet:
    """Takes one connection after the other; what comes is in ``came``."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ipc")
        self.path = Path(self._folder.name) / "s"
        self.came: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self.greeting: Callable[[Self], None] = lambda puppet: puppet.say(CONNECT_ACK, 0, flags=ACCEPTED)
        self.reads = True
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join(WAIT_S)
        self._listener.close()
        self._folder.cleanup()

    def next(self) -> Frame:
        """The next message that came."""
        return self.came.get(timeout=WAIT_S)

    def say(self, kind: int, stream: int, *, flags: int = 0, model: str = "", body: Any = None) -> None:
        headers: dict[str, int | str] = {":message-type": kind, ":message-flags": flags, ":stream-id": stream}
        if model:
            headers |= {":content-type": "application/json", "service-model-type": f"aws.greengrass#{model}"}
        self.send(encode(Frame(headers, b"" if body is None else msgspec.json.encode(body))))

    def send(self, data: bytes) -> None:
        assert self._client is not None
        self._client.sendall(data)

    def hang_up(self) -> None:
        """Ends the connection of now."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._client = client
                with client, client.makefile("rb") as stream, contextlib.suppress(OSError, FrameError):
                    self._read(stream)

    def _read(self, stream: Any) -> None:
        first = True
        while len(prelude := stream.read(PRELUDE_BYTES)) == PRELUDE_BYTES:
            self.came.put(decode(prelude + stream.read(total_length(prelude) - PRELUDE_BYTES)))
            if first:
                first = False
                self.greeting(self)
                while not self.reads:
                    threading.Event().wait(0.05)
