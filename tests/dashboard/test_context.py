import re

import msgspec
import pytest
from playwright.sync_api import expect

from contract.traces import Trace, pack, readings_of


@pytest.mark.parametrize(
    "steps",
    [
        [5, -2, 0, 7],
        [5, None, None, 3],
        [None, None, 900, 1, None],
        [None],
        [],
        [-4, 4, None, -1],
        [2**50, -(2**50), None, 2**50] * 40,
        [n * n for n in range(200)],
    ],
    ids=["plain", "gap", "gap-first", "gap-only", "nothing", "through-zero", "widest", "blocks"],
)
def test_raw_readings_are_decoded_to_the_contract(watched, steps):
    page = watched.open()
    trace = Trace(unit="V", resolution=0.25, packed=pack(steps, base=3, slope=2), base=3, slope=2)
    asked = [msgspec.to_builtins(trace), len(steps)]
    got = page.evaluate("async ([t, n]) => (await import('/page/traces.js')).readings(t, n)", asked)
    assert got == readings_of(trace, len(steps))


def test_an_episode_opens_its_raw_readings_with_gaps_as_gaps(world, watched):
    world.add_gateway("pump")
    world.add_episode("pump")
    page = watched.open("#/gateway/pump")
    page.locator(".episode a").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cpu_percent rose from its usual 12 % to 98 %")
    expect(dialog.locator(".channel")).to_have_count(2)
    expect(dialog.get_by_role("img", name="cpu_percent")).to_have_attribute(
        "aria-label", "cpu_percent: 96 raw readings, 5 gaps"
    )
    expect(dialog.locator("[data-channel='cpu_percent'] .mark-strong")).to_have_count(1)
    expect(dialog.locator(".contributions li")).to_have_text(["cpu_percent71 %", "load_1m21 %", "temperature8 %"])


def test_the_channels_that_made_the_episode_come_first(world, watched):
    world.add_gateway("pump")
    episode = world.add_episode("pump", contributions={"load_1m": 0.9, "cpu_percent": 0.1})
    page = watched.open(f"#/gateway/pump/episode/{episode['episode_id']}")
    names = page.locator(".context .channel-name")
    expect(names).to_have_text(["load_1m", "cpu_percent"])


def test_escape_closes_the_readings_and_leaves_the_gateway(world, watched):
    world.add_gateway("pump")
    episode = world.add_episode("pump")
    page = watched.open(f"#/gateway/pump/episode/{episode['episode_id']}")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(re.compile("#/gateway/pump$"))


def test_an_alert_leads_to_the_readings_of_its_episode(world, watched):
    world.add_gateway("pump", open_alerts=1)
    world.add_alert(world.add_episode("pump", phase="opened"))
    page = watched.open()
    page.locator(".alert a").click()
    expect(page.get_by_role("dialog").locator(".channel")).to_have_count(2)


def test_readings_that_are_on_their_way_appear_when_they_arrive(world, watched):
    world.add_gateway("pump")
    episode = world.add_episode("pump")
    parts = world.contexts.pop(episode["episode_id"])
    page = watched.open(f"#/gateway/pump/episode/{episode['episode_id']}")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("have not arrived")
    world.contexts[episode["episode_id"]] = parts[:1]
    expect(dialog).to_contain_text("Part 1 of 2 has arrived")
    world.contexts[episode["episode_id"]] = parts
    expect(dialog.locator(".channel")).to_have_count(2)
    expect(dialog).not_to_contain_text("has arrived")


def test_an_episode_outside_the_time_shown_still_shows_its_readings(world, watched):
    world.add_gateway("pump")
    episode = world.add_episode("pump")
    world.details["pump"]["episodes"].clear()
    page = watched.open(f"#/gateway/pump/episode/{episode['episode_id']}")
    expect(page.get_by_role("dialog").locator(".channel")).to_have_count(2)


def test_an_episode_id_of_any_characters_is_an_address(world, watched):
    world.add_gateway("pump")
    world.add_episode("pump", episode_id="pump.a/b c?d#e%f.1")
    page = watched.open("#/gateway/pump")
    page.locator(".episode a").click()
    expect(page.get_by_role("dialog").locator(".channel")).to_have_count(2)
    page.reload()
    expect(page.get_by_role("dialog").locator(".channel")).to_have_count(2)


def test_readings_that_are_complete_are_not_asked_for_again_and_again(world, watched):
    world.add_gateway("pump")
    episode = world.add_episode("pump")
    page = watched.open(f"#/gateway/pump/episode/{episode['episode_id']}")
    expect(page.get_by_role("dialog").locator(".channel")).to_have_count(2)
    page.wait_for_timeout(1000)
    assert sum(address.endswith("/context") for address in world.asked) == 1
