"""A place that more than one gateway has held: one history, told by the latest."""

from cloud_functions.core.devices import PlaceRow
from cloud_functions.core.keys import fleet_key
from tests.cloud_functions.make import NOW_MS, context, envelope, episode, health, summary
from tests.cloud_functions.world import World


def placed(world: World, gateway_id: str, **fields: object) -> None:
    pk, sk = fleet_key(gateway_id, "place")
    values = {"pk": pk, "sk": sk, "gateway_id": gateway_id, **fields}
    world.table.merge(PlaceRow(**values), rank="version")  # type: ignore[arg-type]


def replaced(world: World, old: str = "old", new: str = "new") -> None:
    placed(world, new, replaces=old, since_ms=NOW_MS)
    placed(world, old, replaced_by=new, since_ms=NOW_MS, retired_ms=NOW_MS)


def told(world: World, gateway_id: str, *, onset: int) -> None:
    happened = episode(onset=onset, episode_id=f"{gateway_id}.host.b.{onset}")
    world.send(
        envelope(1, happened, gateway_id=gateway_id),
        envelope(1, summary(onset), gateway_id=gateway_id, lane="summaries"),
        envelope(1, context(happened), gateway_id=gateway_id, lane="context"),
    )


def test_the_new_gateway_shows_the_history_of_the_old_one(world: World):
    told(world, "old", onset=NOW_MS - 120_000)
    told(world, "new", onset=NOW_MS - 60_000)
    replaced(world)

    status, shown = world.ask("/api/gateways/new")

    assert status == 200
    assert [one["episode_id"].split(".")[0] for one in shown["episodes"]] == ["old", "new"]
    assert [one["wall_ms"] for one in shown["summaries"]] == [NOW_MS - 120_000, NOW_MS - 60_000]
    assert shown["continues"] == ["old"]


def test_the_old_one_keeps_its_own(world: World):
    told(world, "old", onset=NOW_MS - 120_000)
    told(world, "new", onset=NOW_MS - 60_000)
    replaced(world)
    _, shown = world.ask("/api/gateways/old")
    assert [one["episode_id"].split(".")[0] for one in shown["episodes"]] == ["old"]
    assert shown["continues"] == []


def test_raw_readings_of_an_old_episode_are_found_under_the_new_name(world: World):
    told(world, "old", onset=NOW_MS - 120_000)
    replaced(world)
    episode_id = f"old.host.b.{NOW_MS - 120_000}"
    status, shown = world.ask(f"/api/gateways/new/episodes/{episode_id}/context")
    assert (status, len(shown["parts"])) == (200, 1)


def test_a_place_may_change_hands_more_than_once(world: World):
    for number, name in enumerate(("first", "second", "third")):
        told(world, name, onset=NOW_MS - 180_000 + 60_000 * number)
    placed(world, "third", replaces="second")
    placed(world, "second", replaces="first")
    _, shown = world.ask("/api/gateways/third")
    assert [one["episode_id"].split(".")[0] for one in shown["episodes"]] == ["first", "second", "third"]
    assert shown["continues"] == ["second", "first"]


def test_a_circle_ends(world: World):
    told(world, "a", onset=NOW_MS - 60_000)
    placed(world, "a", replaces="b")
    placed(world, "b", replaces="a")
    status, _ = world.ask("/api/gateways/a")
    assert status == 200


def test_the_fleet_says_who_is_retired_and_whose_place_it_is(world: World):
    world.send(envelope(1, health(), gateway_id="old"), envelope(1, health(), gateway_id="new"))
    replaced(world)
    _, fleet = world.ask("/api/fleet")
    new, old = fleet["gateways"]
    assert (new["replaces"], new["status"]) == ("old", "ok")
    assert (old["replaced_by"], old["status"]) == ("new", "retired")
