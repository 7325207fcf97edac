"""An HTTP proxy that knows CONNECT only, on loopback, and remembers what it was asked."""

import base64
import contextlib
import socket
import threading
from typing import Self

from twin.ports import LOOPBACK


class ConnectProxy:
    """A context manager.

    Args:
        target: Port on 127.0.0.1 that every tunnel leads to, whatever was asked for.
        user: Who may pass, with ``password``; empty lets everybody.

    Attributes:
        port: On 127.0.0.1.
        asked: First lines of the requests.
        first_bytes: What the clients said first inside their tunnels.
    """

    def __init__(self, target: int, *, user: str = "", password: str = "") -> None:
        self._target = target
        self._pass = base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""
        self.asked: list[str] = []
        self.refused = 0
        self.first_bytes: list[bytes] = []
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True, name="proxy").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(near)
            threading.Thread(target=self._serve, args=(near,), daemon=True, name="proxy").start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += near.recv(4096)
            lines = head.decode().split("\r\n")
            self.asked.append(lines[0])
            if self._pass and f"Proxy-Authorization: Basic {self._pass}" not in lines:
                self.refused += 1
                near.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                near.shutdown(socket.SHUT_WR)  # not closed: what is unread would turn the answer into a reset
                near.settimeout(5)
                near.recv(4096)
                return
            far = socket.create_connection((LOOPBACK, self._target), timeout=5)
            far.settimeout(None)
            self._sockets.append(far)
            near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            first = near.recv(65536)
            self.first_bytes.append(first)
            far.sendall(first)
            threading.Thread(target=_pump, args=(far, near), daemon=True, name="proxy").start()
            _pump(near, far)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
