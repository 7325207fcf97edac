"""The page says how a candidate does beside the active filter."""

from playwright.sync_api import expect

from tests.dashboard.world import NOW


def test_a_candidate_is_a_row_and_its_disagreements_are_there_for_those_who_ask(world, watched):
    world.add_gateway("press")
    detail = world.details["press"]
    shadow = {"model": "level-8 v2", "state": "armed", "agreed": 990, "only_candidate": 10}
    detail["health"]["sensors"]["host"]["shadow"] = shadow
    told = {
        "kind": "disagreement",
        "start_wall_ms": NOW - 60_000,
        "duration_ms": 9000,
        "ended": True,
        "only": "candidate",
    }
    detail["disagreements"] = [
        told | {"sensor": "host", "top_channel": "cpu_percent", "active_score": 0.8, "candidate_score": 1.4}
    ]
    page = watched.open("#/gateway/press")
    cells = page.locator(".shadow tbody td")
    expect(cells.nth(0)).to_have_text("level-8 v2")
    expect(cells.nth(2)).to_have_text("99 %")
    expect(cells.nth(5)).to_have_text("10")
    page.locator(".shadow summary").click()
    expect(page.locator(".shadow .ranges li")).to_contain_text("the candidate alone had an episode")


def test_a_gateway_that_tries_nothing_shows_nothing_of_it(world, watched):
    world.add_gateway("press")
    page = watched.open("#/gateway/press")
    expect(page.locator(".gateway .chip").first).to_be_attached()
    expect(page.locator(".shadow")).to_have_count(0)
