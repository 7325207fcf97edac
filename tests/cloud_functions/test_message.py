import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_functions.core.errors import RejectedError
from cloud_functions.core.message import read_envelope, unwrap
from cloud_functions.core.receive import Record
from contract.envelope import Declared, Envelope
from tests.cloud_functions.make import envelope, health, record


def reason(message: Record) -> str:
    with pytest.raises(RejectedError) as caught:
        read_envelope(unwrap(message.body))
    return str(caught.value)


def test_an_honest_message_is_believed() -> None:
    sent = envelope(1, health())
    assert read_envelope(unwrap(record(sent).body)).first_seq == sent.first_seq


def test_a_publish_over_https_has_no_client_id() -> None:
    assert read_envelope(unwrap(record(envelope(1, health()), client_id="n/a").body))


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ({"gateway_id": "gw-2", "client_id": "gw-2"}, "envelope of 'gw-1' on the topic of 'gw-2'"),
        ({"client_id": "gw-2"}, "client 'gw-2' on the topic of 'gw-1'"),
        ({"lane": "context"}, "envelope of lane 'events' on the topic of lane 'context'"),
        ({"gateway_id": "a b"}, "gateway id 'a b'"),
    ],
)
def test_a_liar_is_rejected_with_the_lie_named(topic: dict[str, str], expected: str) -> None:
    assert expected in reason(record(envelope(1, health()), **topic))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (envelope(1), "neither events nor declared ranges"),
        (envelope(999_999_999_999, health(), health()), "sequence 1000000000000 is above"),
        (envelope(1, health(), spool_id="a#b"), "spool_id"),
        (envelope(1, declared=[Declared(first=5, last=4, reason="full")]), "declared range 5 to 4"),
        (envelope(0, health()), "first_seq"),
    ],
)
def test_impossible_numbers_are_rejected(sent: Envelope, expected: str) -> None:
    assert expected in reason(record(sent))


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"\xff\xfe", b"{", b'{"gateway_id":"gw-1","events":' + b"[" * 100_000],
    ids=["empty", "null", "no text", "cut off", "nested too deep"],
)
def test_bytes_that_are_no_envelope_are_rejected(payload: bytes) -> None:
    assert reason(record(payload)).startswith("envelope")


def test_a_record_the_rule_did_not_write_is_kept_whole() -> None:
    raw = unwrap("hello")
    assert (raw.payload, raw.message, raw.gateway_id) == (b"hello", None, "unknown")
    assert unwrap(json.dumps({"data": "!", "gateway_id": "g", "lane": "l", "broker_ms": 1})).message is None


@given(st.one_of(st.binary(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(repr)))
def test_no_bytes_raise_anything_but_rejection(payload: bytes | str) -> None:
    raw = payload if isinstance(payload, bytes) else payload.encode("utf-8", "surrogatepass")
    with pytest.raises(RejectedError):
        read_envelope(unwrap(record(raw).body))
