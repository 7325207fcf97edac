"""The door of a nucleus's IPC server: its Unix socket, and the sessions of who came in.

Not here: what is said in a session (``session``), the thread that all of this runs on (``ipc``).
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from twin.errors import TwinError
from twin.nucleus.frames import FrameError
from twin.nucleus.session import Desk, Session
from twin.nucleus.streams import Stream

_PATH_BYTES: Final = 107
logger = logging.getLogger(__name__)


class Door:
    """Used on the server's own thread only.

    Args:
        path: Of the socket.
        desk: What every session works with.

    Attributes:
        connections: Handshakes accepted so far.
        refused: Handshakes refused so far.
    """

    def __init__(self, path: Path, desk: Desk) -> None:
        self._path = path
        self._desk = desk
        self._server: asyncio.Server | None = None
        self._talks: dict[Session, asyncio.Task[Any] | None] = {}
        self.connections = self.refused = 0

    async def open(self) -> None:
        """The socket is there, a new one each time.

        Raises:
            TwinError: Its path is longer than the kernel allows.
        """
        if len(str(self._path).encode()) > _PATH_BYTES:
            raise TwinError(
                f"{self._path}: a Unix socket's path has at most {_PATH_BYTES} bytes",
                remedy="choose a shorter root folder",
            )
        if self._server is None:
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, str(self._path))

    async def shut(self) -> None:
        """The socket goes and every connection breaks."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)
        for session in list(self._talks):
            session.abort()
        await asyncio.gather(*filter(None, self._talks.values()), return_exceptions=True)

    def standing(self) -> int:
        """Subscriptions that hear something."""
        return sum(1 for _ in self._live())

    def drop(self, component: str, operation: str) -> int:
        """Subscriptions die without a word; returns how many. An empty component or operation means any."""
        meant = [
            stream
            for session, stream in self._live()
            if component in ("", session.component) and operation in ("", stream.operation)
        ]
        for stream in meant:
            stream.is_dead = True
        return len(meant)

    def end_subscriptions(self) -> None:
        """Every subscription ends, and its component is told."""
        for session in self._talks:
            session.end_streams()

    def _live(self) -> Iterator[tuple[Session, Stream]]:
        for session in self._talks:
            for stream in session.streams.values():
                if stream.is_open and not stream.is_dead:
                    yield session, stream

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        most = self._desk.profile.clients
        if most and len(self._talks) >= most:
            writer.close()
            return
        session = Session(reader, writer, self._desk)
        self._talks[session] = asyncio.current_task()
        try:
            with contextlib.suppress(OSError, FrameError, asyncio.IncompleteReadError):
                if not await session.greet():
                    self.refused += not self._desk.faults.is_mute()
                    return
                self.connections += 1
                await session.converse()
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("nucleus.session_failed", extra={"component": session.component})
        finally:
            session.leave()
            self._talks.pop(session, None)
