"""Messages of the event-stream encoding, as Greengrass IPC uses them: bytes to values and back.

```
prelude  = u32 total length | u32 headers' length | u32 CRC-32 of the first eight bytes
headers  = u8 name's length | name | u8 type | value          (4: i32, 7: string with u16 length)
payload  = the rest | u32 CRC-32 of everything before it      all big endian
```
Source: the encoding's description for Amazon Transcribe streaming, "Event stream encoding", and aws-c-event-stream.
Not here: what a message means (``session``).
"""

import struct
import zlib
from typing import Final, NamedTuple

PRELUDE_BYTES: Final = 12
MAX_MESSAGE_BYTES: Final = 24 * 1024 * 1024
"""``AWS_EVENT_STREAM_MAX_MESSAGE_SIZE`` of aws-c-event-stream."""

_INT, _STRING = 4, 7
_CRC_BYTES: Final = 4
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_BYTES: Final = 6

Headers = dict[str, int | str]


class FrameError(Exception):
    """Bytes that are no message."""


class Frame(NamedTuple):
    """One message.

    Attributes:
        headers: Only integers of 32 bits and strings, which is all that IPC uses.
        payload: JSON.
    """

    headers: Headers
    payload: bytes

    def number(self, name: str) -> int:
        """A header that every message must have as an integer.

        Raises:
            FrameError: It has none.
        """
        value = self.headers.get(name)
        if not isinstance(value, int):
            raise FrameError(f"a message without {name}")
        return value


def encode(frame: Frame) -> bytes:
    """One message as bytes."""
    headers = b"".join(_header(name, value) for name, value in frame.headers.items())
    total = PRELUDE_BYTES + len(headers) + len(frame.payload) + _CRC_BYTES
    sizes = struct.pack(">II", total, len(headers))
    body = sizes + struct.pack(">I", zlib.crc32(sizes)) + headers + frame.payload
    return body + struct.pack(">I", zlib.crc32(body))


def total_length(prelude: bytes) -> int:
    """Of the message that begins with these twelve bytes.

    Raises:
        FrameError: They are no prelude, or the message is larger than any may be.
    """
    total, _, crc = struct.unpack(">III", prelude)
    if zlib.crc32(prelude[:8]) != crc:
        raise FrameError("the prelude's checksum is wrong")
    if not PRELUDE_BYTES + _CRC_BYTES <= total <= MAX_MESSAGE_BYTES:
        raise FrameError(f"a message of {total} bytes")
    return int(total)


def decode(message: bytes) -> Frame:
    """One whole message.

    Raises:
        FrameError: It is none.
    """
    if len(message) < PRELUDE_BYTES + _CRC_BYTES or total_length(message[:PRELUDE_BYTES]) != len(message):
        raise FrameError("the message is not as long as it says")
    if struct.unpack(">I", message[-_CRC_BYTES:])[0] != zlib.crc32(message[:-_CRC_BYTES]):
        raise FrameError("the message's checksum is wrong")
    end = PRELUDE_BYTES + struct.unpack(">I", message[4:8])[0]
    if end > len(message) - _CRC_BYTES:
        raise FrameError("the headers are longer than the message")
    try:
        headers, place = _headers(message, end)
    except (IndexError, struct.error, UnicodeDecodeError) as exc:
        raise FrameError(f"a header that cannot be read: {exc}") from exc
    if place != end:
        raise FrameError("the headers are not as long as they say")
    return Frame(headers, message[end:-_CRC_BYTES])


def _headers(message: bytes, end: int) -> tuple[Headers, int]:
    headers: Headers = {}
    place = PRELUDE_BYTES
    while place < end:
        length = message[place]
        name = message[place + 1 : place + 1 + length].decode()
        kind, place = message[place + 1 + length], place + 2 + length
        if kind == _INT:
            headers[name] = int(struct.unpack(">i", message[place : place + 4])[0])
        elif kind == _STRING:
            size = struct.unpack(">H", message[place : place + 2])[0]
            headers[name] = message[place + 2 : place + 2 + size].decode()
        place += _value_bytes(kind, message, place)
    return headers, place


def _value_bytes(kind: int, message: bytes, place: int) -> int:
    if kind in (_BYTES, _STRING):
        return 2 + int(struct.unpack(">H", message[place : place + 2])[0])
    if kind not in _SIZES:
        raise FrameError(f"a header of type {kind}")
    return _SIZES[kind]


def _header(name: str, value: int | str) -> bytes:
    head = bytes([len(name.encode())]) + name.encode()
    if isinstance(value, int):
        return head + bytes([_INT]) + struct.pack(">i", value)
    return head + bytes([_STRING]) + struct.pack(">H", len(value.encode())) + value.encode()
