"""A loopback TCP proxy with trouble: everything late, some of it later, and now and then a connection cut.

What a network of 30 % loss does to TCP, as seen above TCP: bytes arrive late and in order, or not at all because
the connection ends. Single packets cannot be lost here.
"""

import contextlib
import random
import socket
import threading
import time
from typing import Final, Self

from twin.ports import LOOPBACK

_AT_ONCE: Final = 4096
_POLL_S: Final = 0.2


class LossyLink:
    """A context manager; any thread may call it.

    Args:
        target: Port on 127.0.0.1 that connections are passed to.
        seed: Of the trouble.

    Attributes:
        port: On 127.0.0.1.
        hurt: Pieces delayed again, and connections cut, so far.
    """

    def __init__(self, target: int, *, seed: int) -> None:
        self._target = target
        self._source = random.Random(seed)
        self._delay_s = self._late = self._cut = 0.0
        self._listener = socket.create_server((LOOPBACK, 0))
        self._closing = threading.Event()
        self._mutex = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.hurt = 0

    def suffer(self, *, delay_s: float, late: float, cut: float) -> None:
        """Begins the trouble.

        Args:
            delay_s: Of every piece, each way.
            late: Share of pieces that are late by as much again.
            cut: Share of pieces at which the connection ends.
        """
        self._delay_s, self._late, self._cut = delay_s, late, cut

    def heal(self) -> None:
        """Ends the trouble."""
        self._delay_s = self._late = self._cut = 0.0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="lossy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
                far = socket.create_connection((LOOPBACK, self._target), timeout=5)
            except OSError:
                continue
            for source, sink in ((client, far), (far, client)):
                source.settimeout(_POLL_S)
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        due_s = 0.0
        with contextlib.suppress(OSError), source, sink:
            while not self._closing.is_set():
                try:
                    piece = source.recv(_AT_ONCE)
                except TimeoutError:
                    continue
                if not piece:
                    return
                delay_s = self._fate()
                if delay_s is None:
                    return
                due_s = max(due_s, time.monotonic() + delay_s)
                self._closing.wait(max(0.0, due_s - time.monotonic()))
                sink.sendall(piece)

    def _fate(self) -> float | None:
        """Seconds that a piece takes; ``None`` for a connection that ends."""
        with self._mutex:
            drawn = self._source.random()
            if drawn < self._cut:
                self.hurt += 1
                return None
            if drawn < self._cut + self._late:
                self.hurt += 1
                return 2 * self._delay_s
            return self._delay_s
