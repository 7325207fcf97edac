"""The bench's far side counts what came, once, and says stored only what is here without a hole."""

import msgspec

from bench.edge.collector import nothing_came
from contract.codec import encode_envelope
from contract.envelope import Declared, Envelope


def envelope(first: int, count: int, *, declared: tuple[Declared, ...] = ()) -> bytes:
    context = b'{"kind":"context","scans":10,"traces":{"a":{},"b":{}}}'
    return encode_envelope(
        Envelope(
            gateway_id="g",
            spool_id="s",
            boot_id="b" * 32,
            lane="context",
            first_seq=first,
            events=[msgspec.Raw(context)] * count,
            declared=list(declared),
        )
    )


def test_readings_are_those_of_all_channels_and_a_second_copy_adds_only_bytes() -> None:
    came = nothing_came()
    came.take(envelope(1, 2))
    came.take(envelope(1, 2))
    assert (came.readings, came.events, came.envelopes) == (40, 2, 2)
    assert came.envelope_bytes == 2 * len(envelope(1, 2))


def test_stored_ends_before_a_hole_and_goes_on_when_it_is_filled() -> None:
    came = nothing_came()
    came.take(envelope(1, 1))
    came.take(envelope(3, 2))
    assert came.through["context"] == 1
    came.take(envelope(2, 1))
    assert came.through["context"] == 4
    assert came.events == 4


def test_what_was_declared_is_passed_and_not_counted() -> None:
    came = nothing_came()
    came.take(envelope(4, 1, declared=(Declared(first=1, last=3, reason="quota"),)))
    assert (came.through["context"], came.events) == (4, 1)
