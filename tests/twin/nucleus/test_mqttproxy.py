"""IoT Core through the nucleus, as the SDK's examples use it, and what each nucleus does while it is away."""

from concurrent.futures import Future

import pytest
from awsiot.greengrasscoreipc import model

from tests.twin.nucleus.conftest import EVERYTHING, LateBroker, Site, policy, until
from twin.nucleus.broker import MemoryBroker, Message

QOS0, QOS1 = model.QOS.AT_MOST_ONCE, model.QOS.AT_LEAST_ONCE


def listen(client, topic):
    heard: list = []
    client.subscribe_to_iot_core(topic_name=topic, qos=QOS1, on_stream_event=heard.append)
    return heard


def publish(client, topic, payload=b"x", qos=QOS1):
    client.publish_to_iot_core(topic_name=topic, qos=qos, payload=payload)


def test_what_is_published_reaches_iot_core(site) -> None:
    publish(site.component("c"), "fleet/press-3/events", b"\x00\xff")

    until(lambda: len(site.broker.published) == 1)
    assert site.broker.published[0][:3] == ("fleet/press-3/events", b"\x00\xff", 1)


def test_what_iot_core_says_is_heard_through_wildcards_too(site) -> None:
    client = site.component("c")
    exact, one, many = listen(client, "a/b"), listen(client, "a/+"), listen(client, "a/#")
    site.broker.say("a/b", b"1")
    site.broker.say("a/b/c", b"2")

    until(lambda: len(many) == 2)
    until(lambda: len(exact) == len(one) == 1)
    assert exact[0].message.topic_name == "a/b"
    assert sorted(event.message.payload for event in many) == [b"1", b"2"]


def test_what_a_message_carries_beside_its_payload_is_passed_on_by_classic_alone(site) -> None:
    client = site.component("c")
    heard = listen(client, "t")
    client.publish_to_iot_core(
        topic_name="t",
        qos=QOS1,
        payload=b"x",
        retain=True,
        user_properties=[model.UserProperty(key="a", value="1")],
        correlation_data=b"\x00c",
        response_topic="answers",
        content_type="text/plain",
        message_expiry_interval_seconds=60,
    )

    until(lambda: len(heard) == 1)
    message = heard[0].message
    if site.profile.is_lite:
        assert (message.retain, message.user_properties, message.correlation_data) == (None, None, None)
    else:
        assert [(each.key, each.value) for each in message.user_properties] == [("a", "1")]
        assert (message.retain, message.correlation_data, message.response_topic) == (True, b"\x00c", "answers")
        assert (message.payload_format, message.content_type) == ("0", None), "classic leaves a content type out"
        assert site.broker.published[0].properties.message_expiry_interval_seconds == 60


def test_policies_name_topics_and_may_use_mqtts_wildcards(site) -> None:
    access = policy("aws.greengrass.ipc.mqttproxy", ["PublishToIoTCore"], ["fleet/+/events", "jobs/#"])
    client = site.component("c", access)
    publish(client, "fleet/press-3/events")
    publish(client, "jobs/press-3/get")

    for topic in ("fleet/press-3/context", "fleet/a/b/events"):
        with pytest.raises(model.UnauthorizedError):
            publish(client, topic)
    with pytest.raises(model.UnauthorizedError):
        listen(client, "jobs/x")


def test_on_classic_qos_1_waits_for_iot_core_and_qos_0_does_not(classic) -> None:
    client = classic.component("c")
    publish(client, "t", b"before")
    until(lambda: len(classic.broker.published) == 1)
    classic.ipc.go_offline()
    publish(client, "t", b"1")
    publish(client, "t", b"2")
    with pytest.raises(model.ServiceError) as caught:
        publish(client, "t", b"3", QOS0)
    assert "offline" in caught.value.message
    assert classic.ipc.spooled_bytes == 2
    classic.ipc.go_online()

    until(lambda: len(classic.broker.published) == 3)
    until(lambda: classic.ipc.spooled_bytes == 0)
    assert [message.payload for message in classic.broker.published] == [b"before", b"1", b"2"]


def test_on_classic_a_full_spooler_refuses_what_is_new(classic) -> None:
    client = classic.component("c")
    classic.ipc.go_offline()
    for _ in range(26):
        publish(client, "t", bytes(100_000))

    with pytest.raises(model.ServiceError) as caught:
        publish(client, "t", bytes(100_000))
    assert "spool is full" in caught.value.message
    assert classic.ipc.spooled_bytes == 2_600_000


def test_on_classic_what_aws_would_refuse_is_refused(classic) -> None:
    client = classic.component("c")
    for topic, payload in (("t", bytes(128 * 1024)), ("a/b/c/d/e/f/g/h/i", b""), ("a/#", b""), ("t" * 257, b"")):
        with pytest.raises(model.ServiceError):
            publish(client, topic, payload)
    publish(client, "$aws/rules/any/a/b/c/d/e/f/g/h")
    with pytest.raises(model.InvalidArgumentsError):
        client.publish_to_iot_core(topic_name="t", qos=QOS1)


def test_on_lite_nothing_waits_for_iot_core(lite) -> None:
    client = lite.component("c")
    listen(client, "t")
    lite.ipc.go_offline()
    with pytest.raises(model.ServiceError) as caught:
        publish(client, "t")
    assert caught.value.message is None
    lite.ipc.go_online()
    publish(client, "t", b"now")

    until(lambda: [message.payload for message in lite.broker.published] == [b"now"])


def test_no_nucleus_subscribes_while_iot_core_is_away(site) -> None:
    client = site.component("c")
    site.ipc.go_offline()

    with pytest.raises(model.ServiceError):
        listen(client, "t")


def test_on_lite_a_large_message_of_iot_core_is_lost(lite) -> None:
    heard = listen(lite.component("c"), "t")
    lite.broker.say("t", bytes(5_000))
    lite.broker.say("t", b"small")

    until(lambda: [event.message.payload for event in heard] == [b"small"])
    assert lite.ipc.losses == {"events": 0, "too_large": 1, "given_up": 0}


def test_on_classic_a_large_message_of_iot_core_arrives(classic) -> None:
    heard = listen(classic.component("c"), "t")
    classic.broker.say("t", bytes(100_000))

    until(lambda: [len(event.message.payload) for event in heard] == [100_000])


def test_on_lite_a_message_above_its_limit_ends_the_connection(lite) -> None:
    client = lite.component("c")
    publish(client, "t", bytes(7_000))

    with pytest.raises(RuntimeError):  # StreamClosedError or ConnectionClosedError
        publish(client, "t", bytes(8_000))


@pytest.fixture(params=["classic", "lite"])
def alone(request, folder):
    """A nucleus of a device that is not provisioned."""
    one = Site(folder, request.param, broker=None)
    with one.ipc:
        yield one
        one.close()


def test_without_any_iot_core_nothing_is_published(alone) -> None:
    with pytest.raises(model.ServiceError) as caught:
        publish(alone.component("c"), "t")

    if not alone.profile.is_lite:
        assert "configured to run offline" in caught.value.message


def test_without_any_iot_core_nothing_is_subscribed_to(alone) -> None:
    with pytest.raises(model.ServiceError) as caught:
        listen(alone.component("c"), "t")

    if not alone.profile.is_lite:
        assert "not configured to connect" in caught.value.message


def ask(client, topic):
    heard: list = []
    answer, _ = client.subscribe_to_iot_core_async(topic_name=topic, qos=QOS1, on_stream_event=heard.append)
    return heard, answer


def test_before_its_first_connection_classic_answers_no_subscription(folder) -> None:
    broker = LateBroker()
    one = Site(folder, "classic", broker=broker)
    with one.ipc:
        client = one.component("c")
        heard, answer = ask(client, "t")
        leaving = one.component("leaving")
        ask(leaving, "other")
        leaving.close()
        publish(client, "t", b"waits")
        assert not answer.done()
        broker.arrive()
        answer.result(10)
        assert one.ipc.subscribed == 1
        broker.say("t", b"x")
        until(lambda: [event.message.payload for event in heard][-1:] == [b"x"])
        one.close()


def test_before_its_first_connection_lite_refuses(folder) -> None:
    one = Site(folder, "lite", broker=LateBroker())
    with one.ipc:
        with pytest.raises(model.ServiceError):
            listen(one.component("c"), "t")
        one.close()


def test_on_classic_what_another_hears_already_is_subscribed_to_at_any_time(classic) -> None:
    first = listen(classic.component("a"), "t/#")
    classic.ipc.go_offline()
    second = listen(classic.component("b"), "t/x")
    with pytest.raises(model.ServiceError):
        listen(classic.component("c"), "u")
    classic.ipc.go_online()
    until(lambda: classic.ipc.is_online)
    classic.broker.say("t/x", b"x")

    until(lambda: len(first) == len(second) == 1)


def test_on_classic_a_filter_that_aws_would_refuse_is_refused(classic) -> None:
    client = classic.component("c")
    for topic in ("a/b/c/d/e/f/g/h/+", "t" * 257):
        with pytest.raises(model.ServiceError):
            listen(client, topic)


def test_on_lite_a_policy_may_hold_recipe_variables(lite) -> None:
    resources = ["fleet/{iot:thingName}/events", "line/{configuration:/line}"]
    access = policy("aws.greengrass.ipc.mqttproxy", ["PublishToIoTCore"], resources)
    client = lite.component("c", access, {"line": "7"})
    publish(client, "fleet/press-3/events")
    publish(client, "line/7")

    with pytest.raises(model.UnauthorizedError):
        publish(client, "line/8")


def test_on_lite_ten_publishes_may_be_unacknowledged(folder) -> None:
    broker = SlowBroker()
    one = Site(folder, "lite", broker=broker)
    with one.ipc:
        client = one.component("c")
        for _ in range(10):
            publish(client, "t")
        with pytest.raises(model.ServiceError):
            publish(client, "t")
        broker.acknowledge()
        until(lambda: _passes(client))
        one.close()


def _passes(client) -> bool:
    try:
        publish(client, "t")
    except model.ServiceError:
        return False
    return True


class SlowBroker(MemoryBroker):
    """Takes everything and acknowledges when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Future[None]] = []

    def publish(self, message: Message) -> Future[None]:
        done: Future[None] = Future()
        self.published.append(message)
        self._waiting.append(done)
        return done

    def acknowledge(self) -> None:
        for done in self._waiting:
            done.set_result(None)
        self._waiting.clear()


def test_on_classic_five_are_in_flight_and_the_rest_waits_in_order(folder) -> None:
    broker = SlowBroker()
    one = Site(folder, "classic", broker=broker)
    with one.ipc:
        client = one.component("c")
        for number in range(12):
            publish(client, "t", b"%d" % number)
        until(lambda: len(broker.published) == 5)
        assert one.ipc.spooled_bytes == 14
        while len(broker.published) < 12:
            broker.acknowledge()
        broker.acknowledge()
        until(lambda: one.ipc.spooled_bytes == 0)
        assert [message.payload for message in broker.published] == [b"%d" % number for number in range(12)]
        one.close()


def test_who_may_everything_may(site) -> None:
    listen(site.component("c", EVERYTHING), "#")
