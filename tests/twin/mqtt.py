"""A client of twenty packets' worth of MQTT 5, so that a refusal is seen as the broker sent it (OASIS MQTT 5.0)."""

import socket
import ssl
from pathlib import Path
from typing import Self

from twin.ministack import Endpoint
from twin.ports import LOOPBACK
from twin.provision import DeviceFiles

NOT_AUTHORISED = 0x87
PUBLISHED = (0x00, 0x10)
"""Success, and success without a subscriber."""


class RefusedError(Exception):
    """The broker refused the connection, by TLS, by closing it or by a reason code."""


class Device:
    """One connection; a context manager."""

    def __init__(self, endpoint: Endpoint, ca: Path, identity: DeviceFiles | None, client_id: str) -> None:
        context = ssl.create_default_context(cafile=str(ca))
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.private_key)
        self._socket = socket.create_connection((LOOPBACK, endpoint.mqtt_port), timeout=10)
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname="localhost")
            reason = self._connect(client_id)
        except (OSError, EOFError) as exc:
            self._socket.close()
            raise RefusedError(str(exc)) from exc
        if reason:
            self._socket.close()
            raise RefusedError(f"reason {reason:#x}")

    def publish(self, topic: str, payload: bytes) -> int:
        """Publishes at QoS 1; the reason code of the answer."""
        self._send(0x32, _text(topic) + b"\x00\x01\x00" + payload)
        answer = self._receive(0x40)
        return answer[2] if len(answer) > 2 else 0

    def subscribe(self, topic: str) -> int:
        """Asks for QoS 1; the reason code of the answer."""
        self._send(0x82, b"\x00\x02\x00" + _text(topic) + b"\x01")
        return self._receive(0x90)[-1]

    def _connect(self, client_id: str) -> int:
        self._send(0x10, _text("MQTT") + b"\x05\x02\x00\x1e\x00" + _text(client_id))
        return self._receive(0x20)[1]

    def _send(self, kind: int, body: bytes) -> None:
        length, size = b"", len(body)
        while True:
            size, digit = divmod(size, 128)
            length += bytes([digit | (0x80 if size else 0)])
            if not size:
                break
        self._socket.sendall(bytes([kind]) + length + body)

    def _receive(self, kind: int) -> bytes:
        got = self._exactly(1)[0]
        length, shift = 0, 0
        while True:
            digit = self._exactly(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                break
        body = self._exactly(length)
        assert got & 0xF0 == kind, f"packet {got:#x} instead of {kind:#x}"
        return body

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise EOFError("the broker closed the connection")
            data += more
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded
