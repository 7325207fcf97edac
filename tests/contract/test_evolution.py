"""A new writer never breaks an old reader, and an old writer never breaks a new one."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codec import (
    decode_envelope,
    decode_event,
    decode_stored,
    encode_envelope,
    encode_event,
    encode_stored,
)
from contract.events import Episode
from contract.health import Health
from contract.readings import Context, Summary
from tests.contract import strategies

FREE_FORM = {"contributions", "channels", "sensors", "spool_pending", "counters", "traces"}
"""Fields that are maps: their keys are data, so an added key is data too."""


def with_additions(node: Any, value: Any) -> Any:
    """The JSON as a newer writer might send it: one more field in every object that is a struct."""
    if isinstance(node, list):
        return [with_additions(item, value) for item in node]
    if not isinstance(node, dict):
        return node
    grown = {}
    for name, child in node.items():
        inner = {key: with_additions(item, value) for key, item in child.items()} if name in FREE_FORM else None
        grown[name] = inner if inner is not None else with_additions(child, value)
    return {**grown, "added_later": value}


additions = st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=3))


@given(strategies.events, additions)
def test_an_old_reader_understands_a_new_writers_event(event, value):
    grown = json.dumps(with_additions(json.loads(encode_event(event)), value)).encode()
    assert decode_event(grown) == event


@given(strategies.envelopes, additions)
def test_an_old_reader_understands_a_new_writers_envelope(envelope, value):
    grown = json.dumps(with_additions(json.loads(encode_envelope(envelope)), value)).encode()
    decoded = decode_envelope(grown)
    assert [decode_event(raw) for raw in decoded.events] == [decode_event(raw) for raw in envelope.events]
    assert msgspec.structs.replace(decoded, events=envelope.events) == envelope


@given(strategies.stored, additions)
def test_an_old_gateway_understands_a_new_clouds_answer(answer, value):
    grown = json.dumps(with_additions(json.loads(encode_stored(answer)), value)).encode()
    assert decode_stored(grown) == answer


@given(strategies.events)
def test_a_new_reader_understands_an_old_writer_that_lacks_every_optional_field(event):
    fields = msgspec.structs.fields(event)
    optional = {field.name for field in fields if not field.required}
    defaults = {field.name: default_of(field) for field in fields if not field.required}
    plain = json.loads(encode_event(event))
    old = json.dumps({name: value for name, value in plain.items() if name not in optional}).encode()
    assert decode_event(old) == msgspec.structs.replace(event, **defaults)


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


FIRST_RELEASE = {
    Episode: b'{"kind":"episode","wall_ms":1,"monotonic_ms":2,"episode_id":"e","sensor":"s","phase":"opened",'
    b'"onset_wall_ms":0,"duration_ms":1,"score":1.5,"peak_score":1.5,"peak_wall_ms":1,"top_channel":"c",'
    b'"contributions":{"c":1.0},"reason":"r"}',
    Summary: b'{"kind":"summary","wall_ms":1,"monotonic_ms":2,"sensor":"s","start_wall_ms":0,"scans":1,'
    b'"state":"armed","channels":{"c":{"unit":"%","count":1,"mean":1.0,"min":1.0,"max":1.0,"std":0.0}}}',
    Health: b'{"kind":"health","wall_ms":1,"monotonic_ms":2,"version":"0.1","uptime_ms":3,"interval_ms":4,'
    b'"sensors":{"s":{"state":"armed","rate_hz":10.0}}}',
    Context: b'{"kind":"context","wall_ms":1,"monotonic_ms":2,"episode_id":"e","sensor":"s","scans":2,'
    b'"traces":{"c":{"unit":"%","resolution":0.1,"base":512,"packed":"QYA="}}}',
}


@pytest.mark.parametrize("kind", FIRST_RELEASE)
def test_the_bytes_of_the_first_release_stay_readable(kind):
    assert isinstance(decode_event(FIRST_RELEASE[kind]), kind)
