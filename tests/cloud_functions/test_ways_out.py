"""One suite over every adapter of the ways out: ``Replies`` to gateways and ``Notifier`` to people."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cloud_functions.adapters.iot import IotReplies
from cloud_functions.adapters.memory import MemoryNotifier, MemoryReplies
from cloud_functions.adapters.sns import SnsNotifier
from cloud_functions.core.ports import Notifier, Replies
from cloud_functions.core.shape import alert_row
from contract.codec import decode_stored
from contract.envelope import Range, Stored
from contract.topics import stored_topic
from tests.cloud_functions.make import episode
from tests.twin.mqtt import Device
from twin.cloud import Deployment


class WayToGateway(NamedTuple):
    replies: Replies
    gateway_id: str
    hear: Callable[[], Stored]


class WayToPeople(NamedTuple):
    notifier: Notifier
    told: Callable[[], list[str]]


@pytest.fixture(params=["memory", "iot"])
def to_gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WayToGateway]:
    name = f"gw-{uuid.uuid4().hex[:8]}"
    if request.param == "memory":
        memory = MemoryReplies()
        yield WayToGateway(memory, name, lambda: next(one for to, one in memory.told[::-1] if to == name))
        return
    deployment: Deployment = request.getfixturevalue("deployment")
    identity = deployment.provisioner().provision(name, tmp_path)
    with Device(deployment.endpoint, identity.ca, identity, name) as device:
        device.subscribe(stored_topic(name))

        def hear() -> Stored:
            packet = device._receive(0x30)
            return decode_stored(packet[packet.index(b"{") :])

        yield WayToGateway(IotReplies(deployment.clients.make("iot-data")), name, hear)


@pytest.fixture(params=["memory", "sns"])
def to_people(request: pytest.FixtureRequest) -> WayToPeople:
    if request.param == "memory":
        memory = MemoryNotifier()
        return WayToPeople(memory, lambda: [alert.alert_id for alert in memory.told])
    deployment: Deployment = request.getfixturevalue("deployment")
    sns = SnsNotifier(deployment.clients.make("sns"), deployment.outputs.alert_topic_arn)
    return WayToPeople(sns, lambda: [alert.alert_id for alert in deployment.inbox.alerts])


def test_a_gateway_hears_exactly_what_was_answered(to_gateway: WayToGateway) -> None:
    holes = [Range(first=8, last=9), Range(first=12, last=12)]
    stored = Stored(spool_id="spool", lane="summaries", through=7, missing=holes)
    to_gateway.replies.reply(to_gateway.gateway_id, stored)
    assert to_gateway.hear() == stored


def test_answering_a_gateway_that_is_away_is_no_error(to_gateway: WayToGateway) -> None:
    to_gateway.replies.reply("gw-away", Stored(spool_id="spool", lane="events", through=1))


def test_everybody_who_subscribed_is_told(to_people: WayToPeople) -> None:
    name = f"episode-{uuid.uuid4().hex}"
    to_people.notifier.notify(alert_row("gw-1", episode(episode_id=name, reason="ünïcode"), expires_at=1))
    deadline = time.monotonic() + 20
    while name not in to_people.told():
        assert time.monotonic() < deadline
        time.sleep(0.05)
