"""Local messages, as the SDK's examples send and hear them, on both nuclei."""

import pytest
from awsiot.greengrasscoreipc import model

from tests.twin.nucleus.conftest import policy, until


def binary(payload: bytes) -> model.PublishMessage:
    return model.PublishMessage(binary_message=model.BinaryMessage(message=payload))


def listen(client, topic, **options):
    heard: list = []
    _, operation = client.subscribe_to_topic(topic=topic, on_stream_event=heard.append, **options)
    return heard, operation


def test_a_binary_message_reaches_who_subscribed(site) -> None:
    heard, _ = listen(site.component("listener"), "my/topic")
    site.component("talker").publish_to_topic(topic="my/topic", publish_message=binary(b"Hello, World!"))

    until(lambda: len(heard) == 1)
    assert heard[0].binary_message.message == b"Hello, World!"
    assert heard[0].binary_message.context.topic == "my/topic"


def test_a_json_message_stays_json(site) -> None:
    heard, _ = listen(site.component("listener"), "my/topic")
    message = model.PublishMessage(json_message=model.JsonMessage(message={"temperature": 21.5, "of": ["a", 1]}))
    site.component("talker").publish_to_topic(topic="my/topic", publish_message=message)

    until(lambda: len(heard) == 1)
    assert heard[0].json_message.message == {"temperature": 21.5, "of": ["a", 1]}


def test_many_messages_arrive_in_order(site) -> None:
    client = site.component("listener")
    client.executor = None  # one thread: the SDK's own pool mixes the order up
    heard: list[bytes] = []
    client.subscribe_to_topic(topic="t", on_stream_event=lambda event: heard.append(event.binary_message.message))
    talker = site.component("talker")
    for number in range(200):
        talker.publish_to_topic(topic="t", publish_message=binary(b"%d" % number))

    until(lambda: len(heard) == 200)
    assert heard == [b"%d" % number for number in range(200)]


def test_wildcards_hear_what_they_stand_for(site) -> None:
    listener = site.component("listener")
    one, _ = listen(listener, "a/+/c")
    many, _ = listen(listener, "a/#")
    talker = site.component("talker")
    for topic in ("a/b/c", "a/b/b/c", "b"):
        talker.publish_to_topic(topic=topic, publish_message=binary(topic.encode()))

    until(lambda: len(many) == 2)
    assert [event.binary_message.message for event in one] == [b"a/b/c"]


def test_a_component_hears_itself_on_a_topic(site) -> None:
    client = site.component("both")
    heard, _ = listen(client, "t")
    client.publish_to_topic(topic="t", publish_message=binary(b"x"))

    until(lambda: len(heard) == 1)


def test_on_classic_a_component_does_not_hear_itself_on_a_wildcard_by_default(classic) -> None:
    client = classic.component("both")
    wildcard, _ = listen(client, "+")
    asked, _ = listen(client, "+", receive_mode="RECEIVE_ALL_MESSAGES")
    refused, _ = listen(client, "t", receive_mode="RECEIVE_MESSAGES_FROM_OTHERS")
    client.publish_to_topic(topic="t", publish_message=binary(b"x"))

    until(lambda: len(asked) == 1)
    assert (wildcard, refused) == ([], [])


def test_on_lite_a_component_always_hears_itself(lite) -> None:
    client = lite.component("both")
    wildcard, _ = listen(client, "+")
    refused, _ = listen(client, "t", receive_mode="RECEIVE_MESSAGES_FROM_OTHERS")
    client.publish_to_topic(topic="t", publish_message=binary(b"x"))

    until(lambda: len(wildcard) == len(refused) == 1)


def test_a_closed_subscription_hears_nothing_more(site) -> None:
    heard, operation = listen(site.component("listener"), "t")
    operation.close().result(10)
    until(lambda: site.ipc.subscribed == 0)
    site.component("talker").publish_to_topic(topic="t", publish_message=binary(b"x"))

    assert heard == []


def test_without_a_policy_nothing_is_published_and_nothing_heard(site) -> None:
    only = policy("aws.greengrass.ipc.pubsub", ["PublishToTopic"], ["mine/*"])
    client = site.component("c", only)
    client.publish_to_topic(topic="mine/x", publish_message=binary(b"x"))

    with pytest.raises(model.UnauthorizedError) as published:
        client.publish_to_topic(topic="others/x", publish_message=binary(b"x"))
    with pytest.raises(model.UnauthorizedError):
        client.subscribe_to_topic(topic="mine/x", on_stream_event=print)
    if site.profile.is_lite:
        assert published.value.message is None, "the lite nucleus leaves it out"
    else:
        assert "others/x" in published.value.message


def test_on_classic_no_wildcard_is_published_to(classic) -> None:
    with pytest.raises(model.InvalidArgumentsError):
        classic.component("c").publish_to_topic(topic="a/+", publish_message=binary(b"x"))


def test_on_lite_a_topic_above_256_bytes_is_refused(lite) -> None:
    with pytest.raises(model.ServiceError):
        lite.component("c").publish_to_topic(topic="t" * 257, publish_message=binary(b"x"))
