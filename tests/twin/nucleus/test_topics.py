"""Topics and filters, by value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.nucleus.topics import covers, is_wildcard, matches

level = st.sampled_from(["a", "b", "", "$c"])
topics = st.lists(level, min_size=1, max_size=5).map("/".join)
filters = st.tuples(st.lists(st.sampled_from(["a", "b", "", "+"]), max_size=4), st.sampled_from(["#", "a", "+"])).map(
    lambda parts: "/".join([*parts[0], parts[1]])
)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/", False),
        ("a/+", "a/b", True),
        ("a/+", "a/", True),
        ("a/+", "a", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("#", "a/b", True),
        ("#", "$aws/things", False),
        ("+/things", "$aws/things", False),
        ("$aws/#", "$aws/things", True),
        ("a/#/b", "a/x/b", False),
        ("+", "a/b", False),
    ],
)
def test_a_filter_matches_as_mqtt_says(topic_filter, topic, expected) -> None:
    assert matches(topic_filter, topic) is expected


def test_a_level_that_is_a_wildcard_makes_a_filter_one() -> None:
    assert is_wildcard("a/+/b")
    assert is_wildcard("#")
    assert not is_wildcard("a+/b")


@given(wider=filters, narrower=filters, topic=topics)
def test_a_wider_filter_hears_whatever_the_narrower_one_hears(wider, narrower, topic) -> None:
    if covers(wider, narrower) and matches(narrower, topic):
        assert matches(wider, topic)


@given(topic_filter=filters)
def test_every_filter_covers_itself(topic_filter) -> None:
    assert covers(topic_filter, topic_filter)
