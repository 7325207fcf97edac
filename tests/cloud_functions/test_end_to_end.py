"""The deployed stack, functions as real processes under their own roles, IAM and IoT policies enforced."""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cloud_functions.adapters.dynamodb import DynamoTable
from cloud_functions.core.keys import shard
from cloud_functions.core.ports import Span
from cloud_functions.core.rows import Block, Quarantine
from contract.codec import decode_stored, encode_envelope
from contract.envelope import Envelope
from contract.topics import events_topic, stored_topic
from tests.cloud_functions.make import NOW_MS, envelope, episode, health, summary
from tests.twin.mqtt import PUBLISHED, Device
from twin.cloud import Deployment

T = TypeVar("T")
_DEADLINE_S = 30.0


def eventually(look: Callable[[], T], wanted: Callable[[T], bool] = bool) -> T:
    deadline = time.monotonic() + _DEADLINE_S
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r}"
        time.sleep(0.05)
    return seen


class Gateway:
    """One gateway's view of the cloud, and an operator's view of the gateway."""

    def __init__(self, deployment: Deployment) -> None:
        self.name = f"gw-{uuid.uuid4().hex[:8]}"
        self.deployment = deployment
        self._iot = deployment.clients.make("iot-data")
        self._table = DynamoTable(deployment.clients.make("dynamodb"), deployment.outputs.table_name)
        self._backend = deployment.backend()

    def publish(self, sent: Envelope | bytes) -> None:
        payload = sent if isinstance(sent, bytes) else encode_envelope(sent)
        lane = sent.lane if isinstance(sent, Envelope) else "events"
        self._iot.publish(topic=events_topic(self.name, lane), qos=1, payload=payload)

    def envelope(self, first_seq: int, *events: Any, **fields: Any) -> Envelope:
        return envelope(first_seq, *events, gateway_id=self.name, **fields)

    def blocks(self) -> list[Block]:
        rows = self._table.query(Span(f"B#{self.name}#20261123"))
        return [row for row in rows if isinstance(row, Block)]

    def quarantine(self) -> list[Quarantine]:
        rows = self._table.query(Span(f"Q#{shard(self.name)}", f"{self.name}#", f"{self.name}#~"))
        return [row for row in rows if isinstance(row, Quarantine)]

    def view(self) -> dict[str, Any]:
        views = self.ask("/api/fleet")["gateways"]
        return next((one for one in views if one["gateway_id"] == self.name), {})

    def ask(self, target: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._backend.api(target).body)
        return answer


@pytest.fixture
def gateway(deployment: Deployment) -> Gateway:
    return Gateway(deployment)


def test_what_a_gateway_publishes_is_stored_and_shown(gateway: Gateway) -> None:
    now_ms = time.time_ns() // 1_000_000
    gateway.publish(gateway.envelope(1, health()))
    gateway.publish(gateway.envelope(1, summary(now_ms - 5000), lane="summaries"))
    view = eventually(gateway.view, lambda seen: len(seen.get("lanes", {})) == 2 and bool(seen["version"]))
    assert view["status"] == "ok"
    detail = gateway.ask(f"/api/gateways/{gateway.name}?minutes=15")
    assert [one["wall_ms"] for one in detail["summaries"]] == [now_ms - 5000]
    assert detail["health"]["version"] == "0.1.0"


def test_poison_is_quarantined_and_counted_and_its_neighbours_are_stored(gateway: Gateway) -> None:
    gateway.publish(gateway.envelope(1, health(), b'{"kind":"episode"}', health()))
    gateway.publish(b"\xff\x00 poison")
    gateway.publish(b"")
    gateway.publish(gateway.envelope(4, health()))
    eventually(gateway.blocks, lambda seen: len(seen) == 2)
    kept = eventually(gateway.quarantine, lambda seen: len(seen) == 3)
    assert {row.gateway_id for row in kept} == {gateway.name}
    view = eventually(gateway.view, lambda seen: seen.get("quarantined") == 3)
    lane = view["lanes"]["events"]
    assert (lane["stored"], lane["missing"], lane["coming"]) == (4, 0, 0)


def test_a_gateway_that_says_it_is_another_is_quarantined(gateway: Gateway) -> None:
    gateway.publish(envelope(1, health(), gateway_id="somebody-else"))
    (kept,) = eventually(gateway.quarantine)
    assert "envelope of 'somebody-else'" in kept.reason
    assert gateway.blocks() == []


def test_a_block_sent_three_times_is_one_block(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.publish(gateway.envelope(1, health()))
    gateway.publish(gateway.envelope(2, health()))
    eventually(gateway.blocks, lambda seen: len(seen) == 2)
    view = eventually(gateway.view, lambda seen: seen.get("lanes", {}).get("events", {}).get("stored") == 2)
    assert view["quarantined"] == 0


def test_an_episode_raises_one_alert_that_closes(gateway: Gateway) -> None:
    name = f"{gateway.name}.host.boot.1"
    opened = episode(episode_id=name)
    closed = episode("closed", episode_id=name, duration_ms=4000)
    for sent in (gateway.envelope(1, opened), gateway.envelope(1, opened), gateway.envelope(2, closed)):
        gateway.publish(sent)

    def mine() -> list[dict[str, Any]]:
        alerts = gateway.ask("/api/alerts?state=all")["alerts"]
        return [one for one in alerts if one["gateway_id"] == gateway.name]

    (alert,) = eventually(mine, lambda seen: bool(seen) and bool(seen[0]["notified_ms"]))
    (alert,) = eventually(mine, lambda seen: seen[0]["state"] == "closed")
    assert (alert["top_channel"], alert["closed_ms"]) == ("cpu_percent", NOW_MS + 4000)
    inbox = gateway.deployment.inbox
    eventually(lambda: [one for one in inbox.alerts if one.alert_id == name])
    inbox.settle(quiet_s=0.5, timeout_s=5)
    assert len([one for one in inbox.alerts if one.alert_id == name]) == 1


def test_a_device_hears_over_mutual_tls_what_is_stored(gateway: Gateway, tmp_path: Path) -> None:
    identity = gateway.deployment.provisioner().provision(gateway.name, tmp_path)
    with Device(gateway.deployment.endpoint, identity.ca, identity, gateway.name) as device:
        device.subscribe(stored_topic(gateway.name))
        for first_seq in (1, 3):
            payload = encode_envelope(gateway.envelope(first_seq, health()))
            assert device.publish(events_topic(gateway.name, "events"), payload) in PUBLISHED
            heard = device._receive(0x30)
            stored = decode_stored(heard[heard.index(b"{") :])
    assert stored.through == 1
    assert [(hole.first, hole.last) for hole in stored.missing] == [(2, 2)]


def test_the_dead_letter_queue_stays_empty(deployment: Deployment, gateway: Gateway) -> None:
    gateway.publish(b"poison")
    eventually(gateway.quarantine)
    queue = deployment.outputs.dead_letter_queue_url
    attributes = deployment.clients.make("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "0"
