"""A gateway that comes back with a backlog: what is new never waits behind it, and nothing of it is lost."""

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.codec import decode_envelope, encode_stored
from contract.envelope import Range, Stored
from contract.health import Health
from contract.topics import stored_topic
from device_agent.lane_progress import FRESH_EVENTS
from device_agent.spool.memory import MemorySpool
from device_agent.spool.port import Block
from device_agent.spool.trouble import SpoolTroubleError
from tests.device_agent.test_forwarder import GATEWAY, Rehearsal, health, sequences, summary


def behind(hours_of_health: int, **limits: float) -> Rehearsal:
    """A gateway that was offline: an envelope of its own for each health, as the worst case."""
    stage = Rehearsal(**limits)
    stage.broker.cut()
    stage.forwarder.step()
    for number in range(hours_of_health):
        stage.spool.append(f"boot{number}", [health(number)])
    return stage


def arrived_at(stage: Rehearsal, number: int) -> int:
    """How many messages arrived before the health of that time, itself included."""
    mark = f'"wall_ms":{number},'.encode()
    return next(i for i, (_, raw) in enumerate(stage.broker.received, 1) if mark in raw)


def test_a_live_event_passes_a_backlog_of_thousands() -> None:
    stage = behind(3000)
    stage.broker.restore()
    stage.pass_time(2)
    before = len(stage.broker.received)
    stage.accept(health(999_999))
    stage.pass_time(0.2)

    assert arrived_at(stage, 999_999) <= before + 12
    assert before < 200


def test_the_backlog_drains_oldest_first_and_completely() -> None:
    stage = behind(120)
    stage.broker.restore()
    stage.forwarder.step()
    for number in range(20):
        stage.accept(health(10_000 + number))
        stage.pass_time(0.3)

    order = [seq for _, raw in stage.broker.received for seq in sequences(raw)]
    end = 120 - FRESH_EVENTS
    backlog = [seq for seq in order if seq <= end]
    live = [seq for seq in order if seq > end]
    assert backlog == sorted(backlog) == list(range(1, end + 1))
    assert live == sorted(live) == list(range(end + 1, 141))


def test_a_backlog_that_the_cloud_names_missing_is_not_sent_twice() -> None:
    stage = behind(300)
    stage.broker.restore()
    stage.accept(health(10_000))
    stage.pass_time(1)
    stage.cloud_says("events", through=0, missing=[Range(first=1, last=300)])
    stage.pass_time(30)

    order = [seq for _, raw in stage.broker.received for seq in sequences(raw)]
    assert sorted(set(order)) == list(range(1, 302))
    assert stage.traffic.resent <= 60, "at most what had been sent when the cloud spoke"


def test_a_link_that_flaps_while_a_backlog_drains_loses_and_doubles_nothing() -> None:
    stage = behind(200)
    for number in range(8):
        stage.broker.restore()
        stage.accept(health(10_000 + number))
        stage.pass_time(0.5)
        stage.broker.cut()
        stage.forwarder.step()
        stage.accept(health(20_000 + number))
    stage.broker.restore()
    stage.pass_time(20)

    order = [seq for _, raw in stage.broker.received for seq in sequences(raw)]
    assert sorted(order) == list(range(1, 217))


def test_what_the_cloud_never_understands_is_given_up_after_three_copies() -> None:
    stage = Rehearsal()
    stage.accept(health(1))
    stage.forwarder.step()
    for number in range(2, 60):
        stage.accept(health(number))
        stage.pass_time(30, step_s=0.5)
        stage.cloud_says("events", through=0, missing=[Range(first=1, last=1)])

    assert stage.arrived("events").count(1) == 4
    assert stage.traffic.given_up == 1
    declared = [each for _, raw in stage.broker.received for each in decode_envelope(raw).declared]
    assert (declared[0].first, declared[0].last, declared[0].reason) == (1, 1, "refused")


def test_one_late_copy_is_no_poison() -> None:
    stage = Rehearsal()
    stage.accept(health(1))
    stage.forwarder.step()
    stage.accept(health(2))
    stage.forwarder.step()
    stage.cloud_says("events", through=0, missing=[Range(first=1, last=1)])
    stage.pass_time(6)
    stage.cloud_says("events", through=2)
    stage.pass_time(600)

    assert stage.traffic.given_up == 0
    assert stage.arrived("events") == [1, 2, 1]


class FailingSpool(MemorySpool):
    """A spool whose disk can be taken away."""

    failing = False

    def take(self, *arguments: object, **options: object) -> Block | None:
        self._maybe_fail()
        return super().take(*arguments, **options)  # type: ignore[arg-type]

    def forget(self, *arguments: object) -> int:  # type: ignore[override]
        self._maybe_fail()
        return super().forget(*arguments)  # type: ignore[arg-type]

    def _maybe_fail(self) -> None:
        if self.failing:
            raise SpoolTroubleError("spool: read-only", kind="read-only")


def test_a_spool_that_fails_ends_nothing_and_no_watermark_is_forgotten() -> None:
    stage = Rehearsal()
    spool = FailingSpool("spool-1")
    stage.spool = spool
    stage.start()
    stage.accept(health(1), health(2))
    stage.pass_time(1)
    spool.failing = True
    stage.cloud_says("events", through=2)
    stage.pass_time(30)
    assert "read-only" in stage.forwarder.trouble
    assert 5 < stage.traffic.spool_failures < 40
    spool.failing = False
    stage.pass_time(2)

    assert spool.pending()["events"] == 0
    assert stage.forwarder.trouble == ""


def test_a_cloud_that_is_silent_for_a_day_is_an_alarm_and_no_storm() -> None:
    stage = Rehearsal()
    for minute in range(24 * 60):
        stage.accept(health(minute))
        stage.pass_time(60, step_s=15)

    assert stage.forwarder.cloud_is_silent
    assert stage.traffic.probes in range(20, 25)
    assert stage.traffic.publishes == 24 * 60 + stage.traffic.probes
    stage.cloud_says("events", through=24 * 60)
    assert not stage.forwarder.cloud_is_silent


def test_a_link_that_was_away_for_a_day_is_not_the_clouds_silence() -> None:
    stage = Rehearsal()
    stage.accept(health(1))
    stage.pass_time(5)
    stage.broker.cut()
    stage.pass_time(24 * 3600, step_s=60)
    stage.broker.restore()
    stage.pass_time(60)

    assert stage.traffic.probes == 0
    assert not stage.forwarder.cloud_is_silent


def test_a_gateway_with_nothing_to_confirm_is_never_alarmed() -> None:
    stage = Rehearsal()
    stage.accept(summary(1))
    stage.pass_time(10)
    stage.cloud_says("summaries", through=1)
    stage.pass_time(20 * 3600, step_s=60)

    assert not stage.forwarder.cloud_is_silent
    assert stage.traffic.probes == 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(actions=st.lists(st.sampled_from(["accept", "cut", "restore", "wait", "mark", "restart"]), max_size=60))
def test_whatever_the_link_does_everything_arrives_and_the_watermark_passes(actions: list[str]) -> None:
    stage = Rehearsal()
    number = 0

    def cloud_speaks() -> None:
        held = {seq for _, raw in stage.broker.received for seq in sequences(raw)}
        held |= {
            seq
            for _, raw in stage.broker.received
            for each in decode_envelope(raw).declared
            for seq in range(each.first, each.last + 1)
        }
        through = next((seq for seq in range(1, max(held, default=0) + 2) if seq not in held), 1) - 1
        missing = [Range(first=seq, last=seq) for seq in range(through + 1, max(held, default=0)) if seq not in held]
        stored = Stored(spool_id="spool-1", lane="events", through=through, missing=missing[:100])
        stage.broker.say(stored_topic(GATEWAY), encode_stored(stored))

    for action in actions:
        if action == "accept":
            events: list[Health] = [health(number + offset) for offset in range(3)]
            stage.accept(*events)
            number += 3
        elif action == "cut":
            stage.broker.cut()
        elif action == "restore":
            stage.broker.restore()
        elif action == "mark":
            cloud_speaks()
        elif action == "restart":
            stage.start()
        stage.pass_time(1, step_s=0.25)
    stage.broker.restore()
    for _ in range(6):
        stage.pass_time(10, step_s=0.5)
        cloud_speaks()
        stage.pass_time(1)

    assert {seq for _, raw in stage.broker.received for seq in sequences(raw)} == set(range(1, number + 1))
    assert stage.spool.pending()["events"] == 0
    assert stage.traffic.given_up == 0
