"""Messages of the event-stream encoding, as Greengrass IPC uses them: bytes to values and back.

```
prelude  = u32 total length | u32 headers' length | u32 CRC-32 of the first eight bytes
headers  = u8 name's length | name | u8 type | value          (4: i32, 7: string with u16 length)
payload  = the rest | u32 CRC-32 of everything before it      all big endian
```
Rules: bytes that are no message raise ``FrameError`` and nothing else; a message waits until it is whole.
Not here: what a message means (``codec``), the socket (``thin``).

Source: the encoding's description for Amazon Transcribe streaming, "Event stream encoding", and aws-c-event-stream.
"""

import struct
import zlib
from typing import Final, NamedTuple

MAX_MESSAGE_BYTES: Final = 24 * 1024 * 1024
"""``AWS_EVENT_STREAM_MAX_MESSAGE_SIZE`` of aws-c-event-stream."""

MESSAGE, ERROR, PING, PONG, CONNECT, CONNECT_ACK, PROTOCOL_ERROR, INTERNAL_ERROR = range(8)
ACCEPTED, TERMINATE = 1, 2

_PRELUDE: Final = struct.Struct(">III")
_SIZES: Final = struct.Struct(">II")
_U32: Final = struct.Struct(">I")
_I32: Final = struct.Struct(">i")
_U16: Final = struct.Struct(">H")
_LEAST: Final = _PRELUDE.size + _U32.size
_INT, _STRING = 4, 7
_FIXED: Final = {0: 0, 1: 0, 2: 1, 3: 2, _INT: 4, 5: 8, 8: 8, 9: 16}
_COUNTED: Final = (6, _STRING)
_KIND: Final = b":message-type"
_FLAGS: Final = b":message-flags"
_STREAM: Final = b":stream-id"
_MODEL: Final = b"service-model-type"


class FrameError(Exception):
    """Bytes that are no message."""


class Frame(NamedTuple):
    """One message.

    Attributes:
        kind: ``MESSAGE``, ``ERROR``…
        flags: ``ACCEPTED`` and ``TERMINATE``.
        stream: Its stream's number; 0 for the connection itself.
        model: The payload's type as IPC names it, without its namespace; may be empty.
        payload: JSON.
    """

    kind: int
    flags: int
    stream: int
    model: str
    payload: bytes


def strings(headers: dict[str, str]) -> bytes:
    """Headers that are strings, for ``encode``."""
    coded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return b"".join(
        bytes([len(name)]) + name + bytes([_STRING]) + _U16.pack(len(value)) + value for name, value in coded
    )


def encode(kind: int, stream: int, *, flags: int = 0, headers: bytes = b"", payload: bytes = b"") -> bytes:
    """One message as bytes.

    Args:
        kind: ``MESSAGE``…
        stream: Its stream's number.
        flags: See ``Frame``.
        headers: What ``strings`` made.
        payload: JSON.
    """
    head = _number(_KIND, kind) + _number(_FLAGS, flags) + _number(_STREAM, stream) + headers
    sizes = _SIZES.pack(_LEAST + len(head) + len(payload), len(head))
    body = b"".join((sizes, _U32.pack(zlib.crc32(sizes)), head, payload))
    return body + _U32.pack(zlib.crc32(body))


class Decoder:
    """Messages out of a stream of bytes, however it is cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that are whole now.

        Raises:
            FrameError: The stream holds something else; nothing after it can be read.
        """
        buffer = self._buffer
        buffer += data
        frames, place = [], 0
        while len(buffer) - place >= _PRELUDE.size:
            total, head, crc = _PRELUDE.unpack_from(buffer, place)
            if zlib.crc32(buffer[place : place + _SIZES.size]) != crc:
                raise FrameError("the prelude's checksum is wrong")
            if not _LEAST + head <= total <= MAX_MESSAGE_BYTES:
                raise FrameError(f"a message of {total} bytes with {head} bytes of headers")
            if len(buffer) - place < total:
                break
            frames.append(_decode(bytes(buffer[place : place + total]), _PRELUDE.size + head))
            place += total
        del buffer[:place]
        return frames


def _decode(message: bytes, end: int) -> Frame:
    crc_at = len(message) - _U32.size
    if _U32.unpack_from(message, crc_at)[0] != zlib.crc32(message[:crc_at]):
        raise FrameError("the message's checksum is wrong")
    numbers = {_KIND: -1, _FLAGS: 0, _STREAM: -1}
    model, place = "", _PRELUDE.size
    while place < end:
        at = place + 1 + message[place]
        if at >= end:
            raise FrameError("a header that is cut off")
        name, kind = message[place + 1 : at], message[at]
        place, value = _value(message, at + 1, kind)
        if place > end:
            raise FrameError("a header that ends behind the headers")
        if kind == _INT and name in numbers:
            numbers[name] = _I32.unpack(value)[0]
        elif kind == _STRING and name == _MODEL:
            model = value.decode("utf-8", "replace")
    if numbers[_KIND] < 0 or numbers[_STREAM] < 0:
        raise FrameError("a message without its type or its stream")
    return Frame(numbers[_KIND], numbers[_FLAGS], numbers[_STREAM], model.rpartition("#")[2], message[end:crc_at])


def _value(message: bytes, at: int, kind: int) -> tuple[int, bytes]:
    """Where a header's value ends, and the value; a message always has four bytes behind its headers."""
    if kind in _COUNTED:
        if at + _U16.size > len(message):
            raise FrameError("a header that is cut off")
        size = _U16.unpack_from(message, at)[0]
        at += _U16.size
    elif kind in _FIXED:
        size = _FIXED[kind]
    else:
        raise FrameError(f"a header of type {kind}")
    return at + size, message[at : at + size]


def _number(name: bytes, value: int) -> bytes:
    return bytes([len(name)]) + name + bytes([_INT]) + _I32.pack(value)
