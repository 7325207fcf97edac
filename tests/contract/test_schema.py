import json

import jsonschema
import pytest
from hypothesis import given

from contract import schema
from contract.codec import encode_envelope, encode_event, encode_stored
from tests.contract import strategies

SCHEMAS = schema.schemas()


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_fresh(name):
    published = (schema.FOLDER / name).read_text(encoding="utf-8")
    assert published == schema.text(SCHEMAS[name]), "run `make schemas` and review the difference"


def validator(name):
    return jsonschema.Draft202012Validator(SCHEMAS[name])


@given(strategies.events)
def test_every_event_keeps_the_schema(event):
    validator("event.schema.json").validate(json.loads(encode_event(event)))


@given(strategies.envelopes)
def test_every_envelope_keeps_the_schema(envelope):
    validator("envelope.schema.json").validate(json.loads(encode_envelope(envelope)))


@given(strategies.stored)
def test_every_answer_keeps_the_schema(answer):
    validator("stored.schema.json").validate(json.loads(encode_stored(answer)))


def test_the_schema_refuses_a_wrong_type():
    with pytest.raises(jsonschema.ValidationError):
        validator("stored.schema.json").validate({"spool_id": "s", "lane": "events", "through": "all"})
