"""The connection itself, byte by byte: what each nucleus insists on."""

import json
import socket
from concurrent.futures import Future

import pytest

from tests.twin.nucleus.conftest import EVERYTHING, Site, until
from twin.nucleus.broker import Hearing, MemoryBroker
from twin.nucleus.frames import PRELUDE_BYTES, Frame, decode, encode, total_length

APPLICATION, ERROR, PING, PONG, CONNECT, ACK, PROTOCOL_ERROR = range(7)
TERMINATE = 2


class Line:
    """A client that says what it is told to."""

    def __init__(self, site) -> None:
        self.site = site
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(site.ipc.path))

    def say(self, kind, stream, payload=b"", flags=0, **headers) -> None:
        every = {":message-type": kind, ":message-flags": flags, ":stream-id": stream, **headers}
        self.socket.sendall(encode(Frame(every, payload)))

    def connect(self, version="0.1.0", **body) -> Frame | None:
        body = body or {"authToken": self.site.registry.add("c")}
        self.say(CONNECT, 0, json.dumps(body).encode(), **{":version": version})
        return self.hear()

    def ask(self, stream, operation, body) -> Frame | None:
        self.say(APPLICATION, stream, json.dumps(body).encode(), operation=f"aws.greengrass#{operation}")
        return self.hear()

    def hear(self) -> Frame | None:
        """Nothing where the connection has ended."""
        prelude = self._read(PRELUDE_BYTES)
        if len(prelude) < PRELUDE_BYTES:
            return None
        return decode(prelude + self._read(total_length(prelude) - PRELUDE_BYTES))

    def _read(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            try:
                part = self.socket.recv(size - len(read))
            except ConnectionResetError:
                break
            if not part:
                break
            read += part
        return read


@pytest.fixture
def line(site):
    one = Line(site)
    yield one
    one.socket.close()


def test_the_handshake_is_acknowledged(line) -> None:
    assert line.connect().headers == {":message-type": ACK, ":message-flags": 1, ":stream-id": 0}


def test_another_version_of_the_protocol_is_refused(line) -> None:
    answer = line.connect(version="0.2.0")

    assert answer is None if line.site.profile.is_lite else answer.headers[":message-flags"] == 0


def test_a_handshake_that_is_no_json_is_refused(line) -> None:
    line.say(CONNECT, 0, b"\xff{", **{":version": "0.1.0"})
    answer = line.hear()

    assert answer is None if line.site.profile.is_lite else answer.headers[":message-flags"] == 0


def test_bytes_that_are_no_message_end_the_connection(line) -> None:
    line.connect()
    line.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")

    assert line.hear() is None


def test_a_ping_is_answered_by_classic_and_ends_the_connection_to_lite(line) -> None:
    line.connect()
    line.say(PING, 0, b"{}")
    answer = line.hear()

    assert answer is None if line.site.profile.is_lite else answer.headers[":message-type"] == PONG


def test_streams_are_counted_by_classic_alone(line) -> None:
    line.connect()
    line.ask(1, "GetConfiguration", {})
    answer = line.ask(7, "GetConfiguration", {})

    assert answer.headers[":message-type"] == (ERROR if line.site.profile.is_lite else PROTOCOL_ERROR)
    if not line.site.profile.is_lite:
        assert line.hear() is None


def test_an_answer_ends_its_stream_and_names_its_type(line) -> None:
    line.connect()
    answer = line.ask(1, "UpdateState", {"state": "RUNNING"})

    assert answer.headers == {
        ":message-type": APPLICATION,
        ":message-flags": TERMINATE,
        ":stream-id": 1,
        ":content-type": "application/json",
        "service-model-type": "aws.greengrass#UpdateStateResponse",
    }
    assert line.site.registry.states == [("c", "RUNNING")]


def test_an_error_says_less_on_lite(line) -> None:
    line.connect()
    answer = line.ask(1, "GetConfiguration", {"keyPath": ["no"]})

    assert answer.headers[":message-type"] == ERROR
    assert answer.headers["service-model-type"] == "aws.greengrass#ResourceNotFoundError"
    expected = {"_message", "_errorCode"} | (set() if line.site.profile.is_lite else {"_service", "message"})
    assert set(json.loads(answer.payload)) == expected


def test_an_operation_that_nobody_has_is_an_error_without_a_type_on_classic(line) -> None:
    line.connect()
    answer = line.ask(1, "MakeTea", {})

    kind = answer.headers.get("service-model-type")
    assert kind == ("aws.greengrass#ServiceError" if line.site.profile.is_lite else None)
    assert answer.headers[":message-flags"] == TERMINATE


@pytest.mark.parametrize("body", ["[1]", "{", '"x"'])
def test_a_request_that_is_no_object_is_an_error_and_the_connection_stays(line, body) -> None:
    line.connect()
    line.say(APPLICATION, 1, body.encode(), operation="aws.greengrass#UpdateState")

    assert line.hear().headers[":message-type"] == ERROR
    assert line.ask(2, "UpdateState", {"state": "RUNNING"}).headers[":message-type"] == APPLICATION


def test_lite_reads_no_request_that_is_too_deep_or_too_wide(line) -> None:
    line.connect()
    deep: object = 1
    for _ in range(16):
        deep = {"a": deep}
    wide = {str(number): number for number in range(300)}
    for stream, message in enumerate((deep, wide), start=1):
        body = {"topic": "t", "publishMessage": {"jsonMessage": {"message": message}}}
        line.site.registry.access["c"] = {"aws.greengrass.ipc.pubsub": {"p": {"operations": ["*"], "resources": ["*"]}}}
        answer = line.ask(stream, "PublishToTopic", body)
        assert answer.headers[":message-type"] == (ERROR if line.site.profile.is_lite else APPLICATION)


def test_an_answer_too_large_for_lite_is_an_error(line) -> None:
    line.connect()
    values = {f"key{number}": "x" * 900 for number in range(12)}
    line.site.store.install(line.site.store.resolve("c", merge=values, ms=1))
    answer = line.ask(1, "GetConfiguration", {})

    assert answer.headers[":message-type"] == (ERROR if line.site.profile.is_lite else APPLICATION)


def test_a_component_that_reads_nothing_is_left(line) -> None:
    line.connect()
    talker = Line(line.site)
    talker.connect()
    line.site.registry.access["c"] = EVERYTHING
    line.ask(1, "SubscribeToTopic", {"topic": "t"})
    message = {"topic": "t", "publishMessage": {"binaryMessage": {"message": "A" * 8_000}}}
    stream = 0
    while line.site.ipc.subscribed:
        stream += 1
        assert talker.ask(stream, "PublishToTopic", message).headers[":message-type"] == APPLICATION
        assert stream < 5_000
    talker.socket.close()


class SilentBroker(MemoryBroker):
    """Takes subscriptions and never says so."""

    def __init__(self) -> None:
        super().__init__()
        self.open_hearings = 0

    def subscribe(self, topic_filter, hear):
        hearing = super().subscribe(topic_filter, hear)
        self.open_hearings += 1

        def close() -> None:
            self.open_hearings -= 1
            hearing.close()

        return Hearing(Future(), close)


@pytest.fixture
def unanswered(folder):
    """A component that waits for the answer to a subscription."""
    broker = SilentBroker()
    site = Site(folder, "classic", broker=broker)
    with site.ipc:
        line = Line(site)
        line.connect()
        site.registry.access["c"] = EVERYTHING
        body = json.dumps({"topicName": "t", "qos": "1"}).encode()
        line.say(APPLICATION, 1, body, operation="aws.greengrass#SubscribeToIoTCore")
        until(lambda: broker.open_hearings == 1)
        yield line, broker
        line.socket.close()


def test_a_component_need_not_wait_for_its_subscription_to_end_it(unanswered) -> None:
    line, broker = unanswered
    line.say(APPLICATION, 1, flags=TERMINATE)

    until(lambda: broker.open_hearings == 0)


def test_a_component_that_goes_leaves_no_subscription_behind(unanswered) -> None:
    line, broker = unanswered
    line.socket.close()

    until(lambda: broker.open_hearings == 0)
