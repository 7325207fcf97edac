"""A gap is shown, and a backlog on its way does not look like one."""

from typing import Any

import pytest

from cloud_functions.adapters.memory import MemoryReplies
from cloud_functions.core.gaps import MAX_RANGES, PATIENCE_MS
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.shape import Retention
from contract.envelope import Declared
from tests.cloud_functions.make import NOW_MS, envelope, health, loss, record, summary
from tests.cloud_functions.world import World


@pytest.fixture
def world() -> World:
    return World()


def lane(world: World, name: str = "events") -> dict[str, Any]:
    (gateway,) = world.ask("/api/fleet")[1]["gateways"]
    shown: dict[str, Any] = gateway["lanes"][name]
    return shown


def gaps(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.ask("/api/gateways/gw-1")[1]["gaps"]
    return found


def test_a_hole_that_stays_is_missing_since_it_stopped_shrinking(world: World) -> None:
    world.send(envelope(1, health()), envelope(14, health()))
    world.clock.now_ms += PATIENCE_MS
    assert (lane(world)["missing"], lane(world)["coming"]) == (0, 12)
    world.clock.now_ms += 1
    assert (lane(world)["missing"], lane(world)["missing_since_ms"]) == (12, NOW_MS)
    (gap,) = gaps(world)
    assert gap == {
        "lane": "events",
        "spool_id": "spool",
        "state": "missing",
        "count": 12,
        "since_ms": NOW_MS,
        "ranges": [{"first": 2, "last": 13}],
    }


def test_a_backlog_that_drains_behind_what_is_new_is_coming_however_long_it_takes(world: World) -> None:
    for done in range(1, 20):
        world.send(envelope(done, health()), envelope(100 + done, health()))
        world.clock.now_ms += PATIENCE_MS
    assert (lane(world)["missing"], lane(world)["coming"]) == (0, 81)


def test_what_still_waits_on_the_gateway_is_not_missing(world: World) -> None:
    world.send(envelope(1, health()), envelope(14, health(spool_pending={"events": 13})))
    world.clock.now_ms += 10 * PATIENCE_MS
    assert (lane(world)["missing"], lane(world)["coming"]) == (0, 12)


def test_events_that_are_stored_and_not_yet_told_do_not_hide_a_hole(world: World) -> None:
    quiet = Settings(interval_ms=10**9, retention=Retention(block_days=2, episode_days=3))
    world.ingest = Ingest(world.table, MemoryReplies(), world.clock, quiet)
    world.clock.now_ms = NOW_MS + 1
    world.send(envelope(1, health()))
    world.send(*(envelope(seq, health()) for seq in range(14, 64)))
    told_once = health(spool_pending={"events": 50})
    world.ingest.ingest([record(envelope(64, told_once), broker_ms=NOW_MS + 2)])
    world.clock.now_ms += PATIENCE_MS + 1
    assert lane(world)["missing"] == 12


def test_a_small_hole_that_was_asked_for_and_does_not_come_is_missing_whatever_health_says(world: World) -> None:
    pending = {"events": 99}
    world.send(envelope(1, health()), envelope(14, health(spool_pending=pending)))
    world.clock.now_ms += PATIENCE_MS + 1
    assert lane(world)["missing"] == 0
    later = record(envelope(15, health(spool_pending=pending)), broker_ms=world.clock.now_ms)
    world.ingest.ingest([later])
    assert (lane(world)["missing"], lane(world)["missing_since_ms"]) == (12, NOW_MS)


def test_a_large_hole_is_a_backlog_while_the_gateway_says_that_it_has_it(world: World) -> None:
    pending = {"events": 5002}
    world.send(envelope(1, health()), envelope(5002, health(spool_pending=pending)))
    world.clock.now_ms += 9 * PATIENCE_MS
    later = record(envelope(5003, health(spool_pending=pending)), broker_ms=world.clock.now_ms)
    world.ingest.ingest([later])
    assert (lane(world)["missing"], lane(world)["coming"]) == (0, 5000)


def test_what_a_former_spool_did_not_send_is_missing(world: World) -> None:
    world.send(envelope(1, health()), envelope(5, health()))
    pending = health(spool_pending={"events": 99})
    world.ingest.ingest([record(envelope(1, pending, spool_id="new"), broker_ms=NOW_MS + 1)])
    world.clock.now_ms += PATIENCE_MS + 1
    assert [(gap["spool_id"], gap["state"]) for gap in gaps(world)] == [("spool", "missing")]


def test_a_gap_that_is_filled_is_gone(world: World) -> None:
    world.send(envelope(1, health()), envelope(3, health()))
    world.clock.now_ms += PATIENCE_MS + 1
    world.send(envelope(2, health()))
    assert gaps(world) == []
    assert lane(world)["missing_since_ms"] is None


def test_a_thousand_holes_are_counted_and_the_lowest_named(world: World) -> None:
    world.send(*(envelope(seq, health()) for seq in range(1, 200, 2)))
    (gap,) = gaps(world)
    assert (gap["count"], len(gap["ranges"]), gap["ranges"][0]) == (99, MAX_RANGES, {"first": 2, "last": 2})


def test_what_a_gateway_gave_up_is_no_gap_and_is_told_with_its_reason(world: World) -> None:
    given_up = [Declared(first=1, last=340, reason="quota"), Declared(first=341, last=342, reason="forgotten")]
    for _ in range(2):
        world.send(envelope(343, summary(), lane="summaries", declared=given_up), envelope(1, loss(340)))
    shown = lane(world, "summaries")
    assert (shown["missing"], shown["coming"], shown["given_up"]) == (0, 0, {"forgotten": 2, "quota": 340})
    (told,) = world.ask("/api/gateways/gw-1")[1]["losses"]
    assert (told["of_lane"], told["count"], told["reason"]) == ("summaries", 340, "quota")


def test_a_gateway_that_says_what_it_cannot_do_is_degraded(world: World) -> None:
    world.send(envelope(1, health(degraded=["spool read-only: events held in memory"])))
    (gateway,) = world.ask("/api/fleet")[1]["gateways"]
    assert (gateway["status"], gateway["degraded"]) == ("degraded", ["spool read-only: events held in memory"])
