"""What every connection to a nucleus keeps."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from device_agent.ipc import operations as ops
from device_agent.ipc.errors import LostError, NotFoundError, UnauthorizedError, UnsupportedError, nucleus_error
from device_agent.ipc.memory import LITE_LACKS, MemoryHost, MemoryNucleus
from device_agent.ipc.port import QUEUED_EVENTS, Nucleus, Reached

WAIT_S = 20.0
COMPONENT = "io.thresher.Test"


class Scene:
    """One client, its nucleus, and what was told."""

    def __init__(self, nucleus: Nucleus, host: Any, denied: threading.Event) -> None:
        self.nucleus = nucleus
        self.host = host
        self.denied = denied
        self.told: list[Reached] = []

    def open(self) -> None:
        self.nucleus.open(self.told.append)
        until(lambda: self.connects == 1)

    @property
    def connects(self) -> int:
        return sum(each.connected for each in self.told)

    def restart(self) -> None:
        before = self.connects
        self.host.stop()
        until(lambda: not self.told[-1].connected)
        self.host.start()
        until(lambda: self.connects > before)

    def ask(self, request: ops.Request[Any]) -> Any:
        return self.nucleus.call(request).result(WAIT_S)


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(params=["classic", "lite"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    host, denied = MemoryHost(lacks=LITE_LACKS if request.param == "lite" else frozenset()), threading.Event()
    host.refuses = lambda _, asked: (
        nucleus_error(asked, error="UnauthorizedError", message="") if asked.subject == "forbidden" else None
    )
    host.configuration[COMPONENT] = {"rate": 5, "uplink": {"type": "greengrass"}}
    scene = Scene(MemoryNucleus(host, COMPONENT, on_denied=denied.set), host, denied)
    yield scene
    scene.nucleus.close()


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
    scene.host.say("t", b"x")
    until(lambda: bool(answers))

    assert answers[0].value == {"rate": 5}


def test_a_listener_that_fails_hears_the_next_event(scene: Scene) -> None:
    heard: list[bytes] = []

    def stumble(event: ops.IoTCoreMessage) -> None:
        heard.append(event.payload)
        raise ValueError("of this listener")

    scene.nucleus.subscribe(ops.SubscribeToIoTCore("t"), stumble)
    scene.open()
    scene.host.say("t", b"1")
    scene.host.say("t", b"2")
    until(lambda: heard == [b"1", b"2"])


def test_a_nucleus_that_restarts_is_found_again_and_heard_again(scene: Scene) -> None:
    heard: list[bytes] = []
    subscription = scene.nucleus.subscribe(ops.SubscribeToIoTCore("t"), lambda event: heard.append(event.payload))
    scene.open()
    scene.restart()
    until(lambda: subscription.stands)
    scene.host.say("t", b"again")
    until(lambda: heard == [b"again"])


def test_a_refused_token_is_said_once(scene: Scene) -> None:
    scene.host.denies = True
    scene.nucleus.open(scene.told.append)

    assert scene.denied.wait(WAIT_S)
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

    is_lacking = ops.SubscribeToComponentUpdates in scene.host.lacks
    assert isinstance(subscription.trouble, UnsupportedError) == is_lacking
    assert subscription.stands != is_lacking


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
    scene.host.say("t", b"x")

    assert heard == []
    with pytest.raises(LostError):
        scene.ask(ops.PublishToTopic("t", b"x"))
