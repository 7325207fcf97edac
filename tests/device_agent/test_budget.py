"""What a month may cost: who waits above its line, and what clocks and disks cannot do to the count."""

import datetime as dt
from pathlib import Path

import pytest

from contract.codec import decode_envelope
from contract.topics import events_topic
from device_agent.budget import CONNECT_BYTES, PING_BYTES, PUBLISH_BYTES, WRITE_EVERY_S, Budget
from device_agent.clock import SimulatedClock
from tests.device_agent.test_forwarder import GATEWAY, Rehearsal, health, summary

MONTHLY = 30_000_000
DAILY = MONTHLY // 30


def clock_at(text: str) -> SimulatedClock:
    return SimulatedClock(wall_ms=int(dt.datetime.fromisoformat(text).timestamp() * 1000))


@pytest.fixture
def clock() -> SimulatedClock:
    return clock_at("2026-11-10T12:00:00+00:00")


def budget(clock: SimulatedClock, path: Path | None = None, monthly: int = MONTHLY) -> Budget:
    made = Budget(monthly, keep_alive_s=30, clock=clock, path=path)
    made.tick(connected=False, connects=0)
    return made


def spend(one: Budget, count: int) -> None:
    one.published(count - PUBLISH_BYTES)
    one.tick(connected=False, connects=0)


def test_above_the_line_of_today_context_waits_then_summaries_and_events_never(clock: SimulatedClock) -> None:
    one = budget(clock)
    spend(one, 10 * DAILY)
    assert one.status().held == []
    spend(one, 1)
    assert one.status().held == ["context"]
    spend(one, DAILY)
    assert set(one.status().held) == {"context", "summaries"}
    spend(one, 100 * DAILY)

    assert one.allows("events")


def test_what_was_held_goes_when_the_line_has_caught_up(clock: SimulatedClock) -> None:
    one = budget(clock)
    spend(one, 10 * DAILY + 1)
    clock.advance(86_400)
    one.tick(connected=False, connects=0)

    assert one.status().held == []


def test_no_budget_holds_nothing_and_counts_all_the_same(clock: SimulatedClock) -> None:
    one = budget(clock, monthly=0)
    spend(one, 10**9)

    assert one.status().held == []
    assert one.status().used_bytes == 10**9


def test_connections_and_an_idle_hour_are_counted(clock: SimulatedClock) -> None:
    one = budget(clock)
    one.tick(connected=True, connects=2)
    for _ in range(3600):
        clock.advance(1)
        one.tick(connected=True, connects=2)

    assert one.status().used_bytes == pytest.approx(2 * CONNECT_BYTES + 120 * PING_BYTES, abs=2)


def test_a_new_month_begins_at_nothing(clock: SimulatedClock) -> None:
    one = budget(clock)
    spend(one, 25 * DAILY)
    clock.advance(21 * 86_400)
    one.tick(connected=False, connects=0)

    assert (one.status().month, one.status().used_bytes, one.status().held) == ("2026-12", 0, [])


def test_a_clock_that_jumps_ten_years_and_back_finds_the_count_again(clock: SimulatedClock) -> None:
    one = budget(clock)
    spend(one, 12 * DAILY)
    clock.jump_wall(3650 * 86_400)
    one.tick(connected=False, connects=0)
    assert one.status().used_bytes == 0
    clock.jump_wall(-3650 * 86_400)
    one.tick(connected=False, connects=0)

    assert (one.status().month, one.status().used_bytes) == ("2026-11", 12 * DAILY)


def test_before_the_clock_is_set_it_counts_for_the_month_that_comes() -> None:
    clock = clock_at("1970-01-02T00:00:00+00:00")
    one = budget(clock)
    spend(one, 5000)
    clock.jump_wall(56.9 * 365.25 * 86_400)
    one.tick(connected=False, connects=0)

    assert one.status().used_bytes == 5000
    assert one.status().month == "2026-11"


def test_the_count_outlives_a_restart_and_an_unset_clock(clock: SimulatedClock, tmp_path: Path) -> None:
    first = budget(clock, tmp_path / "budget.json")
    spend(first, 7000)
    first.close()
    second = budget(clock_at("1970-01-01T01:00:00+00:00"), tmp_path / "budget.json")

    assert (second.status().month, second.status().used_bytes) == ("2026-11", 7000)


def test_it_is_written_rarely(clock: SimulatedClock, tmp_path: Path) -> None:
    one = budget(clock, tmp_path / "budget.json")
    spend(one, 7000)
    clock.advance(WRITE_EVERY_S - 1)
    spend(one, 1000)
    assert not (tmp_path / "budget.json").exists()
    clock.advance(1)
    spend(one, 1000)

    assert (tmp_path / "budget.json").exists()


def test_a_damaged_file_begins_anew_and_a_missing_folder_ends_nothing(clock: SimulatedClock, tmp_path: Path) -> None:
    (tmp_path / "budget.json").write_bytes(b"{torn")
    assert budget(clock, tmp_path / "budget.json").status().used_bytes == 0

    nowhere = budget(clock, tmp_path / "gone" / "budget.json")
    spend(nowhere, 1000)
    nowhere.close()
    assert nowhere.status().unwritten == 1


def test_the_forecast_is_the_rate_so_far_over_the_whole_month(clock: SimulatedClock) -> None:
    one = budget(clock)
    spend(one, 950_000)

    assert one.status().forecast_bytes == pytest.approx(3_000_000, rel=0.01)


def test_the_forwarder_keeps_summaries_back_and_sends_events_when_the_month_is_spent() -> None:
    stage = Rehearsal(monthly_bytes=1)
    stage.accept(*map(health, range(5)))
    stage.pass_time(1)
    stage.accept(*map(summary, range(5)))
    stage.accept(*map(health, range(5)))
    stage.pass_time(60)

    assert stage.arrived("summaries") == []
    topic = events_topic(GATEWAY, "events")
    assert sum(len(decode_envelope(raw).events) for to, raw in stage.broker.received if to == topic) == 10
    assert stage.spool.pending()["summaries"] == 5
