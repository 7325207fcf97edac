import math
import secrets
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.errors import ConfigError, SensorError
from device_agent.greengrass.blocks import (
    MAX_BLOCK_BYTES,
    Heading,
    Packer,
    packed_channels,
    unpack,
    unpacked_channels,
)
from device_agent.sampling.sampler import Counters
from device_agent.sensors.port import GAP, Channel, Scan

LITE_MESSAGE_BYTES = 10_000


def channels(count):
    return tuple(Channel(name=f"bearing_{n}_celsius", unit="°C", floor=0.1 * n) for n in range(count))


def packer(count):
    named = channels(count)
    return Packer(Heading("a1b2c3d4", "b" * 32, "bench", 10.0, 1.0, named, packed_channels("bench", named)))


def scan(seq, values, reason="below range"):
    names = [f"bearing_{n}_celsius" for n in range(len(values))]
    gaps = {name: f"{reason}" for name, value in zip(names, values, strict=True) if math.isnan(value)}
    return Scan(seq, 1_700_000_000_000 + seq, seq * 100_000_000, tuple(values), gaps)


def same(one, other):
    return one._replace(values=()) == other._replace(values=()) and all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one.values, other.values, strict=True)
    )


VALUES = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.just(GAP))


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 12).flatmap(
        lambda count: st.lists(st.lists(VALUES, min_size=count, max_size=count), min_size=1, max_size=200)
    )
)
def test_scans_arrive_as_they_were_taken_in_blocks_that_every_nucleus_takes(rows):
    packs = packer(len(rows[0]))
    sent = [scan(seq, row) for seq, row in enumerate(rows)]
    messages = packs.pack(sent, Counters(scans=len(rows)), failing=False, dropped=0)
    assert all(len(message) <= MAX_BLOCK_BYTES for message in messages)
    blocks = [unpack(message) for message in messages]
    assert [block.number for block in blocks] == list(range(1, len(blocks) + 1))
    heard = [each for block in blocks for each in block.scans(unpacked_channels(block.shape))]
    assert all(same(one, other) for one, other in zip(sent, heard, strict=True))
    assert blocks[-1].counted.scans == len(rows)


def test_a_block_in_base64_fits_the_message_of_a_lite_nucleus():
    assert math.ceil(MAX_BLOCK_BYTES / 3) * 4 + 400 < LITE_MESSAGE_BYTES


def test_a_sensor_of_64_channels_that_fails_travels_with_its_reason():
    rows = [scan(seq, [GAP] * 64, "the bus does not answer: " + "x" * 200) for seq in range(40)]
    messages = packer(64).pack(rows, Counters(), failing=True, dropped=0)
    assert all(len(message) <= MAX_BLOCK_BYTES for message in messages)
    first = unpack(messages[0])
    assert first.failing
    assert set(first.scans(channels(64))[0].gaps.values()) == {"the bus does not answer: " + "x" * 200}


def test_reasons_that_do_not_fit_are_shortened_rather_than_lost():
    long = {f"bearing_{n}_celsius": f"{n}" * 150 for n in range(64)}
    wide = Scan(0, 1, 1, (GAP,) * 64, long)
    (message,) = packer(64).pack([wide], Counters(), failing=True, dropped=0)
    assert len(message) <= MAX_BLOCK_BYTES
    (heard,) = unpack(message).scans(channels(64))
    assert set(heard.gaps) == set(long)
    assert set(heard.gaps.values()) == {"the reason is too long to travel"}


def test_a_sensor_whose_names_leave_no_room_is_refused_at_the_start():

    named = tuple(Channel(name=secrets.token_hex(60)) for _ in range(64))
    with pytest.raises(ConfigError, match="has room for"):
        packed_channels("bench", named)


@pytest.mark.parametrize("message", [b"", b"\x80", b"\xc1", b"{}", b"\x00" * 4000])
def test_what_is_no_block_is_refused(message):
    with pytest.raises(SensorError):
        unpack(message)


def test_channels_that_unpack_to_megabytes_are_refused():

    with pytest.raises(SensorError):
        unpacked_channels(zlib.compress(b"\x90" * 50_000_000))


def test_a_block_of_other_channels_is_refused():
    (message,) = packer(3).pack([scan(0, [1.0, 2.0, 3.0])], Counters(), failing=False, dropped=0)
    with pytest.raises(SensorError, match="not 2 values"):
        unpack(message).scans(channels(2))
