import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codec import (
    UnknownEvent,
    decode_envelope,
    decode_event,
    decode_stored,
    encode_envelope,
    encode_event,
    encode_stored,
)
from contract.envelope import SCHEMA_VERSION
from contract.errors import ContractError
from tests.contract import strategies


@given(strategies.events)
def test_every_event_survives_the_wire(event):
    assert decode_event(encode_event(event)) == event


@given(strategies.envelopes)
def test_every_envelope_survives_the_wire(envelope):
    assert decode_envelope(encode_envelope(envelope)) == envelope


@given(strategies.envelopes)
def test_sealing_an_envelope_twice_gives_the_same_bytes(envelope):
    assert encode_envelope(envelope) == encode_envelope(decode_envelope(encode_envelope(envelope)))


@given(strategies.stored)
def test_every_answer_survives_the_wire(answer):
    assert decode_stored(encode_stored(answer)) == answer


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_a_contract_error_or_decode(raw):
    for decode in (decode_event, decode_envelope, decode_stored):
        try:
            decode(raw)
        except ContractError:
            continue


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"{", "truncated"),
        (b'{"kind":"episode","wall_ms":"soon"}', "$.wall_ms"),
        (b'{"wall_ms":1}', "kind"),
        (
            b'{"kind":"summary","wall_ms":1,"monotonic_ms":2,"sensor":"s","start_wall_ms":0,"scans":1,"state":"odd"}',
            "$.state",
        ),
    ],
)
def test_a_bad_event_is_refused_with_its_place(raw, place):
    with pytest.raises(ContractError, match="event: ") as caught:
        decode_event(raw)
    assert place in str(caught.value)


def test_a_future_schema_version_is_refused_because_its_meaning_is_unknown():
    raw = (
        b'{"schema_version":%d,"gateway_id":"g","spool_id":"s","boot_id":"b","lane":"events","first_seq":1,"events":[]}'
    )
    with pytest.raises(ContractError, match="schema_version 2 is not understood"):
        decode_envelope(raw % (SCHEMA_VERSION + 1))


def test_a_sequence_below_one_is_refused():
    raw = b'{"gateway_id":"g","spool_id":"s","boot_id":"b","lane":"events","first_seq":0,"events":[]}'
    with pytest.raises(ContractError, match=r"\$\.first_seq"):
        decode_envelope(raw)


def test_one_bad_event_does_not_spoil_its_envelope():
    raw = (
        b'{"gateway_id":"g","spool_id":"s","boot_id":"b","lane":"events","first_seq":5,'
        b'"events":[{"kind":"episode"},{"kind":"from the future","x":1}]}'
    )
    envelope = decode_envelope(raw)
    assert envelope.last_seq == 6
    with pytest.raises(ContractError):
        decode_event(envelope.events[0])
    assert decode_event(envelope.events[1]) == UnknownEvent(
        kind="from the future", raw=b'{"kind":"from the future","x":1}'
    )
