"""A fault that passes leaves nothing behind: every event is stored once, and there is no dead letter."""

import http.client
import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from tests.cloud_functions.make import health
from tests.cloud_functions.test_end_to_end import Gateway, eventually
from twin.cloud import Deployment

_BLOCKS = 20
_REFUSAL = (
    b'{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow down"}'
)


class _Throttle(BaseHTTPRequestHandler):
    """Passes requests on to the local cloud, but refuses the first ten and then every other one."""

    protocol_version = "HTTP/1.1"
    target: ClassVar[int]
    number: ClassVar[Iterator[int]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        number = next(self.number)
        status, answer = (400, _REFUSAL) if number < 10 or number % 2 else self._pass_on(body)
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _pass_on(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=10)
        connection.request("POST", self.path, body, dict(self.headers.items()))
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return answer.status, read

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        pass


class Faults:
    """What can be broken of the deployed ingest, and mended."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._lambda = deployment.clients.make("lambda")
        self._sqs = deployment.clients.make("sqs")
        functions = self._lambda.list_functions()["Functions"]
        self._function = next(one for one in functions if "Ingest" in one["FunctionName"])

    def hurry(self, seconds: str) -> str:
        """Sets the queue's visibility timeout; returns what it was."""
        url = self._deployment.outputs.events_queue_url
        old: str = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][
            "VisibilityTimeout"
        ]
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": seconds})
        return old

    def configure(self, *, handler: str = "", variables: dict[str, str] | None = None) -> None:
        """Gives the function another handler, or more environment; nothing restores both."""
        self._lambda.update_function_configuration(
            FunctionName=self._function["FunctionName"],
            Handler=handler or self._function["Handler"],
            Environment={"Variables": self._function["Environment"]["Variables"] | (variables or {})},
        )

    def throttle(self, *, throttled: bool) -> None:
        """Leaves the function no concurrency, or its usual one."""
        name = self._function["FunctionName"]
        if throttled:
            self._lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        else:
            self._lambda.delete_function_concurrency(FunctionName=name)

    def waiting(self, url: str) -> int:
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(attributes[name]) for name in names)


@pytest.fixture
def faults(deployment: Deployment) -> Iterator[Faults]:
    faults = Faults(deployment)
    usual = faults.hurry("1")
    yield faults
    faults.configure()
    faults.throttle(throttled=False)
    faults.hurry(usual)


@pytest.fixture
def gateway(deployment: Deployment) -> Gateway:
    return Gateway(deployment)


def publish(gateway: Gateway) -> None:
    for seq in range(1, _BLOCKS + 1):
        gateway.publish(gateway.envelope(seq, health()))


def assert_all_is_well(faults: Faults, gateway: Gateway) -> None:
    eventually(gateway.blocks, lambda blocks: len(blocks) == _BLOCKS)
    assert [block.first_seq for block in gateway.blocks()] == list(range(1, _BLOCKS + 1))
    outputs: Any = gateway.deployment.outputs
    eventually(lambda: faults.waiting(outputs.events_queue_url), lambda depth: depth == 0)
    view = eventually(gateway.view, lambda seen: seen.get("lanes", {}).get("events", {}).get("stored") == _BLOCKS)
    assert (view["lanes"]["events"]["missing"], view["lanes"]["events"]["coming"]) == (0, 0)
    assert faults.waiting(outputs.dead_letter_queue_url) == 0


def test_a_throttled_function_stores_everything_afterwards(faults: Faults, gateway: Gateway) -> None:
    faults.throttle(throttled=True)
    publish(gateway)
    faults.throttle(throttled=False)
    assert_all_is_well(faults, gateway)


def test_a_function_that_fails_stores_everything_afterwards(faults: Faults, gateway: Gateway) -> None:
    faults.configure(handler="cloud_functions.handlers.nothing.handler")
    publish(gateway)
    outputs = gateway.deployment.outputs
    eventually(lambda: faults.waiting(outputs.events_queue_url), lambda depth: depth == _BLOCKS)
    assert gateway.blocks() == []
    faults.configure()
    assert_all_is_well(faults, gateway)


def test_a_table_that_refuses_every_other_request_costs_time_only(faults: Faults, gateway: Gateway) -> None:
    handler = type("Throttle", (_Throttle,), {"target": gateway.deployment.endpoint.port, "number": itertools.count()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        threading.Thread(target=proxy.serve_forever, name="throttle", daemon=True).start()
        faults.configure(variables={"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{proxy.server_port}"})
        publish(gateway)
        assert_all_is_well(faults, gateway)
        assert next(handler.number) > 10 + _BLOCKS  # type: ignore[attr-defined]
        faults.configure()
        proxy.shutdown()
