"""A loopback TCP proxy that counts what passes, for measuring what a protocol costs.

Counted are the bytes that TCP carries (TLS included) and the pieces they came in. On a wire each piece costs a header
more, and an acknowledgement the other way; ``Passed.wire_bytes`` reckons with both.
"""

import socket
import threading
from typing import Final, NamedTuple, Self

from twin.ports import LOOPBACK

HEADER_BYTES: Final = 52
"""IPv4 (20) and TCP (20) with the time stamps option (12); a bare acknowledgement is as long."""

_AT_ONCE: Final = 64 * 1024


class Passed(NamedTuple):
    """What went both ways.

    Attributes:
        carried: Bytes within TCP.
        pieces: Reads they came in: packets, as long as they are small and apart.
    """

    carried: int
    pieces: int

    @property
    def wire_bytes(self) -> int:
        """With headers, and one acknowledgement a piece: the most it can be."""
        return self.carried + 2 * HEADER_BYTES * self.pieces


class CountingProxy:
    """A context manager.

    Args:
        target: Port on 127.0.0.1 that connections are passed to.

    Attributes:
        port: On 127.0.0.1.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._passed = Passed(0, 0)
        self._mutex = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]

    def passed(self) -> Passed:
        """Since the beginning."""
        with self._mutex:
            return self._passed

    def since(self, before: Passed) -> Passed:
        """Since another look."""
        now = self.passed()
        return Passed(now.carried - before.carried, now.pieces - before.pieces)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True, name="counting").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((LOOPBACK, self._target), timeout=5)
            except OSError:
                return
            far.settimeout(None)
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True, name="counting").start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_AT_ONCE):
                with self._mutex:
                    self._passed = Passed(self._passed.carried + len(data), self._passed.pieces + 1)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return
