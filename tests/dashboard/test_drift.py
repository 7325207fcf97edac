"""The page says what has drifted."""

from playwright.sync_api import expect

from tests.dashboard.world import NOW


def test_what_has_drifted_is_a_sentence_and_its_history_is_there_for_those_who_ask(world, watched):
    world.add_gateway("press")
    detail = world.details["press"]
    detail["health"]["sensors"]["host"]["drifting"] = ["level of temperature"]
    told = {"kind": "drift", "wall_ms": NOW - 60_000, "sensor": "host", "reason": "temperature stays <b>above</b>"}
    detail["drifts"] = [told]
    page = watched.open("#/gateway/press")
    expect(page.locator(".drift .fact")).to_have_text("host: level of temperature has drifted from its calibration")
    page.locator(".drift summary").click()
    expect(page.locator(".drift .ranges li")).to_contain_text("host: temperature stays <b>above</b>")


def test_a_gateway_without_drift_shows_nothing_of_it(world, watched):
    world.add_gateway("press")
    page = watched.open("#/gateway/press")
    expect(page.locator(".gateway .chip").first).to_be_attached()
    expect(page.locator(".drift")).to_have_count(0)
