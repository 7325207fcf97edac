import pytest
from hypothesis import given

from contract.envelope import check_gateway_id
from contract.errors import ContractError
from contract.events import LANES
from contract.identifiers import episode_id, event_id
from contract.topics import events_topic, stored_topic
from tests.contract import strategies


@given(strategies.identifiers)
def test_topics_stay_within_the_brokers_limits(gateway_id):
    for topic in (*(events_topic(gateway_id, lane) for lane in LANES), stored_topic(gateway_id)):
        assert topic.count("/") <= 7
        assert len(topic.encode()) <= 256


@pytest.mark.parametrize("bad", ["", "a/b", "+", "#", "x" * 65, "ü", "a b", "a\n"])
def test_a_gateway_id_that_would_break_a_topic_is_refused(bad):
    with pytest.raises(ContractError, match="use 1 to 64 letters"):
        check_gateway_id(bad)


def test_identifiers_are_deterministic_and_tell_things_apart():
    assert event_id("g", "s", "events", 7) == event_id("g", "s", "events", 7)
    assert len({event_id("g", spool, lane, seq) for spool in "st" for lane in LANES for seq in (1, 2)}) == 12
    assert episode_id("g", "b1", "host", 5) != episode_id("g", "b2", "host", 5)
