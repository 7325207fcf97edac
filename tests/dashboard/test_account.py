"""The page says in plain words what has not come."""

import pytest
from playwright.sync_api import expect

from tests.dashboard.world import NOW

DAY_START = NOW - NOW % 86_400_000


@pytest.fixture
def pump(world):
    world.add_gateway(
        "pump",
        lanes={
            "events": {"stored": 5, "missing": 12, "missing_since_ms": DAY_START + 36_120_000},
            "summaries": {"stored": 1180, "missing": 0, "coming": 81, "given_up": {"quota": 340, "corrupt": 0}},
            "context": {"stored": 1, "missing": 1, "missing_since_ms": NOW},
        },
    )


@pytest.mark.usefixtures("pump")
def test_missing_given_up_and_coming_are_each_a_sentence(watched):
    page = watched.open("#/gateway/pump")
    facts = page.locator(".fact")
    since = page.evaluate("(ms) => new Date(ms).toTimeString().slice(0, 5)", DAY_START + 36_120_000)
    expect(facts.nth(0)).to_have_text(f"12 events missing since {since}")
    expect(facts.nth(1)).to_contain_text("1 context part missing since")
    expect(facts.nth(2)).to_have_text("340 summaries given up by the gateway: disk quota")
    expect(facts.nth(3)).to_have_text("An unknown number of summaries given up by the gateway: damaged on its disk")
    expect(facts.nth(4)).to_have_text("81 summaries on the way")


def test_a_backlog_on_its_way_does_not_look_like_loss(world, watched):
    world.add_gateway("pump", lanes={"events": {"stored": 5, "missing": 0, "coming": 7}})
    page = watched.open("#/gateway/pump")
    expect(page.locator(".fleet td[data-label='Missing'] .calm")).to_have_text("0")
    expect(page.locator(".fleet td[data-label='Missing']")).to_contain_text("7 on the way")
    expect(page.locator(".figure-warn")).to_have_count(0)
    expect(page.locator(".fact-bad")).to_have_count(0)


@pytest.mark.usefixtures("pump")
def test_ranges_and_losses_are_listed_for_those_who_ask(world, watched):
    gap = {"lane": "events", "spool_id": "s-1", "state": "missing", "count": 12, "since_ms": NOW}
    world.details["pump"]["gaps"] = [gap | {"ranges": [{"first": 2, "last": 11}, {"first": 20, "last": 20}]}]
    world.details["pump"]["losses"] = [
        {
            "kind": "loss",
            "wall_ms": NOW - 1000,
            "monotonic_ms": 1,
            "of_lane": "summaries",
            "reason": "quota",
            "count": 340,
        }
    ]
    page = watched.open("#/gateway/pump")
    page.locator(".account summary").click()
    expect(page.locator(".ranges li").nth(0)).to_contain_text("12 events missing: numbers 2 to 11, 20, …")
    expect(page.locator(".ranges li").nth(1)).to_contain_text("340 summaries given up: disk quota")


def test_what_a_gateway_cannot_do_is_said_in_its_own_words(world, watched):
    world.add_gateway("pump", status="degraded", degraded=["spool read-only: <b>events</b> held in memory"])
    page = watched.open("#/gateway/pump")
    expect(page.locator(".fact-warn")).to_have_text("spool read-only: <b>events</b> held in memory")


def test_a_gateway_with_nothing_amiss_has_no_account(world, watched):
    world.add_gateway("pump")
    page = watched.open("#/gateway/pump")
    expect(page.locator("#gateway-title")).to_be_visible()
    expect(page.locator(".account")).to_have_count(0)


def test_an_alert_about_an_identity_leads_to_the_gateway(world, watched):
    alert = world.add_alert(episode_of(world))
    alert |= {
        "about": "identity",
        "episode_id": "",
        "sensor": "",
        "reason": "two devices use this identity: spools a and b",
    }
    page = watched.open()
    expect(page.locator(".alert-reason")).to_have_text("two devices use this identity: spools a and b")
    expect(page.locator(".alert-foot")).to_contain_text("identity · opened")
    expect(page.locator(".alert a")).to_have_attribute("href", "#/gateway/pump")


def episode_of(world):
    world.add_gateway("pump")
    return world.add_episode("pump")
