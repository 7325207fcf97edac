"""What sensing hands over is accepted in order, however the disk behaves."""

from collections.abc import Sequence

import pytest

from contract.events import Lane, Loss
from contract.health import Health
from contract.kinds import AnyEvent, lane_of
from contract.readings import Context, Summary
from device_agent.spool.intake import LAST_RETRY_S, Intake, Patience
from device_agent.spool.memory import MemorySpool
from device_agent.spool.port import Accepted, Lost
from device_agent.spool.trouble import SpoolTroubleError


class BrokenDisk(MemorySpool):
    """A spool whose disk can be taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.appends = 0
        self.most_events = 1 << 30

    def append(self, boot_id: str, events: Sequence[AnyEvent], lost: Sequence[Lost] = ()) -> list[Accepted]:
        self.appends += 1
        if self.broken or len(events) > self.most_events:
            raise SpoolTroubleError("spool: disk full", kind="full")
        return super().append(boot_id, events, lost)

    def tell_losses(self, boot_id: str, *, wall_ms: int, monotonic_ms: int) -> list[tuple[Loss, Accepted]]:
        if self.broken:
            raise SpoolTroubleError("spool: disk full", kind="full")
        return super().tell_losses(boot_id, wall_ms=wall_ms, monotonic_ms=monotonic_ms)


class Desk:
    """An intake over such a disk, with time in the test's hands."""

    def __init__(self, *, group_commit_s: float = 1.0, hold_bytes: int = 100_000) -> None:
        self.now_s = 100.0
        self.disk = BrokenDisk()
        self.accepted: list[AnyEvent] = []
        self.intake = Intake(
            self.disk,
            "boot",
            Patience(group_commit_s, hold_bytes),
            monotonic_s=lambda: self.now_s,
            on_accepted=lambda events, _: self.accepted.extend(events),
        )

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.intake.tick()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def health(number: int = 0) -> Health:
    return Health(wall_ms=number, monotonic_ms=number, version="1", uptime_ms=0, interval_ms=1, sensors={})


def summary(number: int = 0) -> Summary:
    return Summary(
        wall_ms=number, monotonic_ms=number, sensor="s", start_wall_ms=0, scans=1, state="armed", channels={}
    )


def context(number: int = 0) -> Context:
    return Context(wall_ms=number, monotonic_ms=number, episode_id="e", sensor="s", scans=0, traces={})


def times(desk: Desk, lane: Lane) -> list[int]:
    return [event.wall_ms for event in desk.accepted if lane_of(event) == lane]


def test_an_event_is_on_disk_when_offer_returns(desk: Desk) -> None:
    desk.intake.offer([health()])

    assert desk.accepted == [health()]
    assert desk.disk.pending()["events"] == 1


def test_a_summary_waits_for_the_common_write_and_no_longer(desk: Desk) -> None:
    desk.intake.offer([summary(1)])
    desk.later(0.5)
    desk.intake.offer([summary(2)])
    assert desk.accepted == []
    desk.later(0.6)

    assert times(desk, "summaries") == [1, 2]
    assert desk.disk.appends == 1


def test_without_group_commit_everything_is_written_at_once() -> None:
    desk = Desk(group_commit_s=0)
    desk.intake.offer([summary(1)])

    assert times(desk, "summaries") == [1]


def test_what_waits_rides_along_with_an_event(desk: Desk) -> None:
    desk.intake.offer([summary(1)])
    desk.intake.offer([health(2)])

    assert desk.accepted == [summary(1), health(2)]
    assert desk.disk.appends == 1


def test_nothing_is_lost_while_the_disk_is_full_for_a_while(desk: Desk) -> None:
    desk.disk.broken = True
    for number in range(20):
        desk.intake.offer([health(number), summary(number)])
        desk.later(1)
    assert desk.accepted == []
    assert "disk full" in desk.intake.trouble
    desk.disk.broken = False
    desk.later(LAST_RETRY_S)

    assert times(desk, "events") == list(range(20)) == times(desk, "summaries")
    assert desk.intake.trouble == ""


def test_a_broken_disk_is_not_asked_more_than_it_must_be(desk: Desk) -> None:
    desk.disk.broken = True
    for _ in range(600):
        desk.intake.offer([health()])
        desk.later(0.1)

    assert 10 <= desk.disk.appends <= 20
    assert desk.intake.counters["append_failures"] == desk.disk.appends


def test_too_much_held_sheds_the_lowest_lanes_oldest_and_tells_it_later() -> None:
    desk = Desk(hold_bytes=2_000)
    desk.disk.broken = True
    for number in range(30):
        desk.intake.offer([context(number), health(number)])
    desk.disk.broken = False
    desk.later(LAST_RETRY_S)
    desk.intake.tell_losses(wall_ms=1, monotonic_ms=1)

    told = {event.of_lane: event.count for event in desk.accepted if event.__struct_config__.tag == "loss"}
    assert told["context"] == 30
    assert [event for event in desk.accepted if isinstance(event, Health)][-1] == health(29), "the newest is kept"
    assert told["context"] + len(times(desk, "context")) == 30
    assert told["events"] + len([e for e in desk.accepted if isinstance(e, Health)]) == 30
    assert desk.intake.counters["shed.context"] == 30


def test_a_stop_writes_what_waits(desk: Desk) -> None:
    desk.intake.offer([summary(1), context(2)])

    assert desk.intake.flush()
    assert desk.accepted == [summary(1), context(2)]


def test_a_stop_says_what_it_could_not_write(desk: Desk) -> None:
    desk.disk.broken = True
    desk.intake.offer([summary(1)])

    assert not desk.intake.flush()


def test_what_was_held_long_is_written_in_pieces_and_in_order() -> None:
    desk = Desk(hold_bytes=2_000_000)
    desk.disk.broken = True
    for number in range(9000):
        desk.intake.offer([summary(number)])
    failures = desk.disk.appends
    desk.disk.broken = False
    desk.later(LAST_RETRY_S)

    assert times(desk, "summaries") == list(range(9000))
    assert desk.disk.appends - failures > 3


def test_where_only_little_fits_that_much_is_written() -> None:
    desk = Desk(hold_bytes=2_000_000)
    desk.disk.broken = True
    for number in range(2000):
        desk.intake.offer([health(number)])
    desk.disk.broken, desk.disk.most_events = False, 200
    for _ in range(60):
        desk.later(LAST_RETRY_S)

    assert times(desk, "events") == list(range(2000))


def test_trouble_that_only_the_losses_met_is_over_when_they_are_told(desk: Desk) -> None:
    desk.disk.broken = True
    desk.intake.tell_losses(wall_ms=1, monotonic_ms=1)
    assert "disk full" in desk.intake.trouble
    desk.disk.broken = False
    desk.intake.tell_losses(wall_ms=1, monotonic_ms=1)

    assert desk.intake.trouble == ""
