import re

from playwright.sync_api import expect

from tests.dashboard.world import NOW


def test_every_gateway_of_the_fleet_is_listed(world, watched):
    for name in ("pump-10", "pump-9", "barn"):
        world.add_gateway(name)
    page = watched.open()
    expect(page.locator(".fleet tbody th")).to_have_text(["barn", "pump-9", "pump-10"])


def test_a_row_tells_status_sensors_alerts_and_counts(world, watched):
    world.add_gateway("pump", open_alerts=2, status="degraded", version="1.4.0")
    row = watched.open().locator(".fleet tbody tr")
    expect(row.locator("td")).to_have_text(
        ["Degraded", re.compile(r"\d\ss ago"), "host armed", "2", "1,196", "0", "1.4.0"]
    )


def test_only_a_failed_sensor_looks_failed(world, watched):
    states = ("armed", "calibrating", "failed")
    world.add_gateway("pump", sensors={state: {"state": state, "rate_hz": 1.0} for state in states})
    page = watched.open()
    expect(page.locator(".chip-state")).to_have_count(3)
    inks = page.locator(".chip-state").evaluate_all("(all) => all.map((x) => getComputedStyle(x).color)")
    assert len(set(inks)) == 3
    expect(page.locator(".chip-failed")).to_have_text("failed failed")


def test_an_offline_gateway_is_shown_with_the_time_it_was_last_seen(world, watched):
    world.add_gateway("barn", online=False, status="offline", last_seen_ms=NOW - 7_300_000)
    row = watched.open().locator(".fleet tbody tr")
    expect(row.get_by_role("img", name="offline")).to_be_visible()
    expect(row).to_contain_text("Offline")
    expect(row).to_contain_text("2 h ago")


def test_a_change_of_the_fleet_is_shown_without_a_reload(world, watched):
    row = world.add_gateway("pump")
    page = watched.open()
    expect(page.get_by_role("img", name="online", exact=True)).to_be_visible()
    page.evaluate("document.querySelector('.fleet tbody tr').wasHere = true")
    row |= {"online": False, "status": "offline"}
    expect(page.get_by_role("img", name="offline")).to_be_visible()
    assert page.evaluate("document.querySelector('.fleet tbody tr').wasHere"), "the row was rebuilt: it flickers"


def test_a_gateway_that_was_never_seen_says_so(world, watched):
    world.add_gateway("new", last_seen_ms=None, online=False, status="offline", sensors={}, lanes={}, version="")
    expect(watched.open().locator("td[data-label='Last seen']")).to_have_text("never")


def test_a_wrong_clock_of_the_browser_changes_no_age(world, watched):
    world.add_gateway("pump")
    watched.page.clock.set_fixed_time("2019-01-01T00:00:00Z")
    expect(watched.open().locator("td[data-label='Last seen']")).to_have_text(re.compile(r"^[3-9]\ss ago$"))


def test_a_failed_sensor_gives_its_reason(world, watched):
    failed = {"state": "failed", "rate_hz": 1.0, "gaps": 60, "last_gap": "/dev/i2c-1: no such device"}
    world.add_gateway("pump", sensors={"bme280": failed})
    chip = watched.open().locator(".chip-failed")
    expect(chip).to_contain_text("bme280")
    expect(chip).to_have_attribute("title", re.compile("no such device"))


def test_missing_events_and_quarantined_messages_stand_out(world, watched):
    world.add_gateway("pump", lanes={"events": {"stored": 5, "missing": 3}, "summaries": {"stored": 10}})
    world.quarantined = 2
    page = watched.open()
    expect(page.locator(".figure-warn")).to_have_text([re.compile("Missing3 "), re.compile("Quarantined2 ")])
    expect(page.locator("td[data-label='Stored']")).to_have_attribute("title", "events: 5, summaries: 10")


def test_an_empty_fleet_says_what_to_do(watched):
    page = watched.open()
    expect(page.locator(".empty")).to_contain_text("No gateway has reported yet")
    expect(page.locator(".empty")).to_contain_text("thresher run --config gateway.yaml")


def test_open_alerts_are_listed_and_all_on_request(world, watched):
    world.add_gateway("pump", open_alerts=1)
    world.add_alert(world.add_episode("pump", reason="it runs hot"), severity="major")
    old = world.add_episode("pump", ago_ms=400_000, reason="it ran dry")
    world.add_alert(old, state="closed", closed_ms=old["wall_ms"])
    page = watched.open()
    alerts = page.locator(".alert")
    expect(alerts).to_have_count(1)
    expect(alerts).to_contain_text("it runs hot")
    expect(alerts).to_contain_text("major")
    page.get_by_role("radio", name="All").check()
    expect(alerts).to_have_count(2)
    expect(alerts.nth(1)).to_contain_text("after 42.0 s")


def test_an_alert_nobody_was_told_of_says_so(world, watched):
    world.add_gateway("pump", open_alerts=1)
    alert = world.add_alert(world.add_episode("pump"), notified_ms=None)
    page = watched.open()
    expect(page.locator(".alert")).to_contain_text("not yet notified")
    alert["notified_ms"] = NOW
    expect(page.locator(".alert")).not_to_contain_text("not yet notified")


def test_the_title_counts_open_alerts(world, watched):
    row = world.add_gateway("pump")
    page = watched.open()
    expect(page).to_have_title("Thresher")
    row["open_alerts"] = 3
    expect(page).to_have_title("(3) Thresher")


def test_a_gateway_is_chosen_with_the_keyboard_alone(world, watched):
    world.add_gateway("pump")
    page = watched.open()
    expect(page.locator(".fleet tbody tr")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".fleet a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="pump")).to_be_focused()
    expect(page.locator(".fleet tbody a")).to_have_attribute("aria-current", "true")


def test_a_minute_is_never_sixty_seconds(watched):
    page = watched.open()
    words = page.evaluate(
        "import('/page/format.js').then((f) => [f.age(59_700), f.duration(59_970), f.duration(59_900)])"
    )
    assert [each.replace("\N{NO-BREAK SPACE}", " ") for each in words] == ["59 s ago", "1 min 00 s", "59.9 s"]
