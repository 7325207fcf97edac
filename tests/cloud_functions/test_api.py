from typing import Any
from urllib.parse import quote

import pytest

from cloud_functions.adapters.memory import MemoryTable
from cloud_functions.core import detail
from cloud_functions.core.errors import StoreError
from cloud_functions.core.ports import AnyRow, Span
from tests.cloud_functions.make import (
    NOW_MS,
    context,
    disagreement,
    drift,
    envelope,
    episode,
    health,
    summary,
)
from tests.cloud_functions.world import World

DAY_MS = 86_400_000


def lane(**differing: Any) -> dict[str, Any]:
    usual = {"stored": 0, "missing": 0, "coming": 0, "missing_since_ms": None, "given_up": {}, "moved_ms": NOW_MS}
    return usual | differing


def test_an_empty_fleet_is_an_empty_list(world: World) -> None:
    assert world.ask("/api/fleet") == (200, {"generated_ms": NOW_MS, "quarantined": 0, "gateways": []})


def test_the_fleet_shows_each_gateway_once(world: World) -> None:
    world.send(envelope(1, health(), episode()), envelope(3, summary(), lane="summaries"), b"poison")
    _, fleet = world.ask("/api/fleet")
    assert fleet["quarantined"] == 1
    assert fleet["gateways"] == [
        {
            "gateway_id": "gw-1",
            "last_seen_ms": NOW_MS,
            "online": True,
            "status": "ok",
            "open_alerts": 1,
            "version": "0.1.0",
            "degraded": [],
            "quarantined": 1,
            "sensors": {"host": {"state": "armed", "rate_hz": 10.0}},
            "lanes": {"events": lane(stored=2), "summaries": lane(stored=1, coming=2)},
            "software": None,
            "replaces": "",
            "replaced_by": "",
        }
    ]


@pytest.mark.parametrize(
    ("state", "later_ms", "expected"),
    [
        ("armed", 30_000, "ok"),
        ("armed", 30_001, "offline"),
        ("calibrating", 0, "calibrating"),
        ("failed", 0, "degraded"),
    ],
)
def test_status_follows_sensors_and_silence(world: World, state: str, later_ms: int, expected: str) -> None:
    world.send(envelope(1, health(state=state, interval_ms=10_000)))
    world.clock.now_ms += later_ms
    (gateway,) = world.ask("/api/fleet")[1]["gateways"]
    assert (gateway["status"], gateway["online"]) == (expected, expected != "offline")


def test_any_message_shows_that_a_gateway_lives(world: World) -> None:
    world.send(envelope(1, summary(), lane="summaries"))
    (gateway,) = world.ask("/api/fleet")[1]["gateways"]
    assert (gateway["online"], gateway["status"], gateway["version"]) == (True, "calibrating", "")


def test_detail_holds_the_window_and_nothing_else(world: World) -> None:
    times = [NOW_MS - minutes * 60_000 for minutes in (20, 9, 1)]
    world.send(envelope(1, *map(summary, times), lane="summaries"), envelope(1, health()))
    _, view = world.ask("/api/gateways/gw-1", minutes="10")
    assert [one["wall_ms"] for one in view["summaries"]] == times[1:]
    assert (view["from_ms"], view["to_ms"]) == (NOW_MS - 600_000, NOW_MS)
    assert view["health"]["version"] == "0.1.0"


def test_detail_crosses_midnight(world: World) -> None:
    midnight = NOW_MS - NOW_MS % DAY_MS
    world.clock.now_ms = midnight + 60_000
    world.send(envelope(1, summary(midnight - 1000), lane="summaries"))
    world.send(envelope(2, summary(midnight + 1000), lane="summaries"))
    _, view = world.ask("/api/gateways/gw-1")
    assert len(view["summaries"]) == 2


def test_too_many_summaries_lose_the_oldest_and_say_so(world: World) -> None:
    count = detail.MAX_SUMMARIES + 5
    events = [summary(NOW_MS - n * 100) for n in range(count)]
    world.send(*(envelope(n + 1, *events[n : n + 100], lane="summaries") for n in range(0, count, 100)))
    _, view = world.ask("/api/gateways/gw-1", minutes="60")
    assert (len(view["summaries"]), view["truncated"]) == (detail.MAX_SUMMARIES, 5)
    assert view["summaries"][-1]["wall_ms"] == NOW_MS


def test_drifts_of_the_time_asked_for_are_listed_once_each(world: World) -> None:
    old, recent = drift(wall_ms=NOW_MS - 3_600_000), drift(wall_ms=NOW_MS - 1000)
    ended = drift("ended", wall_ms=NOW_MS - 500)
    sent = envelope(1, old, recent, ended)
    world.send(sent, sent)
    _, view = world.ask("/api/gateways/gw-1", minutes="10")
    assert [(one["phase"], one["wall_ms"]) for one in view["drifts"]] == [
        ("began", NOW_MS - 1000),
        ("ended", NOW_MS - 500),
    ]


def test_disagreements_are_told_apart_from_drifts(world: World) -> None:
    world.send(envelope(1, drift(), disagreement()))
    _, view = world.ask("/api/gateways/gw-1")
    assert len(view["drifts"]) == 1
    assert [one["only"] for one in view["disagreements"]] == ["candidate"]


def test_an_episode_that_still_lasts_is_shown_however_long_ago_it_began(world: World) -> None:
    began = NOW_MS - 2 * 3_600_000
    world.send(envelope(1, episode(onset=began), episode(onset=began - 5, episode_id="x")))
    world.send(envelope(3, episode("closed", onset=began - 5, duration_ms=9, episode_id="x")))
    _, view = world.ask("/api/gateways/gw-1")
    assert [(one["phase"], one["onset_wall_ms"]) for one in view["episodes"]] == [("opened", began)]


def test_context_comes_in_parts_in_order(world: World) -> None:
    of, other = episode(), episode(onset=NOW_MS - 77)
    world.send(envelope(1, of, other))
    world.send(envelope(1, context(of, 2, 2), context(other), context(of, 1, 2), lane="context"))
    _, view = world.ask(f"/api/gateways/gw-1/episodes/{quote(of.episode_id, safe='')}/context")
    assert [part.get("part", 1) for part in view["parts"]] == [1, 2]


def test_quarantined_and_unknown_events_are_no_summaries(world: World) -> None:
    world.send(envelope(1, b'{"kind":"summary"}', b'{"kind":"tomorrow"}', summary(), lane="summaries"))
    assert len(world.ask("/api/gateways/gw-1")[1]["summaries"]) == 1


def test_alerts_are_open_ones_unless_all_are_asked_for(world: World) -> None:
    world.send(envelope(1, episode(), episode(onset=NOW_MS - 500)))
    world.send(envelope(3, episode("closed", duration_ms=100)))
    _, opened = world.ask("/api/alerts")
    _, both = world.ask("/api/alerts", state="all")
    assert [one["state"] for one in opened["alerts"]] == ["open"]
    assert [one["state"] for one in both["alerts"]] == ["closed", "open"]
    assert both["alerts"][0] == {
        "alert_id": episode().episode_id,
        "gateway_id": "gw-1",
        "sensor": "host",
        "episode_id": episode().episode_id,
        "state": "closed",
        "opened_ms": NOW_MS,
        "closed_ms": NOW_MS + 100,
        "severity": "major",
        "top_channel": "cpu_percent",
        "reason": "cpu_percent is far above its calibration",
        "peak_score": 2.5,
        "notified_ms": None,
        "about": "episode",
    }


def test_what_has_expired_is_not_shown_even_before_it_is_deleted(world: World) -> None:
    world.send(envelope(1, episode()), envelope(1, summary(), lane="summaries"))
    world.clock.now_ms += 4 * DAY_MS
    assert world.ask("/api/alerts", state="all")[1]["alerts"] == []
    assert world.ask("/api/fleet")[1]["gateways"][0]["open_alerts"] == 0
    assert world.ask(f"/api/gateways/gw-1/episodes/{episode().episode_id}/context")[0] == 404


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        ("/api/gateways/nobody", {}, 404),
        ("/api/gateways/a%2Fb", {}, 400),
        ("/api/gateways/gw-1", {"minutes": "0"}, 400),
        ("/api/gateways/gw-1", {"minutes": "1441"}, 400),
        ("/api/gateways/gw-1", {"minutes": "-5"}, 400),
        ("/api/gateways/gw-1", {"minutes": "٣"}, 400),
        ("/api/gateways/gw-1/episodes/none/context", {}, 404),
        ("/api/alerts", {"state": "shut"}, 400),
        ("/api/secrets", {}, 404),
        ("/", {}, 404),
    ],
)
def test_a_wrong_question_is_answered_with_what_to_ask(
    world: World, path: str, parameters: dict[str, str], status: int
) -> None:
    answered, body = world.ask(path, **parameters)
    assert answered == status
    assert body["error"]
    assert body["remedy"]


def test_a_silent_table_is_a_503_without_its_details() -> None:
    class Silent(MemoryTable):
        def query(self, span: Span) -> list[AnyRow]:
            raise StoreError(f"arn:aws:secret {span}")

    status, body = World(Silent()).ask("/api/fleet")
    assert status == 503
    assert "arn" not in body["error"]
