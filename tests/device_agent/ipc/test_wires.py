"""What both wires make of what a server says, and of what it does not say."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from device_agent.ipc import operations as ops
from device_agent.ipc.errors import LostError, NotFoundError, UnauthorizedError
from device_agent.ipc.thin import ThinWire
from device_agent.ipc.wire import HandshakeClosedError, Outcome, TokenRefusedError, Wire
from tests.device_agent.ipc.places import WIRES, until
from tests.device_agent.ipc.puppet import (
    CONNECT_ACK,
    ERROR,
    MESSAGE,
    PING,
    PONG,
    PROTOCOL_ERROR,
    TERMINATE,
    Puppet,
)

PUBLISH = ops.PublishToTopic("t", b"x")
SUBSCRIBE = ops.SubscribeToTopic("t")
SAID = {"binaryMessage": {"message": "eA==", "context": {"topic": "t"}}}


class Ear:
    def __init__(self) -> None:
        self.events: list[ops.Event] = []
        self.ends = 0

    def heard(self, event: ops.Event) -> None:
        self.events.append(event)

    def ended(self) -> None:
        self.ends += 1


class Talk:
    """A wire, its server, and what came of it."""

    def __init__(self, wire: Wire, puppet: Puppet) -> None:
        self.wire = wire
        self.puppet = puppet
        self.ends = 0
        self.outcomes: list[Outcome] = []
        self.ear = Ear()

    def connect(self) -> None:
        self.wire.connect(self.ended)
        self.puppet.next()

    def ended(self) -> None:
        self.ends += 1

    def ask(self, request: Any = PUBLISH) -> int:
        """Returns the stream's number."""
        listener = self.ear if isinstance(request, ops.StreamRequest) else None
        self.end = self.wire.ask(request, self.outcomes.append, listener)
        return int(self.puppet.next().headers[":stream-id"])

    def outcome(self) -> Any:
        until(lambda: bool(self.outcomes))
        return self.outcomes[-1]

    def subscribe(self) -> int:
        number = self.ask(SUBSCRIBE)
        self.puppet.say(MESSAGE, number, model="SubscribeToTopicResponse", body={})
        assert self.outcome() == ops.Answer()
        return number


@pytest.fixture(params=WIRES)
def talk(request: pytest.FixtureRequest) -> Iterator[Talk]:
    with Puppet() as puppet:
        one = Talk(WIRES[request.param](str(puppet.path), "TOKEN"), puppet)
        yield one
        one.wire.disconnect()


@pytest.fixture
def thin() -> Iterator[Talk]:
    with Puppet() as puppet:
        one = Talk(ThinWire(str(puppet.path), "TOKEN"), puppet)
        yield one
        one.wire.disconnect()


def test_streams_are_numbered_in_the_order_they_are_sent_from_one_again_with_each_connection(talk: Talk) -> None:
    talk.connect()
    assert [talk.ask() for _ in range(3)] == [1, 2, 3]
    talk.wire.disconnect()
    talk.connect()
    assert talk.ask() == 1


def test_a_connection_that_ends_says_so_once_and_fails_what_waits(talk: Talk) -> None:
    talk.connect()
    talk.ask()
    talk.puppet.hang_up()

    assert isinstance(talk.outcome(), LostError)
    until(lambda: talk.ends == 1)
    talk.wire.disconnect()
    assert (talk.ends, len(talk.outcomes)) == (1, 1)
    with pytest.raises(LostError):
        talk.wire.ask(PUBLISH, talk.outcomes.append)


def test_a_connection_that_ends_ends_its_streams_once(talk: Talk) -> None:
    talk.connect()
    talk.subscribe()
    talk.puppet.hang_up()
    until(lambda: talk.ends == 1)

    assert talk.ear.ends == 1
    assert len(talk.outcomes) == 1


def test_a_connection_says_that_it_ended_though_one_who_waits_fails(talk: Talk) -> None:
    talk.connect()

    def fail(_: Outcome) -> None:
        raise ZeroDivisionError("of one who waits")

    talk.wire.ask(PUBLISH, fail)
    talk.ask()
    talk.puppet.hang_up()

    until(lambda: talk.ends == 1)


def test_a_stream_that_the_server_ends_says_so_once(talk: Talk) -> None:
    talk.connect()
    number = talk.subscribe()
    talk.puppet.say(MESSAGE, number, model="SubscriptionResponseMessage", body=SAID)
    talk.puppet.say(MESSAGE, number, flags=TERMINATE)
    until(lambda: talk.ear.ends == 1)

    assert talk.ear.events == [ops.TopicMessage("t", b"x")]
    assert talk.ends == 0


def test_a_stream_that_is_refused_never_stood(talk: Talk) -> None:
    talk.connect()
    body = {"message": "no", "_message": "no", "_errorCode": "UnauthorizedError"}
    talk.puppet.say(ERROR, talk.ask(SUBSCRIBE), flags=TERMINATE, model="UnauthorizedError", body=body)

    assert isinstance(talk.outcome(), UnauthorizedError)
    assert "no" in str(talk.outcome())
    talk.puppet.hang_up()
    until(lambda: talk.ends == 1)
    assert talk.ear.ends == 0


def test_answers_come_to_whom_they_belong_in_any_order(talk: Talk) -> None:
    talk.connect()
    got: dict[str, Any] = {}
    for key in "ab":
        talk.wire.ask(ops.GetConfiguration((key,)), lambda outcome, key=key: got.update({key: outcome}))
        talk.puppet.next()
    talk.puppet.say(MESSAGE, 2, flags=TERMINATE, model="GetConfigurationResponse", body={"value": {"b": 2}})
    talk.puppet.say(ERROR, 1, flags=TERMINATE, model="ResourceNotFoundError", body={"message": "none"})
    until(lambda: len(got) == 2)

    assert got["b"].value == {"b": 2}
    assert isinstance(got["a"], NotFoundError)


def test_an_answer_to_nothing_that_was_asked_harms_nobody(thin: Talk) -> None:
    thin.connect()
    thin.puppet.say(MESSAGE, 99, flags=TERMINATE, model="PublishToTopicResponse", body={})
    thin.puppet.say(MESSAGE, thin.ask(), flags=TERMINATE, model="PublishToTopicResponse", body={})

    assert thin.outcome() == ops.Answer()


def test_what_has_ended_leaves_nothing_behind(thin: Talk) -> None:
    thin.connect()
    for _ in range(20):
        thin.puppet.say(MESSAGE, thin.ask(), flags=TERMINATE, model="PublishToTopicResponse", body={})
    until(lambda: len(thin.outcomes) == 20)
    thin.subscribe()
    thin.end()

    assert isinstance(thin.wire, ThinWire)
    assert thin.wire._talk is not None
    assert thin.wire._talk._streams == {}


@pytest.mark.parametrize("data", [b"\x00" * 64, b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["zeros", "http"])
def test_a_server_that_speaks_something_else_is_left(talk: Talk, data: bytes) -> None:
    talk.connect()
    talk.ask()
    talk.puppet.send(data)

    assert isinstance(talk.outcome(), LostError)
    until(lambda: talk.ends == 1)


def test_a_protocol_error_ends_the_connection(talk: Talk) -> None:
    talk.connect()
    talk.ask()
    talk.puppet.say(PROTOCOL_ERROR, 0)

    assert isinstance(talk.outcome(), LostError)
    until(lambda: talk.ends == 1)


def test_a_ping_is_answered(thin: Talk) -> None:
    thin.connect()
    thin.puppet.say(PING, 0)

    assert thin.puppet.next().headers[":message-type"] == PONG


def test_an_event_that_cannot_be_read_is_said_and_the_next_is_heard(
    thin: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    thin.connect()
    number = thin.subscribe()
    thin.puppet.say(MESSAGE, number, model="SubscriptionResponseMessage", body={"binaryMessage": {"message": "?"}})
    thin.puppet.say(MESSAGE, number, model="SubscriptionResponseMessage", body=SAID)
    until(lambda: bool(thin.ear.events))

    assert thin.ear.events == [ops.TopicMessage("t", b"x")]
    assert [record.message for record in caplog.records] == ["ipc.unreadable"]


def test_a_refused_token_and_a_closed_handshake_are_told_apart(talk: Talk) -> None:
    talk.puppet.greeting = lambda puppet: puppet.say(CONNECT_ACK, 0)
    with pytest.raises(TokenRefusedError):
        talk.wire.connect(talk.ended)
    talk.wire.disconnect()
    talk.puppet.greeting = Puppet.hang_up
    with pytest.raises(HandshakeClosedError):
        talk.wire.connect(talk.ended)
    talk.wire.disconnect()

    assert talk.ends == 0


def test_where_nobody_listens_the_socket_is_named(thin: Talk) -> None:
    with pytest.raises(LostError, match="/nowhere/s"):
        ThinWire("/nowhere/s", "TOKEN").connect(thin.ended)


def test_a_server_that_reads_nothing_is_left_in_time(thin: Talk) -> None:
    def stop_reading(puppet: Puppet) -> None:
        puppet.reads = False
        puppet.say(CONNECT_ACK, 0, flags=1)

    thin.puppet.greeting = stop_reading
    thin.connect()
    large = ops.PublishToTopic("t", bytes(100_000))

    def ask() -> float:
        began_s = time.monotonic()
        thin.wire.ask(large, thin.outcomes.append)
        return time.monotonic() - began_s

    began_s = time.monotonic()
    with pytest.raises(LostError):
        sum(ask() for _ in range(100))
    took_s = time.monotonic() - began_s
    thin.puppet.reads = True

    assert took_s < 5
    until(lambda: thin.ends == 1)
