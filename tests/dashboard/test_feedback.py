"""The page takes what a person says of an episode, and shows what a gateway makes of it."""

import json
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.dashboard.world import NOW


@pytest.fixture
def episode(world):
    world.add_gateway("press")
    return world.add_episode("press")


def _open(watched, episode):
    return watched.open(f"#/gateway/press/episode/{quote(episode['episode_id'], safe='')}")


def test_a_word_is_kept_and_stays_after_the_page_is_opened_again(world, watched, episode):
    page = _open(watched, episode)
    page.get_by_role("button", name="A false alarm").click()
    expect(page.get_by_role("button", name="A false alarm")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".verdict .note")).to_have_text("said by anna")
    path = f"/api/gateways/press/episodes/{quote(episode['episode_id'], safe='')}/label"
    assert world.told == [(path, {"label": "false"})]
    page.reload()
    expect(page.get_by_role("button", name="A false alarm")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".episodes .alert-foot")).to_contain_text("a false alarm")


def test_a_change_of_mind_moves_the_pressed_button(watched, episode):
    page = _open(watched, episode)
    page.get_by_role("button", name="A false alarm").click()
    page.get_by_role("button", name="A fault").click()
    expect(page.get_by_role("button", name="A fault")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="A false alarm")).to_have_attribute("aria-pressed", "false")


def test_a_word_that_was_not_kept_is_said_to_be_lost(world, watched, episode):
    page = _open(watched, episode)
    expect(page.get_by_role("button", name="Neither")).to_be_enabled()
    world.failure = (503, json.dumps({"error": "the table does not answer", "remedy": "say it again"}).encode())
    page.get_by_role("button", name="Neither").click()
    expect(page.locator(".verdict .note")).to_contain_text("Not kept")
    expect(page.get_by_role("button", name="Neither")).to_have_attribute("aria-pressed", "false")


def test_raised_thresholds_are_shown_and_can_be_taken_back(world, watched):
    world.add_gateway("press")
    raised = {"sensor": "host", "channel": "cpu_percent", "factor": 1.65, "since_ms": NOW - 1000}
    world.details["press"]["feedback"] = {"version": 1, "heard_version": 0, "thresholds": [raised]}
    page = watched.open("#/gateway/press")
    fact = "host: cpu_percent alarms at 1.65 times its usual threshold"
    expect(page.locator(".feedback .fact")).to_have_text(fact)
    expect(page.locator(".feedback")).to_contain_text("on its way to the gateway")
    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".feedback")).to_have_count(0)
    assert world.told == [("/api/gateways/press/feedback/reset", {})]
