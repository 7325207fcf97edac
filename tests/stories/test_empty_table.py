"""A cloud that comes back with an empty table: the real spool, forwarder and ingest, in one process."""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cloud_functions.adapters.memory import MemoryReplies, MemoryTable
from cloud_functions.core.gaps import gaps, lanes
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.keys import fleet_key
from cloud_functions.core.ports import AnyRow, Span
from cloud_functions.core.rows import Block, WatermarkRow
from cloud_functions.core.shape import Retention
from contract.codec import decode_envelope, encode_stored
from contract.health import Health
from contract.topics import stored_topic
from device_agent.budget import Budget
from device_agent.clock import SimulatedClock
from device_agent.config import UplinkConfig
from device_agent.forwarder import Forwarder
from device_agent.spool.sqlite import SqliteSpool
from device_agent.uplink.memory import MemoryBroker, MemoryUplink
from tests.cloud_functions.make import Clock, record

GATEWAY = "gw-1"
SETTINGS = Settings(interval_ms=0, retention=Retention(block_days=30, episode_days=400))


class Plant:
    """One gateway, a broker, and a cloud that can be replaced."""

    def __init__(self, spool: SqliteSpool) -> None:
        self.spool = spool
        self.broker = MemoryBroker()
        self.now_s = 1000.0
        self.wall = Clock()
        self.heard = 0
        self.is_deaf = False
        config = UplinkConfig(endpoint="", certificate="", private_key="", ca="")
        self.forwarder = Forwarder(
            spool,
            MemoryUplink(self.broker),
            gateway_id=GATEWAY,
            config=config,
            monotonic_s=lambda: self.now_s,
            source=random.Random(1),  # noqa: S311 - a fixed seed for back-off
            budget=Budget(config.monthly_bytes, keep_alive_s=30, clock=SimulatedClock()),
        )
        self.renew_cloud()
        self.forwarder.connect()

    def renew_cloud(self) -> None:
        self.table, self.replies = MemoryTable(), MemoryReplies()
        self.ingest = Ingest(self.table, self.replies, self.wall, SETTINGS)

    def accept(self, number: int) -> None:
        for each in range(number):
            event = Health(wall_ms=each, monotonic_ms=0, version="1", uptime_ms=0, interval_ms=1, sensors={})
            self.spool.append("boot", [event])
            self.run(until=lambda: False, seconds=0.5)

    def run(self, *, until: Callable[[], bool], seconds: float = 300) -> None:
        end = self.now_s + seconds
        while self.now_s < end and not until():
            self.now_s += 0.1
            self.wall.now_ms += 100
            self.forwarder.step()
            self._carry()

    def _carry(self) -> None:
        arrived = self.broker.received[self.heard :]
        self.heard += len(arrived)
        if arrived and not self.is_deaf:
            envelopes = [decode_envelope(payload) for _, payload in arrived]
            self.ingest.ingest([record(each, broker_ms=self.wall.now_ms) for each in envelopes])
        told, self.replies.told = self.replies.told, []
        for _, stored in told:
            self.broker.say(stored_topic(GATEWAY), encode_stored(stored))

    def known(self) -> list[AnyRow]:
        pk, prefix = fleet_key(GATEWAY, "")
        return self.table.query(Span(pk, first=prefix, last=f"{prefix}~"))

    def through(self) -> int:
        return max((row.through for row in self.known() if isinstance(row, WatermarkRow)), default=0)

    def stored(self) -> list[int]:
        rows: list[Any] = self.table.query(Span(f"B#{GATEWAY}#19700101"))
        blocks = [row for row in rows if isinstance(row, Block)]
        return sorted(row.first_seq + n for row in blocks for n in range(row.count))


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with closing(SqliteSpool(tmp_path / "spool.sqlite3")) as spool:
        yield Plant(spool)


def test_what_was_forgotten_is_declared_and_what_is_there_is_sent_again(plant: Plant) -> None:
    plant.accept(30)
    plant.run(until=lambda: not plant.spool.pending()["events"])
    assert plant.stored() == list(range(1, 31))
    plant.is_deaf = True  # ten more reach the broker, and a cloud that is just being lost
    plant.accept(10)
    plant.is_deaf = False

    plant.renew_cloud()
    plant.accept(5)
    plant.run(until=lambda: plant.through() >= 45 and not plant.spool.pending()["events"])

    assert plant.spool.pending()["events"] == 0
    known = plant.known()
    assert gaps(known, now_ms=plant.wall.now_ms) == []
    assert lanes(known, now_ms=plant.wall.now_ms)["events"].given_up == {"forgotten": 30}
    assert plant.stored() == list(range(31, 46))


def test_what_ingest_gave_up_on_is_sent_again_when_something_later_is_stored(plant: Plant) -> None:
    plant.is_deaf = True  # everything of this outage ends in the dead-letter queue
    plant.accept(12)
    plant.is_deaf = False
    plant.accept(1)
    plant.run(until=lambda: plant.through() >= 13 and not plant.spool.pending()["events"])

    assert plant.stored() == list(range(1, 14))
    assert lanes(plant.known(), now_ms=plant.wall.now_ms)["events"].given_up == {}
