import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.errors import ConfigError
from device_agent.sensors.mqtt_topics import Heard, Topic, current
from device_agent.sensors.rates import Missing

S = 10**9


@pytest.mark.parametrize(
    ("topic", "payload", "value"),
    [
        (Topic(topic="t"), b"21.5", 21.5),
        (Topic(topic="t"), b" -3 \n", -3.0),
        (Topic(topic="t"), b'"4.25"', 4.25),
        (Topic(topic="t"), b"true", 1.0),
        (Topic(topic="t", values={"ON": 1, "OFF": 0}), b"OFF", 0.0),
        (Topic(topic="t", pointer="/temperature"), b'{"temperature": 19.0, "linkquality": 80}', 19.0),
        (Topic(topic="t", pointer="/ENERGY/Power/1"), b'{"ENERGY": {"Power": [1, 2.5]}}', 2.5),
        (Topic(topic="t", pointer="/a~1b/c~0d"), b'{"a/b": {"c~d": 7}}', 7.0),
        (Topic(topic="t", pointer="/contact"), b'{"contact": false}', 0.0),
        (Topic(topic="t", pointer="/state", values={"open": 2}), b'{"state": "open"}', 2.0),
    ],
)
def test_a_number_is_found_where_the_device_puts_it(topic: Topic, payload: bytes, value: float) -> None:
    assert topic.value(payload) == value


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (Topic(topic="t"), b"warm", "neither a number nor JSON: 'warm'"),
        (Topic(topic="t"), b"", "neither a number nor JSON: ''"),
        (Topic(topic="t"), b"\xff\xfe", "neither a number nor JSON: "),
        (Topic(topic="t"), b"1e999", ""),
        (Topic(topic="t"), b'"nan"', "not a finite number"),
        (Topic(topic="t"), b"NaN", "neither a number nor JSON: 'NaN'"),
        (Topic(topic="t"), b"1" * 400, ""),
        (Topic(topic="t"), b"[" * 60_000, "neither a number nor JSON"),
        (Topic(topic="t", pointer="/a"), b'{"b": 1}', "/a is not in the payload"),
        (Topic(topic="t", pointer="/a/7"), b'{"a": [1]}', "/a/7 is not in the payload"),
        (Topic(topic="t", pointer="/a"), b'{"a": null}', "/a is no number but null"),
        (Topic(topic="t", pointer="/a"), b'{"a": {}}', "/a is no number but an object"),
        (Topic(topic="t", pointer="/a"), b'{"a": "warm"}', "no number: 'warm'"),
    ],
)
def test_what_is_no_number_is_a_gap_that_says_why(topic: Topic, payload: bytes, reason: str) -> None:
    value = topic.value(payload)
    assert isinstance(value, Missing)
    assert value.reason.startswith(reason)


@given(st.binary(max_size=60), st.sampled_from(["", "/a", "/0", "/a/b"]))
def test_no_payload_is_ever_an_exception_or_an_infinite_number(payload: bytes, pointer: str) -> None:
    value = Topic(topic="t", pointer=pointer).value(payload)
    assert isinstance(value, Missing) or math.isfinite(value)


def test_a_value_holds_until_it_is_too_old() -> None:
    topic = Topic(topic="t", max_age_s=60)
    assert current(topic, Heard(b"1", 0), None, 60 * S) == 1.0
    assert current(topic, Heard(b"1", 0), None, 60 * S + 1) == Missing("stale")
    assert current(Topic(topic="t", max_age_s=0), Heard(b"1", 0), None, 10**6 * S) == 1.0


def test_what_the_broker_kept_counts_only_where_that_was_asked_for() -> None:
    kept = Heard(b"1", 5 * S)
    assert current(Topic(topic="t"), None, kept, 6 * S) == Missing("only a retained message, of unknown age")
    assert current(Topic(topic="t", retained=True), None, kept, 6 * S) == 1.0


def test_what_the_broker_kept_never_hides_what_was_said_later() -> None:
    assert current(Topic(topic="t"), Heard(b"2", 4 * S), Heard(b"1", 5 * S), 6 * S) == 2.0
    assert current(Topic(topic="t", retained=True), Heard(b"2", 6 * S), Heard(b"1", 5 * S), 6 * S) == 2.0


@pytest.mark.parametrize(
    ("topic", "part"),
    [
        (Topic(topic="zigbee2mqtt/+"), r"topics\.a\.topic: 'zigbee2mqtt/\+'"),
        (Topic(topic="t", pointer="temperature"), r"topics\.a\.pointer: 'temperature'"),
        (Topic(topic="t", values={"x": math.inf}), r"topics\.a\.values"),
    ],
)
def test_keys_that_cannot_work_are_refused_with_their_place(topic: Topic, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        topic.check("topics.a")
