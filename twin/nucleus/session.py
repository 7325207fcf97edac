"""One connection of a component: handshake, then requests in, answers and events out.

```
CONNECT (stream 0, ":version" 0.1.0, {"authToken"}) ─▶ CONNECT_ACK ─▶ requests, each on a stream of its own
```
Source: ``awslabs/aws-c-event-stream`` (``event_stream_rpc_server.c``) under the classic nucleus: stream ids rise by
exactly one, ``:version`` must be known, pings are answered. The lite nucleus
(``modules/ggipcd/src/ipc_server.c``) checks no order of ids, knows no ping, and whatever it cannot read ends the
connection without a word.

Not here: what operations do (``services``), who is let in at once (``door``).
"""

import asyncio
import contextlib
import inspect
import json
from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import Final, NamedTuple

from twin.nucleus.errors import NotModelledError, NucleusIpcError
from twin.nucleus.faults import Faults
from twin.nucleus.frames import PRELUDE_BYTES, Frame, FrameError, Headers, decode, encode, total_length
from twin.nucleus.profile import MODELLED, Profile
from twin.nucleus.registry import Body, Registry
from twin.nucleus.requests import read_request
from twin.nucleus.streams import Call, Handler, Stream

PREFIX: Final = "aws.greengrass#"
VERSION: Final = "0.1.0"
_APPLICATION, _ERROR, _PING, _PONG, _CONNECT, _CONNECT_ACK, _PROTOCOL_ERROR = range(7)
_ACCEPTED, _TERMINATE = 1, 2
_LEAVE_S: Final = 5.0
_STREAMS: Final = "SubscribeTo"
_UNSENT_BYTES: Final = 8 * 1024 * 1024
"""Of answers and events that a component does not read; more end its connection."""


class Desk(NamedTuple):
    """What every session of a server works with.

    Attributes:
        profile: Whose limits apply.
        registry: Who the tokens belong to.
        faults: What is to go wrong.
        handlers: What answers each operation.
        losses: What was lost, by what it is.
    """

    profile: Profile
    registry: Registry
    faults: Faults
    handlers: Mapping[str, Handler]
    losses: Counter[str]


class Session:
    """Args: the connection's two ends, and what its server works with.

    Attributes:
        component: Who it is, once it was let in.
        streams: Subscriptions that stand or wait for their answer, by stream id.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> None:
        self._reader = reader
        self._writer = writer
        self._desk = desk
        self._last_stream = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.component = ""
        self.streams: dict[int, Stream] = {}

    async def greet(self) -> bool:
        """Whether the component is let in."""
        frame = await self._read()
        if self._desk.faults.is_mute():
            await self._reader.read()
            return False
        component = self._who(frame)
        lite = self._desk.profile.is_lite
        if component is not None or not lite:  # lite: closes without a word
            self._send(_CONNECT_ACK, 0, flags=0 if component is None else _ACCEPTED)
            await self._writer.drain()
        if component is None and not lite:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reader.read(), _LEAVE_S)  # it closes when it has read the refusal
        self.component = component or ""
        return component is not None

    async def converse(self) -> None:
        """Until the component goes, or says what cannot be understood."""
        while True:
            frame = await self._read()
            if self._desk.faults.delay_s:
                await asyncio.sleep(self._desk.faults.delay_s)
            self._heed(frame)
            await self._writer.drain()

    def leave(self) -> None:
        """Everything of this connection is over."""
        for task in self._tasks:
            task.cancel()
        for stream in list(self.streams.values()):
            stream.end()
        self.streams.clear()
        self._writer.close()

    def abort(self) -> None:
        """The connection breaks at once."""
        self._writer.transport.abort()

    def end_streams(self) -> None:
        """The nucleus ends every subscription and says so."""
        for number, stream in list(self.streams.items()):
            self._send(_APPLICATION, number, flags=_TERMINATE)
            stream.end()
        self.streams.clear()

    def _who(self, frame: Frame) -> str | None:
        headers = frame.headers
        right = headers.get(":message-type") == _CONNECT and headers.get(":stream-id") == 0
        if self._desk.profile.is_lite:
            right = right and headers.get(":version", VERSION) == VERSION and not headers.get(":message-flags")
        else:
            right = right and headers.get(":version") == VERSION
        if not right or self._desk.faults.refuses_tokens:
            return None
        with contextlib.suppress(ValueError, AttributeError):
            return self._desk.registry.component_of(str(json.loads(frame.payload).get("authToken", "")))
        return None

    def _heed(self, frame: Frame) -> None:
        stream, kind, flags = (frame.number(name) for name in (":stream-id", ":message-type", ":message-flags"))
        if kind == _PING and not self._desk.profile.is_lite:
            self._send_frame(Frame({":message-type": _PONG, ":message-flags": 0, ":stream-id": 0}, frame.payload))
        elif kind != _APPLICATION or stream == 0:
            raise FrameError(f"a message of type {kind} on stream {stream}")
        elif flags & _TERMINATE:
            self._close(stream)
        elif not self._desk.profile.is_lite and stream != self._last_stream + 1:
            self._send(_PROTOCOL_ERROR, 0, flags=0)
            raise FrameError(f"stream {stream} after stream {self._last_stream}")
        else:
            self._last_stream = stream
            self._begin(stream, frame)

    def _close(self, number: int) -> None:
        stream = self.streams.pop(number, None)
        if stream is not None:
            stream.end()
            if not self._desk.profile.is_lite:
                self._send(_APPLICATION, number, flags=_TERMINATE)

    def _begin(self, number: int, frame: Frame) -> None:
        operation = str(frame.headers.get("operation", "")).removeprefix(PREFIX)
        if self._desk.faults.is_mute(operation):
            return
        stream = Stream(lambda model, body: self._event(number, model, body), self._lose)
        if operation.startswith(_STREAMS):
            stream.operation = operation
            self.streams[number] = stream
        try:
            self._desk.faults.check(operation)
            body = read_request(frame.payload, self._desk.profile)
            result = self._handler(operation)(Call(self.component, operation, body, stream))
        except NucleusIpcError as exc:
            self._refuse(number, stream, exc)
            return
        if inspect.isawaitable(result):
            task = asyncio.ensure_future(self._finish(number, operation, stream, result))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._answer(number, operation, stream, result)

    def _handler(self, operation: str) -> Handler:
        handler = self._desk.handlers.get(operation)
        if handler is not None and operation in self._desk.profile.operations:
            return handler
        if self._desk.profile.is_lite:  # ipc_dispatch.c: no handler leaves the default error, without a message
            raise NucleusIpcError("ServiceError")
        if operation not in MODELLED:
            raise NotModelledError("", operation)
        # ipc/common/DefaultOperationHandler.java
        raise NucleusIpcError("ServiceError", f"Operation {PREFIX}{operation} is not supported by Greengrass")

    async def _finish(self, number: int, operation: str, stream: Stream, result: Awaitable[Body]) -> None:
        try:
            body = await result
        except NucleusIpcError as exc:
            self._refuse(number, stream, exc)
        else:
            self._answer(number, operation, stream, body)

    def _answer(self, number: int, operation: str, stream: Stream, body: Body) -> None:
        if stream.has_ended:  # the component did not wait for the answer
            return
        flags = 0 if operation.startswith(_STREAMS) else _TERMINATE
        if not self._send(_APPLICATION, number, flags=flags, model=f"{operation}Response", body=body):
            self._refuse(number, stream, NucleusIpcError("ServiceError"))
        else:
            stream.is_open = True

    def _lose(self) -> None:
        self._desk.losses["events"] += 1

    def _event(self, number: int, model: str, body: Body) -> bool:
        return not self._desk.faults.is_mute() and self._send(_APPLICATION, number, flags=0, model=model, body=body)

    def _refuse(self, number: int, stream: Stream, error: NucleusIpcError) -> None:
        """The lite nucleus sends less than the classic one."""
        self.streams.pop(number, None)
        stream.end()
        if isinstance(error, NotModelledError):
            self._send(_ERROR, number, flags=_TERMINATE)
            return
        body: Body = {"_message": error.message, "_errorCode": error.kind}
        if not self._desk.profile.is_lite:
            body |= {"_service": "GreengrassCoreIPC", "message": error.message}
        self._send(_ERROR, number, flags=_TERMINATE, model=error.kind, body=body)

    def _send(self, kind: int, stream: int, *, flags: int, model: str = "", body: Body | None = None) -> bool:
        headers: Headers = {":message-type": kind, ":message-flags": flags, ":stream-id": stream}
        if model:
            headers |= {":content-type": "application/json", "service-model-type": f"{PREFIX}{model}"}
        return self._send_frame(Frame(headers, b"" if body is None else json.dumps(body).encode()))

    def _send_frame(self, frame: Frame) -> bool:
        message = encode(frame)
        limit = self._desk.profile.message_bytes
        if self._writer.is_closing() or (limit and len(message) > limit):
            return False
        if self._writer.transport.get_write_buffer_size() > _UNSENT_BYTES:
            self.abort()
            return False
        self._writer.write(message)
        return True

    async def _read(self) -> Frame:
        prelude = await self._reader.readexactly(PRELUDE_BYTES)
        length, limit = total_length(prelude), self._desk.profile.message_bytes
        if limit and length - PRELUDE_BYTES > limit:
            raise FrameError(f"a message of {length} bytes")
        return decode(prelude + await self._reader.readexactly(length - PRELUDE_BYTES))
