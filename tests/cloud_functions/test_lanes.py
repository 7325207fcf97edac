import pytest

from cloud_functions.adapters.memory import MemoryReplies, MemoryTable
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.lanes import answer
from cloud_functions.core.rows import WatermarkRow
from cloud_functions.core.shape import Retention
from cloud_functions.core.watermark import MAX_PENDING
from contract.codec import encode_stored
from contract.envelope import MAX_ENVELOPE_BYTES
from tests.cloud_functions.make import Clock, envelope, episode, health, record, summary

INTERVAL_MS = 1_800_000


class World:
    """A cloud in memory with a clock to move."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.replies = MemoryReplies()
        settings = Settings(interval_ms=INTERVAL_MS, retention=Retention(block_days=30, episode_days=400))
        self.ingest = Ingest(MemoryTable(), self.replies, self.clock, settings)

    def send(self, *envelopes: object) -> list[tuple[str, int]]:
        """Lanes and marks the gateway is told in answer."""
        told = len(self.replies.told)
        self.clock.now_ms += 1
        self.ingest.ingest([record(one, broker_ms=self.clock.now_ms) for one in envelopes])  # type: ignore[arg-type]
        return [(stored.lane, stored.through) for _, stored in self.replies.told[told:]]


@pytest.fixture
def world() -> World:
    world = World()
    assert world.send(envelope(1, health())) == [("events", 1)]
    return world


def test_within_the_interval_a_gateway_is_told_once(world: World) -> None:
    assert world.send(envelope(2, health())) == []
    world.clock.now_ms += INTERVAL_MS
    assert world.send(envelope(3, health())) == [("events", 3)]


def test_a_block_that_comes_again_is_answered_at_once(world: World) -> None:
    assert world.send(envelope(1, health())) == [("events", 1)]


def test_an_episode_is_answered_at_once(world: World) -> None:
    assert world.send(envelope(2, episode())) == [("events", 2)]


def test_while_an_alert_is_open_every_message_is_answered(world: World) -> None:
    world.send(envelope(2, episode()))
    assert world.send(envelope(3, health())) == [("events", 3)]
    world.send(envelope(4, episode("closed", duration_ms=5000)))
    assert world.send(envelope(5, health())) == []


def test_a_gateway_whose_spool_is_more_than_half_full_is_answered_at_once(world: World) -> None:
    assert world.send(envelope(2, health(spool_fill=0.51))) == [("events", 2)]
    assert world.send(envelope(1, summary(), lane="summaries")) == [("summaries", 1)]
    assert world.send(envelope(2, summary(), lane="summaries")) == [("summaries", 2)]
    world.send(envelope(3, health(spool_fill=0.5)))
    assert world.send(envelope(3, summary(), lane="summaries")) == []


def test_an_alert_of_another_gateway_hurries_nobody(world: World) -> None:
    world.send(envelope(1, episode(), gateway_id="gw-10"))
    assert world.send(envelope(2, health())) == []


def test_a_quiet_lane_is_told_when_its_gateway_speaks(world: World) -> None:
    world.send(envelope(1, summary(), lane="summaries"))
    assert world.send(envelope(2, summary(), lane="summaries")) == []
    world.clock.now_ms += INTERVAL_MS
    assert sorted(world.send(envelope(2, health()))) == [("events", 2), ("summaries", 2)]
    world.clock.now_ms += INTERVAL_MS
    assert world.send(envelope(3, health())) == [("events", 3)]


def test_an_answer_fits_one_metered_message_however_many_holes() -> None:
    top = 999_999_999_000
    pending = [[top + 2 * n, top + 2 * n] for n in range(MAX_PENDING)]
    row = WatermarkRow(
        pk="F#0",
        sk="x",
        gateway_id="gw-1",
        spool_id="s" * 64,
        lane="summaries",
        version=1,
        through=1,
        pending=str(pending),
        last_seen_ms=0,
    )
    assert len(encode_stored(answer(row))) <= MAX_ENVELOPE_BYTES
