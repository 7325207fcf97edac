"""What every connection to a nucleus keeps: in memory, and by each wire against the emulator, under both profiles."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from device_agent.ipc import operations as ops
from device_agent.ipc.errors import LostError, NotFoundError, UnauthorizedError, UnsupportedError
from device_agent.ipc.port import QUEUED_EVENTS, Reached
from tests.device_agent.ipc.places import COMPONENT, CONFIGURATION, WAIT_S, InMemory, Scene, emulated, until

KINDS = ("memory", "sdk", "thin")


@contextlib.contextmanager
def opened(kind: str, profile: str) -> Iterator[Scene]:
    if kind != "memory":
        with emulated(kind, profile) as scene:
            yield scene
        return
    one = InMemory(profile)
    yield one
    one.nucleus.close()


@pytest.fixture(params=[(kind, profile) for kind in KINDS for profile in ("classic", "lite")], ids="-".join)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with opened(*request.param) as one:
        yield one


@pytest.fixture(params=KINDS)
def classic(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """The nucleus that asks before it acts; the lite one does not."""
    with opened(request.param, "classic") as one:
        yield one


def test_a_call_without_a_connection_fails_at_once(scene: Scene) -> None:
    with pytest.raises(LostError, match="not connected"):
        scene.nucleus.call(ops.PublishToTopic("t", b"x")).result(0)


def test_what_is_published_is_heard_in_order_though_listening_is_slow(scene: Scene) -> None:
    heard: list[bytes] = []

    def slowly(event: ops.TopicMessage) -> None:
        time.sleep(0.0005)
        heard.append(event.message)

    scene.nucleus.subscribe(ops.SubscribeToTopic("t"), slowly)
    scene.open()
    sent = [b"%d" % number for number in range(QUEUED_EVENTS)]
    for each in sent:
        scene.ask(ops.PublishToTopic("t", each))
    until(lambda: len(heard) == len(sent))

    assert heard == sent


def test_a_listener_may_call_and_wait(scene: Scene) -> None:
    answers: list[Any] = []
    scene.nucleus.subscribe(
        ops.SubscribeToIoTCore("t"), lambda _: answers.append(scene.ask(ops.GetConfiguration(("rate",))))
    )
    scene.open()
    scene.say("t", b"x")
    until(lambda: bool(answers))

    assert answers[0].value == {"rate": 5}


def test_a_listener_that_fails_hears_the_next_event(scene: Scene) -> None:
    heard: list[bytes] = []

    def stumble(event: ops.IoTCoreMessage) -> None:
        heard.append(event.payload)
        raise ValueError("of this listener")

    scene.nucleus.subscribe(ops.SubscribeToIoTCore("t"), stumble)
    scene.open()
    scene.say("t", b"1")
    scene.say("t", b"2")
    until(lambda: heard == [b"1", b"2"])


def test_a_nucleus_that_restarts_is_found_again_and_heard_again(scene: Scene) -> None:
    heard: list[bytes] = []
    subscription = scene.nucleus.subscribe(ops.SubscribeToIoTCore("t"), lambda event: heard.append(event.payload))
    scene.open()
    scene.restart()
    until(lambda: subscription.stands)
    scene.say("t", b"again")
    until(lambda: heard == [b"again"])


def test_a_refused_token_is_said_once_and_not_asked_for_ever(scene: Scene) -> None:
    scene.deny()
    scene.nucleus.open(scene.told.append)
    until(lambda: scene.denied > 0)
    said = len(scene.told)
    time.sleep(0.3)

    assert scene.denied == 1
    assert len(scene.told) == said
    assert "token" in scene.told[-1].reason


def test_what_the_recipe_does_not_grant_names_topic_and_remedy(scene: Scene) -> None:
    scene.open()
    with pytest.raises(UnauthorizedError, match=r"PublishToIoTCore.*forbidden") as caught:
        scene.ask(ops.PublishToIoTCore("forbidden", b"x"))
    assert "accessControl" in caught.value.remedy
    assert "forbidden" in caught.value.remedy


def test_a_subscription_that_is_not_granted_says_so(scene: Scene) -> None:
    scene.open()
    subscription = scene.nucleus.subscribe(ops.SubscribeToTopic("forbidden"), lambda _: None)
    until(lambda: subscription.trouble is not None)

    assert isinstance(subscription.trouble, UnauthorizedError)
    assert not subscription.stands
    assert scene.told[-1].connected


def test_an_operation_that_this_nucleus_lacks_is_unsupported(scene: Scene) -> None:
    scene.open()
    subscription = scene.nucleus.subscribe(ops.SubscribeToComponentUpdates(), lambda _: None)
    until(lambda: subscription.stands or subscription.trouble is not None)

    assert isinstance(subscription.trouble, UnsupportedError) == scene.is_lite
    assert subscription.stands != scene.is_lite
    assert scene.told[-1].connected


def test_a_key_that_is_not_there_is_not_found(scene: Scene) -> None:
    scene.open()
    assert scene.ask(ops.GetConfiguration()).value["uplink"] == {"type": "greengrass"}
    with pytest.raises(NotFoundError, match="GetConfiguration"):
        scene.ask(ops.GetConfiguration(("nowhere",)))


def test_a_change_of_configuration_is_heard(scene: Scene) -> None:
    heard: list[ops.ConfigurationUpdate] = []
    scene.nucleus.subscribe(ops.SubscribeToConfigurationUpdate(), heard.append)
    scene.open()
    scene.ask(ops.UpdateConfiguration({"rate": 9}, time.time()))
    until(lambda: bool(heard))

    assert scene.ask(ops.GetConfiguration(("rate",))).value == {"rate": 9}
    assert heard[0].component_name == COMPONENT


def test_what_a_listener_has_no_time_for_is_dropped_and_counted(scene: Scene) -> None:
    started, go, heard = threading.Event(), threading.Event(), []

    def stuck(event: ops.TopicMessage) -> None:
        heard.append(event.message)
        started.set()
        go.wait(WAIT_S)

    subscription = scene.nucleus.subscribe(ops.SubscribeToTopic("t"), stuck)
    scene.open()
    scene.ask(ops.PublishToTopic("t", b"first"))
    assert started.wait(WAIT_S)
    for _ in range(QUEUED_EVENTS + 3):
        scene.ask(ops.PublishToTopic("t", b"x"))
    until(lambda: subscription.unheard == 3)
    subscription.close()
    go.set()

    assert scene.nucleus.unheard == 3
    assert heard == [b"first"]


def test_closing_is_idempotent_and_nothing_is_heard_afterwards(scene: Scene) -> None:
    heard: list[bytes] = []
    scene.nucleus.subscribe(ops.SubscribeToIoTCore("t"), lambda event: heard.append(event.payload))
    scene.open()
    scene.nucleus.close()
    scene.nucleus.close()
    scene.say("t", b"x")

    assert heard == []
    with pytest.raises(LostError):
        scene.ask(ops.PublishToTopic("t", b"x"))


def test_a_call_that_this_nucleus_lacks_is_unsupported(scene: Scene) -> None:
    scene.open()
    if scene.is_lite:
        with pytest.raises(UnsupportedError, match="GetSecretValue on key"):
            scene.ask(ops.GetSecretValue("key"))
    else:
        assert scene.ask(ops.GetSecretValue("key")).value == b"value"


def test_a_deployment_hears_how_long_to_wait(classic: Scene) -> None:
    classic.nucleus.subscribe(
        ops.SubscribeToComponentUpdates(),
        lambda event: None if event.is_done else classic.ask(ops.DeferComponentUpdate(event.deployment_id, 7_000)),
    )
    classic.open()

    assert classic.update() == 7_000


def test_a_deployment_hears_why_a_configuration_is_rejected(classic: Scene) -> None:

    def judge(event: ops.ValidateConfiguration) -> None:
        said = f"rate is {event.configuration['rate']}"
        classic.ask(ops.SendConfigurationValidityReport(event.deployment_id, "REJECTED", said))

    classic.nucleus.subscribe(ops.SubscribeToValidateConfigurationUpdates(), judge)
    classic.open()

    assert "rate is -1" in classic.validate({"rate": -1})


def test_whoever_asks_later_is_told_how_it_is_and_what_comes(scene: Scene) -> None:
    scene.open()
    told: list[Reached] = []
    scene.nucleus.open(told.append)
    assert [each.connected for each in told] == [True]
    scene.restart()

    assert [each.connected for each in told][-1]
    assert not all(each.connected for each in told)


def test_what_is_subscribed_while_connected_is_heard_too(scene: Scene) -> None:
    heard: list[bytes] = []
    scene.open()
    subscription = scene.nucleus.subscribe(ops.SubscribeToIoTCore("t"), lambda event: heard.append(event.payload))
    until(lambda: subscription.stands)
    scene.say("t", b"x")
    until(lambda: heard == [b"x"])


def test_a_closed_subscription_hears_nothing_and_others_go_on(scene: Scene) -> None:
    closed: list[bytes] = []
    heard: list[bytes] = []
    one = scene.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda event: closed.append(event.message))
    scene.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda event: heard.append(event.message))
    scene.open()
    one.close()
    one.close()
    scene.ask(ops.PublishToTopic("t", b"x"))
    until(lambda: heard == [b"x"])

    assert closed == []
    assert not one.stands


def test_bytes_of_every_kind_arrive_as_they_were_sent(scene: Scene) -> None:
    heard: list[bytes] = []
    everything = bytes(range(256)) * 8
    scene.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda event: heard.append(event.message))
    scene.open()
    scene.ask(ops.PublishToTopic("t", everything))
    scene.ask(ops.PublishToTopic("t", b""))
    until(lambda: len(heard) == 2)

    assert heard == [everything, b""]


def test_many_threads_ask_at_once_and_each_gets_its_own_answer(scene: Scene) -> None:
    scene.open()
    answers: dict[int, Any] = {}

    def ask(number: int) -> None:
        path = ("rate",) if number % 2 else ("uplink", "type")
        answers[number] = [scene.ask(ops.GetConfiguration(path)).value for _ in range(20)]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)

    assert answers == {
        number: [{"rate": CONFIGURATION["rate"]} if number % 2 else {"type": "greengrass"}] * 20 for number in range(6)
    }
