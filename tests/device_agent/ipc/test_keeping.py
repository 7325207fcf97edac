"""A nucleus's bad days, by each wire against the emulator: nothing hangs, nothing stays silent."""

import threading
import time
from collections.abc import Iterator

import pytest

from device_agent.ipc import operations as ops
from device_agent.ipc.errors import LostError, ServiceRefusedError
from device_agent.ipc.port import CLOSE_S
from tests.device_agent.ipc.places import WAIT_S, WIRES, Emulated, emulated, until

ANSWER_S = 0.5
EVERY_S = 0.3


@pytest.fixture(params=[(wire, profile) for wire in WIRES for profile in ("classic", "lite")], ids="-".join)
def scene(request: pytest.FixtureRequest) -> Iterator[Emulated]:
    with emulated(*request.param, answer_s=ANSWER_S, resubscribe_every_s=EVERY_S) as one:
        yield one


@pytest.fixture(params=list(WIRES))
def patient(request: pytest.FixtureRequest) -> Iterator[Emulated]:
    """It waits for answers, and renews, as in the field."""
    with emulated(request.param, "classic") as one:
        yield one


def test_a_subscription_that_died_without_a_word_is_made_anew(scene: Emulated) -> None:
    heard: list[bytes] = []
    scene.nucleus.subscribe(ops.SubscribeToIoTCore("t"), lambda event: heard.append(event.payload))
    scene.open()
    assert scene.ipc.drop_subscriptions() == 1
    until(lambda: scene.ipc.subscribed == 1)
    scene.say("t", b"x")
    until(lambda: b"x" in heard)

    assert scene.connects == 1


def test_a_subscription_that_the_nucleus_ended_is_made_anew(patient: Emulated) -> None:
    heard: list[bytes] = []
    patient.nucleus.subscribe(ops.SubscribeToIoTCore("t"), lambda event: heard.append(event.payload))
    patient.open()
    patient.ipc.end_subscriptions()
    until(lambda: patient.ipc.subscribed == 1)
    patient.say("t", b"x")
    until(lambda: heard == [b"x"])

    assert patient.connects == 1


def test_what_is_asked_anew_leaves_one_subscription_and_loses_nothing(scene: Emulated) -> None:
    heard: list[int] = []
    scene.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda event: heard.append(int(event.message)))
    scene.open()
    for number in range(100):
        scene.ask(ops.PublishToTopic("t", b"%d" % number))
        time.sleep(EVERY_S / 30)
    until(lambda: bool(heard) and heard[-1] == 99)
    until(lambda: scene.ipc.subscribed == 1)

    assert sorted(set(heard)) == list(range(100))
    assert heard == sorted(heard), "a copy may come, but nothing overtakes"


def test_two_answers_to_one_deployment_are_never_asked_for(patient: Emulated) -> None:
    patient.nucleus.subscribe(ops.SubscribeToComponentUpdates(), lambda _: None)
    assert not ops.SubscribeToComponentUpdates.is_renewed
    patient.open()

    assert patient.ipc.subscribed == 1


def test_a_mute_nucleus_fails_every_call_in_time_and_is_left(scene: Emulated) -> None:
    scene.open()
    scene.ipc.faults.mute("PublishToTopic")
    calls = [scene.nucleus.call(ops.PublishToTopic("t", b"x")) for _ in range(3)]
    for call in calls:
        with pytest.raises(LostError, match=r"PublishToTopic on t.*no answer"):
            call.result(WAIT_S)
    scene.ipc.faults.unmute()
    until(lambda: scene.connects == 2)
    scene.ask(ops.PublishToTopic("t", b"x"))


def test_a_nucleus_that_goes_fails_what_is_on_the_way(patient: Emulated) -> None:
    patient.open()
    patient.ipc.faults.mute("PublishToTopic")
    call = patient.nucleus.call(ops.PublishToTopic("t", b"x"))
    patient.stop()

    with pytest.raises(LostError):
        call.result(WAIT_S)


@pytest.mark.parametrize("is_open", [True, False], ids=["connected", "in the handshake"])
def test_closing_ends_in_time_though_the_nucleus_is_mute(patient: Emulated, *, is_open: bool) -> None:
    patient.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda _: None)
    if is_open:
        patient.open()
    patient.ipc.faults.mute()
    if not is_open:
        patient.nucleus.open(patient.told.append)
    call = patient.nucleus.call(ops.PublishToTopic("t", b"x"))
    began_s = time.monotonic()
    patient.nucleus.close()

    assert time.monotonic() - began_s < CLOSE_S
    assert isinstance(call.exception(0), LostError)


def test_closing_does_not_wait_for_a_listener_that_hangs() -> None:
    with emulated("thin", "lite") as scene:
        _close_while_a_listener_hangs(scene)


def _close_while_a_listener_hangs(scene: Emulated) -> None:
    started, go = threading.Event(), threading.Event()

    def hang(_: ops.TopicMessage) -> None:
        started.set()
        go.wait(WAIT_S)

    scene.nucleus.subscribe(ops.SubscribeToTopic("t"), hang)
    scene.open()
    scene.ask(ops.PublishToTopic("t", b"x"))
    assert started.wait(WAIT_S)
    began_s = time.monotonic()
    scene.nucleus.close()
    took_s = time.monotonic() - began_s
    go.set()

    assert took_s < CLOSE_S


def test_a_token_that_a_new_server_does_not_know_ends_the_process(patient: Emulated) -> None:
    patient.open()
    patient.stop()
    patient.registry.tokens.clear()
    patient.start()
    until(lambda: patient.denied == 1)


def test_an_offline_lite_nucleus_refuses_a_publish_and_stays_connected(scene: Emulated) -> None:
    scene.open()
    scene.ipc.go_offline()
    if scene.is_lite:
        with pytest.raises(ServiceRefusedError):
            scene.ask(ops.PublishToIoTCore("t", b"x"))
    else:
        scene.ask(ops.PublishToIoTCore("t", b"x"))  # the spooler took it

    assert scene.connects == 1


def test_what_is_too_large_for_the_lite_nucleus_costs_the_connection_and_no_more(scene: Emulated) -> None:
    scene.open()
    call = scene.nucleus.call(ops.PublishToTopic("t", bytes(10_000)))
    if scene.is_lite:
        with pytest.raises(LostError):
            call.result(WAIT_S)
        until(lambda: scene.connects == 2)
    else:
        call.result(WAIT_S)
    scene.ask(ops.PublishToTopic("t", b"x"))
