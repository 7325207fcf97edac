"""What the thin client sends is what the SDK sends: whatever server takes one takes the other."""

import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from device_agent.ipc import operations as ops
from device_agent.ipc.wire import Wire
from tests.device_agent.ipc.places import WAIT_S, WIRES, until
from tests.device_agent.ipc.test_codec import REQUESTS
from twin.nucleus.frames import PRELUDE_BYTES, Frame, decode, encode, total_length

TOKEN = "ABCDEFGHIJKLMNOP"  # noqa: S105 - of a test's own server


class Recorder:
    """Lets one client in, answers nothing, and keeps what came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames: list[Frame] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._record, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(WAIT_S)
        self._listener.close()

    def _record(self) -> None:
        client, _ = self._listener.accept()
        with client, client.makefile("rb") as stream:
            while prelude := stream.read(PRELUDE_BYTES):
                self.frames.append(decode(prelude + stream.read(total_length(prelude) - PRELUDE_BYTES)))
                if len(self.frames) == 1:
                    client.sendall(encode(Frame({":message-type": 5, ":message-flags": 1, ":stream-id": 0}, b"")))


def sent_by(name: str) -> list[Frame]:
    with tempfile.TemporaryDirectory(prefix="ipc") as folder:
        recorder = Recorder(Path(folder) / "s")
        wire: Wire = WIRES[name](str(recorder.path), TOKEN)
        wire.connect(lambda: None)
        for request in REQUESTS:
            wire.ask(request, lambda _: None, Deaf() if isinstance(request, ops.StreamRequest) else None)
        until(lambda: len(recorder.frames) == len(REQUESTS) + 1)
        wire.ask(ops.SubscribeToTopic("t"), lambda _: None, Deaf())()
        until(lambda: len(recorder.frames) == len(REQUESTS) + 3)
        wire.disconnect()
        recorder.close()
        return recorder.frames


class Deaf:
    def heard(self, event: ops.Event) -> None:
        raise AssertionError(event)

    def ended(self) -> None:
        return


@pytest.fixture(scope="module")
def both() -> tuple[list[Frame], list[Frame]]:
    return sent_by("sdk"), sent_by("thin")


def body(frame: Frame) -> Any:
    found = msgspec.json.decode(frame.payload) if frame.payload else {}
    return {name: value for name, value in found.items() if value not in (None, [], "")}


def test_every_header_is_the_same(both: tuple[list[Frame], list[Frame]]) -> None:
    sdk, thin = both

    assert [frame.headers for frame in thin] == [frame.headers for frame in sdk]


def test_every_body_is_the_same(both: tuple[list[Frame], list[Frame]]) -> None:
    sdk, thin = both

    assert [body(frame) for frame in thin] == [body(frame) for frame in sdk]
