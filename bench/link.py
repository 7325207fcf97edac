"""A loopback TCP proxy that is a good link, a link whose connections are reset, or a black hole.

```
client ─▶ 127.0.0.1:port ─▶ 127.0.0.1:target        up          bytes pass
                                                    reset       every connection gets an RST, new ones too
                                                    black_hole  connections stay, nothing passes; later it does
```
A black hole keeps what it was given: when the link is up again old connections go on, as TCP's retransmissions
would make them. It cannot lose single packets; nothing on top of TCP could tell.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Final, Literal, Self

from twin.ports import LOOPBACK

State = Literal["up", "reset", "black_hole"]
_AT_ONCE: Final = 64 * 1024
_START_S: Final = 5.0


class Link:
    """A context manager; any thread may call it.

    Args:
        target: Port on 127.0.0.1 that connections are passed to.

    Attributes:
        port: On 127.0.0.1; 0 before it is entered.
        connections: Accepted so far, those of a link that was down included.
    """

    def __init__(self, target: int, state: State = "up") -> None:
        self.port = 0
        self.connections = 0
        self._target, self._state = target, state
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="link", daemon=True)

    def become(self, state: State) -> None:
        """Changes what the link is, for open connections and later ones."""
        asyncio.run_coroutine_threadsafe(self._become(state), self._loop).result(_START_S)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_START_S)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_START_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        await self._become(self._state)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._pumps):
            task.cancel()
        self._reset_all()

    async def _become(self, state: State) -> None:
        self._state = state
        if state == "up":
            self._flowing.set()
        else:
            self._flowing.clear()
        if state == "reset":
            self._reset_all()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        if self._state == "reset":
            self._reset(writer)
            return
        await self._flowing.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            self._reset(writer)
            return
        self._open.add(far_writer)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_AT_ONCE):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        await self._flowing.wait()
        self._open.discard(sink)
        sink.close()

    def _reset_all(self) -> None:
        for writer in list(self._open):
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        """Closes at once, by RST (socket(7), ``SO_LINGER`` of 0)."""
        self._open.discard(writer)
        sock: socket.socket | None = writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
