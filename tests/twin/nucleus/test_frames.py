import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.nucleus.frames import PRELUDE_BYTES, Frame, FrameError, decode, encode, total_length

names = st.text(min_size=1, max_size=40)
values = st.integers(-(2**31), 2**31 - 1) | st.text(max_size=200)


@given(
    headers=st.dictionaries(names.filter(lambda name: len(name.encode()) < 128), values, max_size=8),
    payload=st.binary(max_size=500),
)
def test_what_is_encoded_is_decoded(headers: dict[str, int | str], payload: bytes) -> None:
    message = encode(Frame(headers, payload))

    assert total_length(message[:PRELUDE_BYTES]) == len(message)
    assert decode(message) == Frame(headers, payload)


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_no_message(place: int, bit: int) -> None:
    message = bytearray(encode(Frame({":message-type": 4}, b"payload")))
    message[place % len(message)] ^= 1 << bit

    with pytest.raises(FrameError):
        read(bytes(message))


def read(message: bytes) -> Frame:
    total_length(message[:PRELUDE_BYTES])
    return decode(message)


@given(garbage=st.binary(max_size=200))
def test_bytes_of_any_kind_are_a_message_or_a_frame_error(garbage: bytes) -> None:
    with pytest.raises(FrameError):
        decode(garbage)


@given(headers=st.binary(max_size=60), payload=st.binary(max_size=20), claimed=st.integers(0, 100))
def test_headers_that_lie_are_no_message(headers: bytes, payload: bytes, claimed: int) -> None:
    """Right lengths and checksums around headers of any kind."""
    sizes = struct.pack(">II", PRELUDE_BYTES + len(headers) + len(payload) + 4, claimed)
    body = sizes + struct.pack(">I", zlib.crc32(sizes)) + headers + payload
    message = body + struct.pack(">I", zlib.crc32(body))

    try:
        frame = decode(message)
    except FrameError:
        return
    assert claimed <= len(headers) + len(payload)
    assert frame.payload == (headers + payload)[claimed:]


@given(cut=st.integers(0, 40))
def test_half_a_message_is_none(cut: int) -> None:
    message = encode(Frame({":message-type": 4}, b"payload"))

    with pytest.raises(FrameError):
        decode(message[: min(cut, len(message) - 1)])
