"""What is kept of a connection, over a wire that does as it is told."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from device_agent.ipc import operations as ops
from device_agent.ipc.errors import LostError, ServiceRefusedError, UnsupportedError
from device_agent.ipc.kept import CLOSED_TIMES, KeptNucleus
from device_agent.ipc.pending import MOST
from device_agent.ipc.port import Reached
from device_agent.ipc.wire import End, HandshakeClosedError, Outcome, StreamListener, TokenRefusedError
from tests.device_agent.ipc.places import until

EVERY_S = 0.3
ANSWER_S = 0.4


class Asked:
    def __init__(self, request: Any, answered: Callable[[Outcome], None], listener: Any) -> None:
        self.request = request
        self.answer = answered
        self.listener = listener
        self.ended = 0


class ScriptedWire:
    """Connects as ``outcomes`` say, then for ever; answers subscriptions with ``says``, and calls never."""

    def __init__(self) -> None:
        self.outcomes: list[Exception] = []
        self.says: Outcome | None = ops.Answer()
        self.connections: list[Callable[[], None]] = []
        self.asked: list[Asked] = []

    def connect(self, ended: Callable[[], None]) -> None:
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.connections.append(ended)

    def ask(self, request: Any, answered: Callable[[Outcome], None], listener: StreamListener | None = None) -> End:
        asked = Asked(request, answered, listener)
        self.asked.append(asked)
        if listener is not None and self.says is not None:
            answered(self.says)

        def end() -> None:
            asked.ended += 1

        return end

    def disconnect(self) -> None:
        """Nothing is left to end."""


class Scene:
    def __init__(self) -> None:
        self.wire = ScriptedWire()
        self.denials: list[None] = []
        self.told: list[Reached] = []
        self.nucleus = KeptNucleus(
            self.wire,
            on_denied=lambda: self.denials.append(None),
            resubscribe_every_s=EVERY_S,
            answer_s=ANSWER_S,
            last_retry_s=0.2,
        )

    def open(self) -> None:
        self.nucleus.open(self.told.append)
        until(lambda: self.connects == 1)

    @property
    def connects(self) -> int:
        return sum(each.connected for each in self.told)


@pytest.fixture
def scene() -> Iterator[Scene]:
    one = Scene()
    yield one
    one.nucleus.close()


def test_an_end_that_is_said_late_does_not_end_the_next_connection(scene: Scene) -> None:
    scene.open()
    first = scene.wire.connections[0]
    first()
    until(lambda: scene.connects == 2)
    first()
    time.sleep(0.7)

    assert len(scene.wire.connections) == 2
    assert scene.told[-1].connected


def test_an_answer_that_comes_too_late_is_no_second_outcome(scene: Scene) -> None:
    scene.open()
    call = scene.nucleus.call(ops.UpdateState("RUNNING"))
    with pytest.raises(LostError, match="no answer"):
        call.result(20)
    scene.wire.asked[0].answer(ops.Answer())

    assert isinstance(call.exception(0), LostError)


def test_calls_that_a_silent_nucleus_would_let_pile_up_are_refused_at_once(scene: Scene) -> None:
    scene.open()
    calls = [scene.nucleus.call(ops.UpdateState("RUNNING")) for _ in range(MOST + 5)]
    refused = [call for call in calls if call.done()]

    assert len(scene.wire.asked) == MOST
    assert [type(call.exception(0)) for call in refused] == [ServiceRefusedError] * 5
    assert all(call.exception(20) is not None for call in calls)


def test_the_old_stream_ends_only_when_the_new_one_stands(scene: Scene) -> None:
    scene.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda _: None)
    scene.open()
    scene.wire.says = None
    until(lambda: len(scene.wire.asked) == 2)
    old, new = scene.wire.asked
    assert old.ended == 0
    new.answer(ops.Answer())

    assert (old.ended, new.ended) == (1, 0)


def test_what_both_streams_tell_is_heard_through_one_queue(scene: Scene) -> None:
    heard: list[bytes] = []
    scene.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda event: heard.append(event.message))
    scene.open()
    scene.wire.says = None
    until(lambda: len(scene.wire.asked) == 2)
    old, new = scene.wire.asked
    for message in (b"1", b"2"):
        old.listener.heard(ops.TopicMessage("t", message))
        new.listener.heard(ops.TopicMessage("t", message))
    until(lambda: len(heard) == 4)

    assert heard == sorted(heard)


def test_what_is_not_renewed_is_asked_once_until_it_ends(scene: Scene) -> None:
    scene.nucleus.subscribe(ops.SubscribeToComponentUpdates(), lambda _: None)
    scene.open()
    time.sleep(3 * EVERY_S)
    assert len(scene.wire.asked) == 1
    scene.wire.asked[0].listener.ended()
    until(lambda: len(scene.wire.asked) == 2)


def test_a_refused_subscription_is_asked_again_without_a_new_connection(scene: Scene) -> None:
    scene.wire.says = ServiceRefusedError("SubscribeToTopic on t: ServiceError")
    subscription = scene.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda _: None)
    scene.open()
    assert isinstance(subscription.trouble, ServiceRefusedError)
    scene.wire.says = ops.Answer()
    until(lambda: subscription.stands)

    assert subscription.trouble is None
    assert scene.connects == 1


def test_what_the_nucleus_lacks_is_not_asked_every_second() -> None:
    wire = ScriptedWire()
    wire.says = UnsupportedError("SubscribeToComponentUpdates: this nucleus does not support it")
    nucleus = KeptNucleus(wire, on_denied=lambda: None)
    nucleus.subscribe(ops.SubscribeToComponentUpdates(), lambda _: None)
    nucleus.open(lambda _: None)
    until(lambda: len(wire.asked) == 1)
    time.sleep(1.5)
    nucleus.close()

    assert len(wire.asked) == 1


def test_an_answer_to_a_subscription_that_was_closed_meanwhile_leaves_no_stream(scene: Scene) -> None:
    scene.wire.says = None
    subscription = scene.nucleus.subscribe(ops.SubscribeToTopic("t"), lambda _: None)
    scene.nucleus.open(scene.told.append)
    until(lambda: len(scene.wire.asked) == 1)
    subscription.close()
    scene.wire.asked[0].answer(ops.Answer())

    assert scene.wire.asked[0].ended == 1
    assert not subscription.stands


def test_closed_handshakes_in_a_row_are_a_refusal_and_with_another_end_between_are_none(scene: Scene) -> None:
    closed = [HandshakeClosedError("closed") for _ in range(CLOSED_TIMES - 1)]
    scene.wire.outcomes = [*closed, LostError("nobody listens"), *closed[:1]]
    scene.open()

    assert scene.denials == []
    assert [each.connected for each in scene.told] == [False] * (CLOSED_TIMES + 1) + [True]


def test_a_refusal_is_said_once_and_ends_the_trying(scene: Scene) -> None:
    scene.wire.outcomes = [TokenRefusedError("refused")]
    scene.nucleus.open(scene.told.append)
    until(lambda: bool(scene.denials))
    time.sleep(0.7)

    assert len(scene.denials) == 1
    assert scene.wire.connections == []
    with pytest.raises(LostError):
        scene.nucleus.call(ops.UpdateState("RUNNING")).result(20)


def test_an_error_that_nobody_thought_of_is_a_failed_attempt(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.wire.outcomes = [ZeroDivisionError("of a client library")]
    scene.open()

    assert "of a client library" in scene.told[0].reason
    assert any(record.exc_info for record in caplog.records)


def test_a_listener_may_close_its_own_subscription(scene: Scene) -> None:
    closed = threading.Event()

    def hear(_: ops.TopicMessage) -> None:
        subscription.close()
        closed.set()

    subscription = scene.nucleus.subscribe(ops.SubscribeToTopic("t"), hear)
    scene.open()
    scene.wire.asked[0].listener.heard(ops.TopicMessage("t", b"x"))

    assert closed.wait(20)
    assert scene.wire.asked[0].ended == 1
