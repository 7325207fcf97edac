"""Frames: whole messages however the bytes are cut, and nothing but a FrameError for bytes that are none."""

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.ipc import frames
from device_agent.ipc.frames import Decoder, FrameError
from twin.nucleus.frames import decode as decode_there

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
HEADERS = st.dictionaries(NAMES.filter(lambda name: not name.startswith(":")), st.text(max_size=200), max_size=5)


def one(stream: int = 1, payload: bytes = b"{}") -> bytes:
    headers = frames.strings({"service-model-type": "aws.greengrass#PublishToTopicResponse"})
    return frames.encode(frames.MESSAGE, stream, flags=frames.TERMINATE, headers=headers, payload=payload)


def raw(headers: bytes, payload: bytes = b"") -> bytes:
    """A message whose checksums are right, whatever its headers are."""
    sizes = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = sizes + struct.pack(">I", zlib.crc32(sizes)) + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


@given(HEADERS, st.binary(max_size=2000), st.integers(0, 2**31 - 1))
def test_what_is_encoded_is_what_another_decoder_reads(headers: dict[str, str], payload: bytes, stream: int) -> None:
    data = frames.encode(frames.MESSAGE, stream, flags=2, headers=frames.strings(headers), payload=payload)
    there = decode_there(data)

    assert there.payload == payload
    assert there.headers == {":message-type": 0, ":message-flags": 2, ":stream-id": stream, **headers}
    assert Decoder().feed(data)[0][:3] == (0, 2, stream)


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 400), max_size=30))
def test_messages_come_out_whole_however_the_bytes_are_cut(payloads: list[bytes], cuts: list[int]) -> None:
    data = b"".join(one(number + 1, payload) for number, payload in enumerate(payloads))
    decoder, found, place = Decoder(), [], 0
    for cut in [*cuts, len(data)]:
        found += decoder.feed(data[place : place + cut])
        place += cut

    assert [frame.payload for frame in found] == payloads
    assert [frame.stream for frame in found] == list(range(1, len(payloads) + 1))


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_garbage_is_a_frame_error_or_waits_and_nothing_else(pieces: list[bytes]) -> None:
    decoder = Decoder()
    with contextlib.suppress(FrameError):
        for piece in pieces:
            assert decoder.feed(piece) == []


@given(st.binary(max_size=120), st.binary(max_size=20))
def test_garbage_in_the_headers_of_a_whole_message_is_a_frame_error_or_a_frame(headers: bytes, payload: bytes) -> None:
    with contextlib.suppress(FrameError):
        assert Decoder().feed(raw(headers, payload))[0].payload == payload


@given(st.integers(0, len(one()) - 1), st.integers(1, 255))
def test_a_byte_that_changed_on_the_way_is_never_read_as_a_message(place: int, change: int) -> None:
    data = bytearray(one())
    data[place] ^= change
    with contextlib.suppress(FrameError):
        assert Decoder().feed(bytes(data)) == []


@given(st.integers(0, len(one()) - 1))
def test_a_message_that_is_cut_off_waits_for_the_rest(length: int) -> None:
    assert Decoder().feed(one()[:length]) == []


@pytest.mark.parametrize(("total", "head"), [(15, 0), (16, 1), (frames.MAX_MESSAGE_BYTES + 1, 0), (2**32 - 1, 0)])
def test_sizes_that_cannot_be_are_refused_before_anything_is_waited_for(total: int, head: int) -> None:
    sizes = struct.pack(">II", total, head)
    with pytest.raises(FrameError, match="bytes"):
        Decoder().feed(sizes + struct.pack(">I", zlib.crc32(sizes)))


@pytest.mark.parametrize(
    "headers",
    [
        b"\x05:kind",
        b"\x01a\x63\x00",
        b"\x01a\x07\xff\xff",
        b"\x0d:message-type\x04\x00\x00\x00\x00",
    ],
    ids=["no type", "unknown type", "a value behind the end", "no stream"],
)
def test_headers_that_are_none_are_a_frame_error(headers: bytes) -> None:
    with pytest.raises(FrameError):
        Decoder().feed(raw(headers))
