"""The page says how far a new version is, and why it was taken back."""

from playwright.sync_api import expect

from tests.dashboard.world import NOW


def add(world, rollout_id="r1", **changes):
    said = {"rollout_id": rollout_id, "what": "model level", "release": "2.0.0", "state": "running", "by": "ops"}
    said |= {"reason": "canaries: 1 of 2 have it", "wave": 0, "waves": 3, "created_ms": NOW - 60_000, "updated_ms": NOW}
    world.rollouts.append(said | changes)
    wave = {"number": 0, "name": "canaries", "job_id": f"{rollout_id}-w1", "state": "running", "gateways": 2}
    wave |= {"counts": {"SUCCEEDED": 1, "FAILED": 1}, "reasons": {"probe: <b>no</b> samples": ["press"]}}
    world.waves[rollout_id] = [wave]


def test_the_latest_rollout_is_shown_by_its_waves_and_reasons_as_it_goes_on(world, watched):
    world.add_gateway("press")
    add(world)
    page = watched.open("#/")
    expect(page.locator(".rollouts .fact")).to_contain_text("model level 2.0.0: Running, wave 1 of 3")
    expect(page.locator(".rollouts .ranges")).to_contain_text("1 succeeded, 1 failed")
    expect(page.locator(".rollouts .ranges li li")).to_contain_text("1: probe: <b>no</b> samples press")
    world.rollouts[0] |= {"state": "aborted"}
    expect(page.locator(".rollouts .fact-bad")).to_contain_text("Taken back")


def test_without_rollouts_there_is_nothing_of_them_and_a_gateway_shows_the_release_it_runs(world, watched):
    world.add_gateway("press", software={"application": "0.9.0", "model": "3", "configuration": "c", "update": "idle"})
    page = watched.open("#/")
    expect(page.locator(".fleet .version")).to_have_text("0.9.0")
    expect(page.locator(".rollouts")).to_have_count(0)
