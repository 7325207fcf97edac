"""What of a refused envelope passes the watermark, and what a hostile one cannot do."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cloud_functions.adapters.memory import MemoryReplies, MemoryTable
from cloud_functions.core.head import read_head
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.keys import shard
from cloud_functions.core.message import unwrap
from cloud_functions.core.ports import Span
from cloud_functions.core.receive import Record
from cloud_functions.core.rows import Quarantine
from cloud_functions.core.shape import Retention
from contract.codec import encode_envelope
from contract.envelope import Declared, Stored
from tests.cloud_functions.make import Clock, envelope, health, record

NEWER = replace(envelope(1, health(), health()), schema_version=99)


def told(*records: Record) -> tuple[list[Stored], MemoryTable]:
    table, replies = MemoryTable(), MemoryReplies()
    settings = Settings(interval_ms=0, retention=Retention(block_days=30, episode_days=400))
    Ingest(table, replies, Clock(), settings).ingest(records)
    return [stored for _, stored in replies.told], table


def wrong(**fields: Any) -> bytes:
    sent = json.loads(encode_envelope(envelope(1, health(), health()))) | {"schema_version": 99}
    return json.dumps(sent | fields).encode()


def test_an_envelope_of_a_newer_version_passes_the_watermark_and_its_bytes_are_kept() -> None:
    answers, table = told(record(NEWER), record(envelope(3, health())))
    assert answers == [Stored(spool_id="spool", lane="events", through=3)]
    (kept,) = table.query(Span(f"Q#{shard('gw-1')}"))
    assert isinstance(kept, Quarantine)
    assert (kept.spool_id, kept.lane, kept.first_seq, kept.count) == ("spool", "events", 1, 2)


@pytest.mark.parametrize("field", [{"boot_id": "x y"}, {"boot_id": 7}, {"declared": 3}, {"schema_version": "two"}])
def test_a_wrong_field_beside_a_sound_head_passes(field: dict[str, Any]) -> None:
    (answer,), _ = told(record(wrong(**field)))
    assert answer.through == 2


@pytest.mark.parametrize(
    "field",
    [
        {"gateway_id": "gw-2"},
        {"spool_id": "a b"},
        {"lane": "summaries"},
        {"first_seq": 0},
        {"first_seq": -5},
        {"first_seq": 10**12},
        {"first_seq": "1"},
        {"events": 10**9},
        {"events": []},
    ],
)
def test_a_head_that_cannot_be_believed_moves_nothing(field: dict[str, Any]) -> None:
    answers, table = told(record(wrong(**field)))
    assert answers == []
    assert len(table.query(Span(f"Q#{shard('gw-1')}"))) == 1


def test_a_client_of_another_name_has_no_head() -> None:
    assert told(record(NEWER, client_id="gw-2"))[0] == []


def test_a_refused_envelope_declares_nothing() -> None:
    given_up = [Declared(first=3, last=10**9, reason="quota")]
    (answer,), _ = told(record(replace(NEWER, declared=given_up)))
    assert answer.through == 2


def test_what_was_never_sent_stays_missing_under_a_hostile_head() -> None:
    (answer,), _ = told(record(wrong(first_seq=999_999_999_000)))
    assert answer.through == 0
    assert [(hole.first, hole.last) for hole in answer.missing] == [(1, 999_999_998_999)]


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_claim_more_sequences_than_they_have_bytes(noise: bytes, cut: int) -> None:
    payload = wrong()[:cut] + noise + wrong()[cut:]
    head = read_head(unwrap(record(payload).body))
    assert head is None or len(head.events) <= len(payload)


def test_a_message_that_the_rule_could_not_queue_is_understood_when_it_is_redriven() -> None:
    queued = json.loads(record(envelope(1, health())).body)
    for topic in ("fleet/gw-1/events/events", "$aws/rules/thresher_events/fleet/gw-1/events/events"):
        body = {"ruleName": "r", "topic": topic, "clientId": "gw-1", "base64OriginalPayload": queued["data"]}
        (answer,), _ = told(Record("x", json.dumps(body)))
        assert answer.through == 1


def test_a_rule_error_of_another_topic_is_kept_as_it_came() -> None:
    body = {"topic": "fleet/gw-1/else", "base64OriginalPayload": ""}
    answers, table = told(Record("x", json.dumps(body)))
    assert answers == []
    assert len(table.query(Span(f"Q#{shard('unknown')}"))) == 1
