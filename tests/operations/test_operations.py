"""Operations against the twin: the real table and queues, and ingest as a real function."""

import base64
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from cloud_functions.adapters.dynamodb import DynamoTable
from cloud_functions.core import keys
from cloud_functions.core.keys import fleet_key
from cloud_functions.core.ports import Span
from cloud_functions.core.rows import Block, Counter
from contract.codec import encode_envelope
from contract.envelope import Envelope
from contract.topics import events_topic
from operations import dead_letters
from operations.errors import OperationError
from operations.quarantine import Kept, kept, message, retry
from operations.stack import Stack
from operations.table import SHARDS
from tests.cloud_functions.make import NOW_MS, envelope, health
from tests.operations.environment import environment
from thresher.cli import main
from twin.cloud import Deployment

T = TypeVar("T")
_DEADLINE_S = 30.0


class Cloud:
    """One gateway's place in the cloud."""

    def __init__(self, deployment: Deployment) -> None:
        self.name = f"gw-{uuid.uuid4().hex[:8]}"
        self.outputs = deployment.outputs
        self.sqs = deployment.clients.make("sqs")
        self._lambda = deployment.clients.make("lambda")
        self._iot = deployment.clients.make("iot-data")
        self._table = DynamoTable(deployment.clients.make("dynamodb"), deployment.outputs.table_name)

    def publish(self, payload: bytes) -> None:
        self._iot.publish(topic=events_topic(self.name, "events"), qos=1, payload=payload)

    def envelope(self, first_seq: int, *events: Any) -> Envelope:
        return envelope(first_seq, *events, gateway_id=self.name)

    def blocks(self) -> list[Block]:
        found = [row for day in ("20261123", "19700101") for row in self._table.query(Span(f"B#{self.name}#{day}"))]
        return [row for row in found if isinstance(row, Block)]

    def quarantined(self) -> int:
        row = self._table.get(fleet_key(self.name, "quarantined"))
        return row.count if isinstance(row, Counter) else 0

    def depth(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def break_ingest(self, *, broken: bool) -> None:
        functions = self._lambda.list_functions()["Functions"]
        name = next(one["FunctionName"] for one in functions if "Ingest" in one["FunctionName"])
        handler = "cloud_functions.handlers." + ("nothing.handler" if broken else "ingest.handler")
        self._lambda.update_function_configuration(FunctionName=name, Handler=handler)


@pytest.fixture
def cloud(deployment: Deployment) -> Cloud:
    return Cloud(deployment)


def eventually(look: Callable[[], T], wanted: Callable[[T], bool] = bool) -> T:
    deadline = time.monotonic() + _DEADLINE_S
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r}"
        time.sleep(0.05)
    return seen


def test_quarantine_is_listed_with_its_bytes_and_reason(stack: Stack, cloud: Cloud) -> None:
    newer = encode_envelope(replace(cloud.envelope(1, health(), health()), schema_version=9))
    cloud.publish(newer)
    (row,) = eventually(lambda: list(kept(stack, gateway_id=cloud.name)))
    assert (row.lane, row.first_seq, row.count, row.client_id != "") == ("events", 1, 2, True)
    assert base64.b64decode(row.data) == newer
    assert "schema_version 9" in row.reason
    assert row in list(kept(stack))


def test_what_is_still_not_understood_lands_on_its_own_row_and_is_marked(stack: Stack, cloud: Cloud) -> None:
    cloud.publish(encode_envelope(replace(cloud.envelope(1, health()), schema_version=9)))
    eventually(cloud.quarantined, lambda count: count == 1)
    for again in (False, True):
        done = retry(stack, kept(stack, gateway_id=cloud.name), now_ms=NOW_MS, again=again)
        assert (done.sent, done.skipped) == (1, [])
    cloud.publish(encode_envelope(cloud.envelope(2, health())))
    eventually(cloud.blocks)
    (row,) = kept(stack, gateway_id=cloud.name)
    assert (row.retried_ms, cloud.quarantined()) == (NOW_MS, 1)
    (skipped,) = retry(stack, [row], now_ms=NOW_MS).skipped
    assert skipped.reason == "it was sent before; use --again"


def test_an_event_that_is_understood_after_a_fix_is_stored_once(stack: Stack, cloud: Cloud) -> None:
    cloud.publish(encode_envelope(cloud.envelope(1, health(), b'{"kind":"health"}')))
    (row,) = eventually(lambda: list(kept(stack, gateway_id=cloud.name)))
    good = base64.b64encode(bytes(cloud.envelope(1, health()).events[0])).decode()
    for _ in range(2):
        retry(stack, [replace(row, data=good)], now_ms=NOW_MS)
    eventually(cloud.blocks, lambda blocks: len(blocks) == 2)
    eventually(lambda: cloud.depth(cloud.outputs.events_queue_url), lambda depth: depth == 0)
    assert sorted((block.first_seq, block.count) for block in cloud.blocks()) == [(1, 2), (2, 1)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lane": ""}, "it did not come by the events rule"),
        ({"is_cut": 1}, "its bytes were too many to be kept whole"),
        ({"boot_id": "boot", "data": "/w=="}, "the event is no JSON"),
    ],
)
def test_what_cannot_be_sent_again_says_why(stack: Stack, fields: dict[str, Any], expected: str) -> None:
    row = Kept(pk="Q#0", sk="x", gateway_id="gw", reason="why", data="", stored_ms=1, lane="events")
    assert [one.reason for one in retry(stack, [replace(row, **fields)], now_ms=1).skipped] == [expected]


def test_a_retried_message_keeps_the_client_that_the_broker_named() -> None:
    row = Kept(pk="Q#0", sk="x", gateway_id="gw", reason="", data="QQ==", stored_ms=1, lane="events", client_id="thief")
    assert json.loads(message(row))["client_id"] == "thief"


def test_what_an_outage_left_in_the_dead_letter_queue_is_redriven_and_nothing_is_lost(
    stack: Stack, cloud: Cloud
) -> None:
    events, dead = cloud.outputs.events_queue_url, cloud.outputs.dead_letter_queue_url
    arn = cloud.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"deadLetterTargetArn": arn, "maxReceiveCount": 1}
    usual = cloud.sqs.get_queue_attributes(QueueUrl=events, AttributeNames=["All"])["Attributes"]
    hurried = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(policy)}
    cloud.sqs.set_queue_attributes(QueueUrl=events, Attributes=hurried)
    cloud.break_ingest(broken=True)
    cloud.sqs.send_message(QueueUrl=dead, MessageBody='{"DDBStreamBatchInfo": {}}')
    for seq in range(1, 13):
        cloud.publish(encode_envelope(cloud.envelope(seq, health())))
    eventually(lambda: cloud.depth(dead), lambda depth: depth == 13)
    cloud.break_ingest(broken=False)
    cloud.sqs.set_queue_attributes(QueueUrl=events, Attributes={name: usual[name] for name in hurried})
    done = dead_letters.redrive(stack, limit=1000)
    assert (done.moved, done.left) == (12, 1)
    eventually(cloud.blocks, lambda blocks: len(blocks) == 12)


def test_the_command_speaks_to_the_endpoint_of_the_environment(
    deployment: Deployment,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    cloud.publish(b"poison")
    eventually(cloud.quarantined, lambda count: count == 1)
    for name, value in environment(deployment).items():
        monkeypatch.setenv(name, value)
    assert main(["quarantine", "list", "--gateway", cloud.name, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["quarantined"]
    assert row["gateway_id"] == cloud.name
    file = tmp_path / "kept.jsonl"
    assert main(["quarantine", "export", "--gateway", cloud.name, "--output", str(file)]) == 0
    assert base64.b64decode(json.loads(file.read_text())["data"]) == b"poison"
    assert main(["quarantine", "retry", "--gateway", cloud.name, "--json"]) == 0
    assert '"sent":1' in capsys.readouterr().out
    assert main(["quarantine", "redrive", "--json"]) == 0
    assert main(["quarantine", "list", "--stack", "nobody"]) == 1
    assert "try: check AWS_PROFILE" in capsys.readouterr().err


def test_a_stack_that_is_not_there_says_what_to_check(deployment: Deployment) -> None:
    with pytest.raises(OperationError, match="finding the stack"):
        Stack("nobody", deployment.clients.make)


def test_both_sides_agree_on_the_partitions_of_the_table() -> None:
    assert SHARDS == keys.SHARDS
