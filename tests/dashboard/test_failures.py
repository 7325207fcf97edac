import re

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ((503, b"{}"), "/api/fleet answered with HTTP status 503"),
        ((503, b'{"error": "the table is away", "remedy": "ask again"}'), "503; the table is away; ask again"),
        ((502, b"bad gateway"), "/api/fleet answered with HTTP status 502"),
        ((200, b"<html>a proxy's page"), "/api/fleet answered with something that is not JSON"),
        ((200, b'{"message": "other"}'), "/api/fleet answered without a list of gateways"),
        ((200, b"null"), "/api/fleet answered without a list of gateways"),
    ],
    ids=["status", "reason", "proxy", "not-json", "other-shape", "null"],
)
def test_a_failing_api_is_named_what_is_known_stays_and_it_recovers(world, watched, failure, words):
    world.add_gateway("pump")
    page = watched.open()
    expect(page.locator(".fleet tbody tr")).to_be_visible()
    world.failure = failure
    expect(page.locator(".banner")).to_contain_text(words)
    expect(page.locator(".banner")).to_contain_text("Trying again")
    expect(page.locator(".banner")).to_contain_text("What you see is from")
    expect(page.locator(".live")).to_have_text("Stale")
    expect(page.locator(".fleet tbody tr")).to_contain_text("pump")
    world.failure = None
    expect(page.locator(".banner")).to_have_count(0)
    expect(page.locator(".live")).to_have_text("Live")


def test_an_api_out_of_reach_is_named(world, watched):
    world.add_gateway("pump")
    page = watched.open()
    expect(page.locator(".fleet tbody tr")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator(".banner")).to_contain_text("/api/fleet cannot be reached")
    page.context.set_offline(False)
    expect(page.locator(".banner")).to_have_count(0)


def test_ages_grow_while_there_is_no_answer(world, watched):
    world.add_gateway("pump")
    page = watched.open()
    expect(page.locator(".fleet tbody tr")).to_be_visible()
    world.failure = (503, b"{}")
    expect(page.locator("td[data-label='Last seen']")).to_have_text(re.compile(r"^([6-9]|1\d)\ss ago$"))


def test_a_page_opened_while_the_api_fails_says_so_and_starts_by_itself(world, watched):
    world.add_gateway("pump")
    world.failure = (500, b"")
    page = watched.open("#/gateway/pump")
    expect(page.locator(".banner")).to_contain_text("There is nothing to show yet")
    world.failure = None
    expect(page.locator(".fleet tbody tr")).to_be_visible()
    expect(page.locator(".channel").first).to_be_visible()


def test_trying_now_does_not_wait(world, watched):
    world.add_gateway("pump")
    world.failure = (503, b"{}")
    page = watched.open()
    expect(page.locator(".banner")).to_contain_text(re.compile("again in [4-8] s"))
    world.failure = None
    page.get_by_role("button", name="Try now").click()
    expect(page.locator(".banner")).to_have_count(0, timeout=3500)


def test_one_gateway_that_fails_leaves_the_fleet_live(world, watched):
    world.add_gateway("pump")
    del world.details["pump"]["summaries"]
    page = watched.open("#/gateway/pump")
    expect(page.locator(".banner")).to_contain_text("/api/gateways answered without summaries")
    expect(page.locator(".live")).to_have_text("Live")


def test_the_page_asks_nothing_while_it_is_hidden(world, watched):
    world.add_gateway("pump")
    page = watched.open()
    expect(page.locator(".fleet tbody tr")).to_be_visible()
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.wait_for_timeout(700)
    before = len(world.asked)
    page.wait_for_timeout(700)
    assert len(world.asked) == before
    with page.expect_request("**/api/fleet", timeout=10_000):
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
