"""The forwarder over a spool and a broker in memory, with a clock that only moves when told."""

import random
from collections.abc import Iterable

import pytest

from contract.codec import decode_envelope, encode_stored
from contract.envelope import Declared, Range, Stored
from contract.events import Lane
from contract.health import Health
from contract.readings import Summary
from contract.topics import events_topic, stored_topic
from device_agent import lane_progress
from device_agent.budget import Budget
from device_agent.clock import SimulatedClock
from device_agent.config import UplinkConfig
from device_agent.forwarder import Forwarder
from device_agent.spool.memory import MemorySpool
from device_agent.uplink.memory import MemoryBroker, MemoryUplink

GATEWAY = "gw-1"
MISSING_GRACE_S = lane_progress.MISSING_GRACE_S[0]


def health(number: int = 0) -> Health:
    return Health(wall_ms=number, monotonic_ms=0, version="1", uptime_ms=0, interval_ms=1, sensors={})


def summary(number: int = 0) -> Summary:
    return Summary(wall_ms=number, monotonic_ms=0, sensor="s", start_wall_ms=0, scans=1, state="armed", channels={})


class Rehearsal:
    """A gateway's forwarder and the world around it."""

    def __init__(self, **limits: float) -> None:
        self.spool = MemorySpool("spool-1")
        self.broker = MemoryBroker()
        self.now_s = 1000.0
        config = UplinkConfig(endpoint="", certificate="", private_key="", ca="", **limits)  # type: ignore[arg-type]
        self.config = config
        self.start()

    def start(self) -> None:
        self.forwarder = Forwarder(
            self.spool,
            MemoryUplink(self.broker),
            gateway_id=GATEWAY,
            config=self.config,
            monotonic_s=lambda: self.now_s,
            source=random.Random(1),  # noqa: S311 - a fixed seed for back-off
            budget=Budget(self.config.monthly_bytes, keep_alive_s=30, clock=SimulatedClock()),
        )
        self.forwarder.connect()
        self.forwarder.step()  # the link is up: what comes from now on is live

    def accept(self, *events: Health | Summary) -> None:
        self.spool.append("boot", events)

    def pass_time(self, seconds: float, step_s: float = 0.1) -> None:
        for _ in range(round(seconds / step_s)):
            self.now_s += step_s
            self.forwarder.step()

    def cloud_says(self, lane: Lane, through: int, missing: Iterable[Range] = (), spool_id: str = "spool-1") -> None:
        stored = Stored(spool_id=spool_id, lane=lane, through=through, missing=list(missing))
        self.broker.say(stored_topic(GATEWAY), encode_stored(stored))
        self.forwarder.step()

    def arrived(self, lane: Lane) -> list[int]:
        topic = events_topic(GATEWAY, lane)
        return [decode_envelope(raw).first_seq for to, raw in self.broker.received if to == topic]

    @property
    def traffic(self):
        return self.forwarder.traffic


@pytest.fixture
def stage():
    return Rehearsal()


def test_an_event_is_published_at_once_to_its_lane(stage):
    stage.accept(health())
    stage.forwarder.step()

    assert stage.arrived("events") == [1]
    assert stage.traffic.publishes == 1
    assert stage.traffic.sent_bytes == len(stage.broker.received[0][1])


def test_events_accepted_together_travel_in_one_envelope(stage):
    stage.accept(*map(health, range(5)))
    stage.forwarder.step()

    assert [len(decode_envelope(raw).events) for _, raw in stage.broker.received] == [5]


def test_a_summary_waits_for_company_but_not_for_ever(stage):
    stage.accept(summary())
    stage.pass_time(stage.config.linger_s - 1)
    stage.accept(summary())
    assert stage.arrived("summaries") == []
    stage.pass_time(1.5)

    assert [len(decode_envelope(raw).events) for _, raw in stage.broker.received] == [2]


def test_a_full_envelope_does_not_wait(stage):
    stage.accept(*map(summary, range(200)))
    stage.forwarder.step()

    assert len(stage.arrived("summaries")) > 1
    assert stage.spool.waiting("summaries") is not None  # the rest still waits for company


def test_an_acknowledged_block_is_kept_until_the_cloud_has_stored_it(stage):
    stage.accept(health())
    stage.forwarder.step()
    stage.pass_time(1)
    assert stage.spool.pending()["events"] == 1

    stage.cloud_says("events", through=1)

    assert stage.spool.pending()["events"] == 0
    assert stage.traffic.watermarks == 1


def test_what_was_acknowledged_is_never_sent_again_because_time_passed(stage):
    stage.accept(health())
    stage.pass_time(600, step_s=1)

    assert stage.arrived("events") == [1]


def test_only_what_the_cloud_misses_is_sent_again(stage):
    for number in range(3):
        stage.accept(health(number))
        stage.forwarder.step()
    stage.cloud_says("events", through=1, missing=[Range(first=2, last=2)])
    assert stage.arrived("events") == [1, 2, 3]  # it may still be on its way
    stage.pass_time(MISSING_GRACE_S + 1)

    assert stage.arrived("events") == [1, 2, 3, 2]
    assert stage.traffic.resent == 1


def test_a_range_that_arrived_after_all_is_not_sent_again(stage):
    for number in range(3):
        stage.accept(health(number))
        stage.forwarder.step()
    stage.cloud_says("events", through=1, missing=[Range(first=2, last=2)])
    stage.pass_time(1)
    stage.cloud_says("events", through=3)
    stage.pass_time(MISSING_GRACE_S + 1)

    assert stage.traffic.resent == 0


def test_a_missing_range_of_several_blocks_is_sent_whole(stage):
    for number in range(5):
        stage.accept(health(number))
        stage.forwarder.step()
    stage.cloud_says("events", through=1, missing=[Range(first=2, last=4)])
    stage.pass_time(MISSING_GRACE_S + 1)

    assert stage.arrived("events") == [1, 2, 3, 4, 5, 2, 3, 4]


def test_a_cloud_that_lost_its_table_is_told_what_is_gone_and_its_watermark_passes(stage):
    for number in range(4):
        stage.accept(health(number))
        stage.forwarder.step()
    stage.cloud_says("events", through=3)
    stage.cloud_says("events", through=0, missing=[Range(first=1, last=3)])
    stage.pass_time(MISSING_GRACE_S + 1)

    declared = [each for _, raw in stage.broker.received for each in decode_envelope(raw).declared]
    assert declared[0] == Declared(first=1, last=3, reason="forgotten")
    stage.cloud_says("events", through=5)
    assert stage.spool.pending()["events"] == 0


def test_an_answer_about_another_spool_is_ignored_and_counted(stage):
    stage.accept(health())
    stage.forwarder.step()
    stage.cloud_says("events", through=1, spool_id="another")

    assert stage.spool.pending()["events"] == 1
    assert stage.traffic.foreign == 1


def test_an_answer_that_cannot_be_read_is_ignored_and_counted(stage):
    stage.broker.say(stored_topic(GATEWAY), b"{")
    stage.forwarder.step()

    assert stage.traffic.malformed == 1


def test_nothing_is_sealed_or_sent_while_the_link_is_down(stage):
    stage.broker.cut()
    stage.accept(*map(health, range(3)))
    stage.pass_time(5)
    assert stage.broker.received == []
    assert stage.spool.waiting("events") == 1

    stage.broker.restore()
    stage.forwarder.step()

    assert [len(decode_envelope(raw).events) for _, raw in stage.broker.received] == [3]


def test_what_was_on_the_way_when_the_link_broke_goes_again_in_the_same_bytes(stage):
    stage.broker.holds_answers = True
    stage.accept(health())
    stage.forwarder.step()
    stage.broker.cut()
    stage.forwarder.step()
    stage.broker.restore()
    stage.forwarder.step()

    first, second = stage.broker.received
    assert first == second
    assert (stage.traffic.failed, stage.traffic.resent) == (1, 1)


def test_after_a_start_every_sealed_block_is_sent_once_more(stage):
    stage.accept(health(1))
    stage.forwarder.step()
    stage.accept(health(2))
    stage.forwarder.step()
    stage.cloud_says("events", through=1)
    stage.start()
    stage.pass_time(2)

    assert stage.arrived("events") == [1, 2, 2]


def test_no_more_is_on_the_way_than_the_window_allows():
    stage = Rehearsal(in_flight=4, linger_s=0)
    stage.broker.holds_answers = True
    for number in range(10):
        stage.accept(summary(number))
        stage.forwarder.step()
    assert len(stage.broker.received) == 3  # a quarter of the window is for events alone

    for number in range(3):
        stage.accept(health(number))
        stage.forwarder.step()
    assert stage.forwarder.in_flight == 4
    assert stage.arrived("events") == [1]

    stage.broker.answer()
    stage.forwarder.step()
    assert stage.arrived("events") == [1, 2]


def test_events_go_before_summaries(stage):
    stage.broker.cut()
    stage.accept(*map(summary, range(200)))
    stage.accept(health())
    stage.broker.restore()
    stage.forwarder.step()

    assert stage.broker.received[0][0] == events_topic(GATEWAY, "events")


def test_publishes_stay_below_the_rate():
    stage = Rehearsal(publishes_per_s=10.0)
    for number in range(100):
        stage.spool.append(f"boot{number}", [health(number)])  # one envelope each: none spans two boots
    stage.pass_time(5)

    assert 45 <= len(stage.broker.received) <= 52


def test_without_limit_only_the_window_holds_publishes_back():
    stage = Rehearsal(publishes_per_s=1.0, unlimited=True)
    for number in range(100):
        stage.spool.append(f"boot{number}", [health(number)])
    stage.pass_time(5)

    assert len(stage.broker.received) == 100


def test_a_block_refused_while_others_pass_is_given_up_and_its_lane_goes_on(stage):
    stage.broker.refuses = lambda payload: b'"wall_ms":13' in payload
    stage.accept(health(13))
    stage.forwarder.step()
    stage.accept(health(2))
    stage.pass_time(30)

    assert stage.arrived("events")[0] == 2
    assert stage.traffic.given_up == 1
    assert stage.spool.counters()["quarantined"] == 1
    declared = [each for _, raw in stage.broker.received for each in decode_envelope(raw).declared]
    assert Declared(first=1, last=1, reason="refused") in declared
    stage.cloud_says("events", through=3)
    assert stage.spool.pending()["events"] == 0


def test_if_everything_is_refused_nothing_is_given_up(stage):
    stage.broker.refuses = lambda _: True
    for number in range(60):
        stage.accept(health(number))
        stage.pass_time(1)
    assert stage.traffic.given_up == 0
    assert stage.traffic.refused < 200

    stage.broker.refuses = lambda _: False
    stage.pass_time(60)

    assert stage.traffic.given_up == 0
    arrived = {seq for _, raw in stage.broker.received for seq in sequences(raw)}
    assert arrived == set(range(1, 61))


def test_too_many_answers_at_once_are_counted_and_the_newest_state_still_comes(stage):
    for _ in range(100):
        stage.broker.say(stored_topic(GATEWAY), encode_stored(Stored(spool_id="spool-1", lane="events", through=0)))
    stage.forwarder.step()

    assert stage.traffic.watermarks + stage.traffic.unheard == 100


def sequences(raw: bytes) -> range:
    envelope = decode_envelope(raw)
    return range(envelope.first_seq, envelope.last_seq + 1)
