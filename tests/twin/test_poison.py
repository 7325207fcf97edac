import time
from collections.abc import Callable

import msgspec
import pytest

from contract.codec import encode_envelope, encode_event
from contract.envelope import Envelope
from contract.health import Health
from contract.topics import events_topic
from device_agent.ledger import Entry
from tests.twin.mqtt import PUBLISHED, Device
from twin.cloud import Deployment
from twin.evidence import count_quarantined, read_blocks
from twin.reckoning import reckon

NOW_MS = 1_795_000_000_000


def health() -> msgspec.Raw:
    event = Health(wall_ms=NOW_MS, monotonic_ms=5, version="1", uptime_ms=5, interval_ms=5000, sensors={})
    return msgspec.Raw(encode_event(event))


def envelope(first_seq: int, events: list[msgspec.Raw]) -> bytes:
    return encode_envelope(
        Envelope(gateway_id="barn", spool_id="spool", boot_id="boot", lane="events", first_seq=first_seq, events=events)
    )


def entry(seq: int) -> Entry:
    return Entry(
        spool_id="spool", lane="events", seq=seq, kind="health", sample_wall_ms=NOW_MS, accepted_wall_ms=NOW_MS
    )


def eventually(claim: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.2)
    return claim()


def test_poison_on_the_events_topic_is_quarantined_and_nothing_else_is_lost(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    device = deployment.provisioner().provision("barn", tmp_path_factory.mktemp("barn"))
    topic = events_topic("barn", "events")
    bad_event = msgspec.Raw(b'{"kind":"health","wall_ms":"soon"}')
    messages = [
        envelope(1, [health(), health()]),
        b"\xff\x00 neither JSON nor text",
        b'{"gateway_id": 7}',
        envelope(3, [health(), bad_event, health()]),
        envelope(6, [health()]),
    ]
    with Device(deployment.endpoint, device.ca, device, "barn") as link:
        assert all(link.publish(topic, message) in PUBLISHED for message in messages)
    table = deployment.outputs.table_name
    assert eventually(lambda: len(read_blocks(deployment.clients, table)) == 4)  # and the bad event, refused
    assert eventually(lambda: count_quarantined(deployment.clients, table) == 3)
    account = reckon([entry(seq) for seq in range(1, 7)], read_blocks(deployment.clients, table))
    assert (account.stored, account.declared, account.lost, account.duplicates) == (5, 1, 0, 0)
