"""The MQTT proxy of a nucleus: Greengrass IPC over a Unix socket, for the unmodified SDK client.

Handshake with a token, ``PublishToIoTCore`` and ``SubscribeToIoTCore``; every other operation is answered as the
classic nucleus answers what it does not handle. Whatever is published goes to a broker of the caller's.

Its switches are a gateway's bad days: offline, a refused token, a server that restarts, a subscription that dies
without a word (aws-greengrass-lite issue 1172).
Not here: local topics, configuration, lifecycle, authorisation by recipe.
"""

import asyncio
import base64
import contextlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Self

from twin.nucleus.frames import PRELUDE_BYTES, Frame, FrameError, Headers, decode, encode, total_length

Profile = Literal["classic", "lite"]
LITE_MESSAGE_BYTES: Final = 10_000
MUTE: Final = "mute"
LITE_RECEIVED_BYTES: Final = 5_000
_APPLICATION, _ERROR, _PING, _PONG, _CONNECT, _CONNECT_ACK = range(6)
_ACCEPTED, _TERMINATE = 1, 2
_PREFIX: Final = "aws.greengrass#"
_START_S: Final = 5.0

Body = dict[str, object]

Publish = Callable[[str, bytes], str]
"""Topic and payload to the broker; returns an error's name, or nothing where it was taken."""


class _Client:
    """One connection and its subscriptions, topic by stream."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.topics: dict[int, str] = {}

    def send(self, kind: int, stream: int, *, flags: int = 0, model: str = "", body: Body | None = None) -> None:
        """One message; ``model`` is the type of its body."""
        if self.writer.is_closing():
            return
        headers: Headers = {":message-type": kind, ":message-flags": flags, ":stream-id": stream}
        if model:
            headers |= {":content-type": "application/json", "service-model-type": f"{_PREFIX}{model}"}
        self.writer.write(encode(Frame(headers, b"" if body is None else json.dumps(body).encode())))


class IpcServer:
    """A context manager; any thread may call it.

    Args:
        path: Of the socket; at most 100 bytes.
        token: The one that is let in.
        publish: Takes what components publish to IoT Core; answers nothing at all for ``MUTE``.
        profile: Whose limits apply.

    Attributes:
        connections: Accepted handshakes so far.
        refused: Refused ones.
        subscriptions: Made so far.
    """

    def __init__(self, path: Path, *, token: str, publish: Publish, profile: Profile = "classic") -> None:
        self.path = path
        self.token = token
        self.connections = 0
        self.refused = 0
        self.subscriptions = 0
        self._publish = publish
        self._profile = profile
        self._clients: set[_Client] = set()
        self._talks: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nucleus", daemon=True)

    def say(self, topic: str, payload: bytes) -> None:
        """A message from IoT Core to every component that subscribed to its topic."""
        self._run(self._say(topic, payload))

    def stop(self) -> None:
        """The server goes: every connection ends, nobody is let in."""
        self._run(self._stop())

    def start(self) -> None:
        """The server is there."""
        self._run(self._start())

    def drop_subscriptions(self) -> None:
        """Every subscription dies without a word; connections stay."""
        self._run(self._drop())

    def end_subscriptions(self) -> None:
        """Every subscription is ended by the nucleus; connections stay."""
        self._run(self._end())

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    def _run(self, work: Any) -> None:  # noqa: ANN401 - a coroutine of any kind
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    async def _start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._talks.values()):
            writer.transport.abort()
        await asyncio.gather(*filter(None, self._talks), return_exceptions=True)

    async def _drop(self) -> None:
        for client in self._clients:
            client.topics.clear()

    async def _end(self) -> None:
        for client in self._clients:
            for stream in client.topics:
                client.send(_APPLICATION, stream, flags=_TERMINATE)
            client.topics.clear()

    async def _say(self, topic: str, payload: bytes) -> None:
        if self._profile == "lite" and len(payload) > LITE_RECEIVED_BYTES:
            return
        data = base64.b64encode(payload).decode()
        body: Body = {"message": {"topicName": topic, "payload": data}}
        for client in self._clients:
            for stream, wanted in client.topics.items():
                if wanted == topic:
                    client.send(_APPLICATION, stream, model="IoTCoreMessage", body=body)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(writer)
        self._talks[asyncio.current_task()] = writer
        try:
            with contextlib.suppress(OSError, FrameError, TimeoutError, asyncio.IncompleteReadError):
                await self._converse(client, reader)
        finally:
            self._clients.discard(client)
            self._talks.pop(asyncio.current_task(), None)
            writer.close()

    async def _converse(self, client: _Client, reader: asyncio.StreamReader) -> None:
        if not self._greet(client, await _read(reader)):
            await client.writer.drain()
            if self._profile == "classic":
                await asyncio.wait_for(reader.read(), _START_S)  # the client closes when it has read the refusal
            return
        self._clients.add(client)
        while True:
            self._heed(client, await _read(reader))
            await client.writer.drain()

    def _greet(self, client: _Client, frame: Frame) -> bool:
        known = frame.headers.get(":message-type") == _CONNECT and _token(frame) == self.token
        if known or self._profile == "classic":  # the lite nucleus closes without a word
            client.send(_CONNECT_ACK, 0, flags=_ACCEPTED if known else 0)
        self.connections += known
        self.refused += not known
        return known

    def _heed(self, client: _Client, frame: Frame) -> None:
        stream, kind = int(frame.headers[":stream-id"]), frame.headers[":message-type"]
        if kind == _PING:
            client.send(_PONG, 0)
        elif int(frame.headers.get(":message-flags", 0)) & _TERMINATE:
            client.topics.pop(stream, None)
            client.send(_APPLICATION, stream, flags=_TERMINATE)
        elif self._profile == "lite" and len(frame.payload) > LITE_MESSAGE_BYTES:
            self._refuse(client, stream, "ServiceError", "message too large")
        else:
            self._operate(client, stream, str(frame.headers.get("operation", "")), frame.payload)

    def _operate(self, client: _Client, stream: int, operation: str, payload: bytes) -> None:
        name = operation.removeprefix(_PREFIX)
        request = json.loads(payload or b"{}")
        if name == "PublishToIoTCore":
            error = self._publish(request["topicName"], base64.b64decode(request.get("payload") or ""))
            if error == MUTE:
                return
            if error:
                self._refuse(client, stream, error, f"{error} for {request['topicName']}")
                return
            client.send(_APPLICATION, stream, flags=_TERMINATE, model=f"{name}Response", body={})
        elif name == "SubscribeToIoTCore":
            client.topics[stream] = request["topicName"]
            self.subscriptions += 1
            client.send(_APPLICATION, stream, model=f"{name}Response", body={})
        else:
            self._refuse(client, stream, "ServiceError", f"Operation {operation} is not supported by Greengrass")

    def _refuse(self, client: _Client, stream: int, error: str, message: str) -> None:
        """The lite nucleus sends less than the classic one."""
        body: Body = {"_message": message, "_errorCode": error}
        if self._profile == "classic":
            body |= {"_service": "GreengrassCoreIPC", "message": message}
        client.send(_ERROR, stream, flags=_TERMINATE, model=error, body=body)


async def _read(reader: asyncio.StreamReader) -> Frame:
    prelude = await reader.readexactly(PRELUDE_BYTES)
    return decode(prelude + await reader.readexactly(total_length(prelude) - PRELUDE_BYTES))


def _token(frame: Frame) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(frame.payload).get("authToken", ""))
    return ""
