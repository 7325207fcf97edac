"""A nucleus's bad days, as the unmodified SDK sees them."""

import time

import pytest
from awscrt.exceptions import AwsCrtError
from awsiot.eventstreamrpc import AccessDeniedError
from awsiot.greengrasscoreipc import model

from tests.twin.nucleus.conftest import until

GONE = (RuntimeError, AwsCrtError)  # the SDK's own errors, and those of the library below it


def publish(client, topic="t", timeout=10.0):
    message = model.PublishMessage(binary_message=model.BinaryMessage(message=b"x"))
    return client.publish_to_topic_async(topic=topic, publish_message=message).result(timeout)


def listen(client, topic="t"):
    heard: list = []
    client.subscribe_to_topic(topic=topic, on_stream_event=heard.append)
    return heard


def test_a_server_that_goes_breaks_every_connection_and_comes_back_with_a_new_socket(site) -> None:
    token = site.registry.add("c", {})
    site.connect(token)
    client = site.component("d")
    site.ipc.stop()

    assert not site.ipc.path.exists()
    with pytest.raises(GONE):
        publish(client)
    site.ipc.start()
    site.connect(token)
    until(lambda: site.ipc.connections == 3)


def test_an_unknown_token_is_refused_as_each_nucleus_does(site) -> None:
    with pytest.raises(AwsCrtError if site.profile.is_lite else AccessDeniedError):
        site.connect("of an earlier start")

    until(lambda: site.ipc.refused == 1)


def test_every_token_is_refused_on_request(site) -> None:
    token = site.registry.add("c")
    site.ipc.faults.refuse_tokens()
    with pytest.raises(GONE):
        site.connect(token)
    site.ipc.faults.refuse_tokens(on=False)

    site.connect(token)


def test_answers_are_late_on_request(site) -> None:
    client = site.component("c")
    site.ipc.faults.delay(0.3)
    began_s = time.monotonic()
    publish(client)
    assert time.monotonic() - began_s >= 0.3
    site.ipc.faults.delay(0)
    publish(client)


def test_a_mute_nucleus_answers_nothing_and_says_nothing(site) -> None:
    client = site.component("c")
    heard = listen(client)
    site.ipc.faults.mute()
    with pytest.raises(TimeoutError):
        publish(client, timeout=0.3)
    assert heard == []
    site.ipc.faults.unmute()
    publish(client)

    until(lambda: len(heard) == 1)


def test_one_operation_can_be_mute(site) -> None:
    client = site.component("c")
    site.ipc.faults.mute("PublishToTopic")
    with pytest.raises(TimeoutError):
        publish(client, timeout=0.3)

    assert client.get_configuration().value == {}


def test_one_operation_can_fail(site) -> None:
    client = site.component("c")
    site.ipc.faults.fail("PublishToTopic", "ServiceError")
    with pytest.raises(model.ServiceError):
        publish(client)
    site.ipc.faults.fail("PublishToTopic", "")

    publish(client)


def test_a_subscription_can_die_without_a_word(site) -> None:
    dead, alive = site.component("dead"), site.component("alive")
    unheard, heard = listen(dead), listen(alive)
    assert site.ipc.drop_subscriptions("dead") == 1
    publish(alive)

    until(lambda: len(heard) == 1)
    assert unheard == []
    assert site.ipc.losses["events"] == 1
    again = listen(dead)
    publish(alive)
    until(lambda: len(again) == 1)


def test_the_nucleus_can_end_subscriptions_and_say_so(site) -> None:
    client = site.component("c")
    ended: list = []
    client.subscribe_to_topic(
        topic="t", on_stream_event=lambda _: None, on_stream_closed=lambda: ended.append("closed")
    )
    site.ipc.end_subscriptions()

    until(lambda: ended == ["closed"])
    assert site.ipc.subscribed == 0


def test_the_lite_nucleus_has_room_for_fifty(lite) -> None:
    token = lite.registry.add("c")
    for _ in range(50):
        lite.connect(token)

    with pytest.raises(GONE):
        lite.connect(token)
