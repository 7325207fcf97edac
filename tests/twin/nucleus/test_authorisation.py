"""Who may do what, by value: policies as recipes have them, on both nuclei."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.nucleus.conftest import policy
from twin.nucleus.authorisation import decoded_bytes, is_allowed, service_of
from twin.nucleus.profile import CLASSIC, LITE, MODELLED, PROFILES

PUBSUB, MQTT = "aws.greengrass.ipc.pubsub", "aws.greengrass.ipc.mqttproxy"


def may(resource, *patterns, profile="classic", mqtt=False, interpolate=None) -> bool:
    service, operation = (MQTT, "PublishToIoTCore") if mqtt else (PUBSUB, "PublishToTopic")
    access = policy(service, [operation], list(patterns))
    return is_allowed(access, operation, resource, profile=PROFILES[profile], interpolate=interpolate)


@pytest.fixture(params=["classic", "lite"])
def profile(request):
    return request.param


def test_a_topic_is_itself_and_nothing_else(profile) -> None:
    assert may("a/b", "a/b", profile=profile)
    assert not may("a/b/c", "a/b", profile=profile)
    assert not may("a/b", "a/b/c", profile=profile)
    assert not may("a/b", profile=profile)


def test_a_star_stands_for_anything_slashes_included(profile) -> None:
    assert may("a/b/c", "a/*", profile=profile)
    assert may("a/b/c", "*", profile=profile)
    assert may("a/b/c", "a/*/c", profile=profile)
    assert may("a//c", "a/*/c", profile=profile)
    assert not may("b/a/", "a/*", profile=profile)
    assert not may("a/b/c/d", "a/*/c", profile=profile)


def test_an_escape_stands_for_the_character_itself(profile) -> None:
    assert may("a/*", "a/${*}", profile=profile)
    assert not may("a/b", "a/${*}", profile=profile)
    assert may("a/$b", "a/${$}b", profile=profile)


def test_mqtts_wildcards_count_towards_iot_core_only(profile) -> None:
    assert may("a/b/c", "a/+/c", profile=profile, mqtt=True)
    assert not may("a/b/b/c", "a/+/c", profile=profile, mqtt=True)
    assert may("a/b/c", "a/#", profile=profile, mqtt=True)
    assert may("anything/at/all", "#", profile=profile, mqtt=True)
    assert not may("a/b/c", "a/+/c", profile=profile)
    assert not may("a/b/c", "a/#", profile=profile)


def test_a_filter_covers_the_level_above_it_on_classic_only() -> None:
    assert may("a", "a/#", mqtt=True)
    assert not may("a", "a/#", mqtt=True, profile="lite")


def test_lite_takes_mqtts_wildcards_wherever_they_stand() -> None:
    assert may("a/bc/d", "a/b+/d", mqtt=True, profile="lite")
    assert may("a/bc/d", "a/b#", mqtt=True, profile="lite")
    assert not may("a/bc/d", "a/b+/d", mqtt=True)
    assert not may("a/bc/d", "a/b#", mqtt=True)


def test_a_star_and_a_level_work_together_on_classic_only() -> None:
    assert may("a/b/c/d", "a/+/*", mqtt=True)
    assert not may("a/b/c/d", "a/+/*", mqtt=True, profile="lite")


def test_a_filter_that_is_asked_for_is_a_resource_like_any(profile) -> None:
    assert may("a/+/c", "a/+/c", profile=profile, mqtt=True)
    assert may("a/+/c", "a/#", profile=profile, mqtt=True)
    assert may("a/+/c", "a/*", profile=profile)


def test_a_policy_is_for_its_operations_and_a_star_for_all() -> None:
    one, every = policy(PUBSUB, ["PublishToTopic"], ["*"]), policy(PUBSUB, ["*"], ["*"])

    assert not is_allowed(one, "SubscribeToTopic", "t", profile=CLASSIC)
    assert is_allowed(every, "SubscribeToTopic", "t", profile=CLASSIC)


def test_one_of_many_policies_is_enough() -> None:
    access = {
        PUBSUB: {
            "c:1": {"operations": ["aws.greengrass#PublishToTopic"], "resources": ["a"]},
            "c:2": {"operations": ["aws.greengrass#PublishToTopic"], "resources": ["b"]},
        }
    }
    assert all(is_allowed(access, "PublishToTopic", topic, profile=LITE) for topic in ("a", "b"))


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"operations": ["*"]},
        {"resources": ["*"]},
        {"operations": [], "resources": ["*"]},
        {"operations": "*", "resources": ["*"]},
        {"operations": ["aws.greengrass#PublishToTopics"], "resources": ["*"]},
        "nothing",
    ],
)
def test_a_policy_that_is_not_whole_allows_nothing(broken, profile) -> None:
    access = {PUBSUB: {"c:1": broken}}

    assert not is_allowed(access, "PublishToTopic", "t", profile=PROFILES[profile])


def test_under_another_service_a_policy_allows_nothing() -> None:
    access = policy(PUBSUB, ["*"], ["*"])

    assert not is_allowed(access, "PublishToIoTCore", "t", profile=CLASSIC)


def test_what_concerns_a_component_alone_needs_no_policy() -> None:
    free = {operation for operation in MODELLED if not service_of(operation)}

    assert {"GetConfiguration", "UpdateState", "SubscribeToComponentUpdates", "DeferComponentUpdate"} <= free
    assert "PublishToTopic" not in free


def test_lite_replaces_recipe_variables_and_classic_does_not() -> None:
    known = {"iot:thingName": "press-3"}.get

    assert may("fleet/press-3", "fleet/{iot:thingName}", profile="lite", interpolate=known)
    assert not may("fleet/press-3", "fleet/{iot:other}", profile="lite", interpolate=known)
    assert not may("fleet/press-3", "fleet/{iot:thingName}", profile="classic", interpolate=known)


def test_lite_never_allows_a_question_mark_or_another_escape() -> None:
    assert not may("a?", "*", profile="lite")
    assert not may("a${b}", "*", profile="lite")
    assert may("a${*}", "*", profile="lite")
    assert may("a?", "*", profile="classic")


def test_lite_holds_4096_bytes_of_a_services_policies() -> None:
    topics = [f"fleet/press-3/{'x' * 80}/{number}" for number in range(40)]
    access = policy(PUBSUB, ["PublishToTopic"], topics)
    assert decoded_bytes(access[PUBSUB]) > 4096

    assert not is_allowed(access, "PublishToTopic", topics[0], profile=LITE)
    assert is_allowed(access, "PublishToTopic", topics[0], profile=CLASSIC)


segment = st.text("ab$+#*/?{}.", max_size=8)


@given(topic=st.text("ab/.$", min_size=1, max_size=12))
def test_a_topic_without_wildcards_is_allowed_by_itself(topic) -> None:
    plain = topic.replace("$", "${$}")

    assert may(topic, plain)
    assert may(topic, plain, mqtt=True)


@given(pattern=st.text("ab/.*", max_size=10), resource=st.text("ab/.", max_size=10))
def test_a_pattern_of_stars_is_a_glob(pattern, resource) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), resource, re.DOTALL) is not None

    assert may(resource, pattern) is expected
    assert may(resource, pattern, profile="lite") is expected


@given(pattern=segment, resource=segment, mqtt=st.booleans(), profile=st.sampled_from(["classic", "lite"]))
def test_no_pattern_and_no_resource_break_it(pattern, resource, mqtt, profile) -> None:
    allowed = may(resource, pattern, profile=profile, mqtt=mqtt)

    assert allowed or not (pattern == "*" and "?" not in resource and "${" not in resource)


@given(levels=st.lists(st.sampled_from(["a", "b", "cc"]), min_size=1, max_size=5), data=st.data())
def test_what_mqtt_matches_iot_cores_policy_allows(levels, data) -> None:
    topic = "/".join(levels)
    replaced = ["+" if data.draw(st.booleans()) else level for level in levels]
    cut = data.draw(st.integers(0, len(levels)))
    for pattern in ("/".join(replaced), "/".join([*replaced[:cut], "#"])):
        assert may(topic, pattern, mqtt=True)
        assert may(topic, pattern, mqtt=True, profile="lite") is (cut < len(levels) or pattern.count("#") == 0)
