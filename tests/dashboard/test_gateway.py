import re

import pytest
from playwright.sync_api import expect

from tests.dashboard.world import NOW

# Where the marks of a chart stand, as shares of its plotting area.
MARKS = """(figure) => {
  const area = figure.querySelector(".u-over").getBoundingClientRect();
  const share = (x) => (x - area.left) / area.width;
  return [...figure.querySelectorAll(".mark, .mark-peak")].map((mark) => {
    const box = mark.getBoundingClientRect();
    return { kind: mark.className.trim(), from: share(box.left), to: share(box.right) };
  });
}"""

# How many pixels of a chart's line there are in each twentieth of its plotting area.
INK = """(figure) => {
  const canvas = figure.querySelector("canvas");
  const [outer, area] = [canvas.getBoundingClientRect(), figure.querySelector(".u-over").getBoundingClientRect()];
  const scale = canvas.width / outer.width;
  const [left, top] = [(area.left - outer.left) * scale, (area.top - outer.top) * scale];
  const width = (area.width * scale) / 20;
  const counts = [];
  for (let i = 0; i < 20; i++) {
    const { data } = canvas.getContext("2d").getImageData(left + i * width, top, width, area.height * scale);
    let n = 0;
    for (let p = 0; p < data.length; p += 4) n += data[p + 3] > 200 && data[p] < 60 && data[p + 1] > 90;
    counts.push(n);
  }
  return counts;
}"""

# The same in the upper half alone.
TOP_INK = INK.replace("area.height * scale", "area.height * scale / 2")


def card(page, name):
    return page.locator(f"[data-channel='{name}']")


def test_a_burn_that_fills_one_summary_is_drawn_where_it_was_and_not_after_it(world, watched):
    world.add_gateway("pump")
    for summary in world.details["pump"]["summaries"]:
        summary["channels"]["memory_percent"] = {"unit": "%", "mean": 1.0, "min": 1.0, "max": 1.0}
    # two minutes of summaries, 24 s each: the fourth alone is high, from 48 to 24 s before the end
    world.details["pump"]["summaries"] = [
        summary | {"start_wall_ms": NOW - (5 - i) * 24_000, "wall_ms": NOW - (4 - i) * 24_000}
        for i, summary in enumerate(world.details["pump"]["summaries"][-5:])
    ]
    high = {"unit": "%", "mean": 9.0, "min": 9.0, "max": 9.0}
    world.details["pump"]["summaries"][3]["channels"]["memory_percent"] = high
    page = watched.open("#/gateway/pump")
    expect(card(page, "memory_percent").locator("canvas")).to_be_visible()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    ink = card(page, "memory_percent").evaluate(TOP_INK)
    assert all(ink[i] for i in range(13, 15)), ink
    assert not any(ink[:11]), ink
    assert not any(ink[17:]), ink
    assert all(card(page, "memory_percent").evaluate(INK)[:11]), "the first summary has its whole width"


def test_every_channel_has_a_chart_with_its_latest_value_and_unit(world, watched):
    world.add_gateway("pump")
    page = watched.open("#/gateway/pump")
    expect(page.locator(".channel")).to_have_count(9)
    latest = world.details["pump"]["summaries"][-1]["channels"]["memory_percent"]["mean"]
    expect(card(page, "memory_percent").locator("output")).to_have_text(f"{latest:.1f} %")
    expect(card(page, "disk_write_bytes").locator("output")).to_contain_text("MB/s")


def test_a_chart_holds_a_line_and_breaks_it_where_summaries_are_missing(world, watched):
    world.add_gateway("pump")
    page = watched.open("#/gateway/pump")
    expect(card(page, "memory_percent").locator("canvas")).to_be_visible()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    ink = card(page, "memory_percent").evaluate(INK)
    assert sum(n > 0 for n in ink) >= 19, ink
    gap_from = (745 - 510) / 745 * 20
    around = ink[int(gap_from)]
    assert around < 0.75 * max(ink), ink


def test_an_episode_is_marked_where_it_was_on_the_channels_that_made_it(world, watched):
    world.add_gateway("pump")
    episode = world.add_episode("pump")
    page = watched.open("#/gateway/pump")
    expect(card(page, "cpu_percent").locator(".mark-strong")).to_have_count(1)
    span, peak = card(page, "cpu_percent").evaluate(MARKS)
    first, last = world.details["pump"]["summaries"][0]["wall_ms"], NOW
    share = lambda ms: pytest.approx((ms - first) / (last - first), abs=0.012)  # noqa: E731 - a short local word
    assert span["from"] == share(episode["onset_wall_ms"])
    assert span["to"] == share(episode["onset_wall_ms"] + episode["duration_ms"])
    assert peak["kind"] == "mark-peak"
    assert peak["from"] == share(episode["peak_wall_ms"])


def test_an_episode_is_faint_on_channels_that_had_no_part_in_it(world, watched):
    world.add_gateway("pump")
    world.add_episode("pump")
    page = watched.open("#/gateway/pump")
    expect(card(page, "load_1m").locator(".mark-strong")).to_have_count(1)
    expect(card(page, "load_1m").locator(".mark-peak")).to_have_count(0)
    expect(card(page, "net_send_bytes").locator(".mark")).to_have_count(1)
    expect(card(page, "net_send_bytes").locator(".mark-strong")).to_have_count(0)


def test_an_open_episode_reaches_to_now_and_ends_when_it_closes(world, watched):
    world.add_gateway("pump")
    episode = world.add_episode("pump", phase="updated", duration_ms=42_000)
    page = watched.open("#/gateway/pump")
    expect(card(page, "cpu_percent").locator(".mark-open")).to_have_count(1)
    assert card(page, "cpu_percent").evaluate(MARKS)[0]["to"] == pytest.approx(1, abs=0.012)
    episode["phase"] = "closed"
    expect(card(page, "cpu_percent").locator(".mark-open")).to_have_count(0)
    assert card(page, "cpu_percent").evaluate(MARKS)[0]["to"] < 0.85


def test_new_summaries_go_into_the_chart_that_is_there(world, watched):
    world.add_gateway("pump")
    page = watched.open("#/gateway/pump")
    chart = card(page, "cpu_percent")
    expect(chart.locator("canvas")).to_be_visible()
    chart.locator("canvas").evaluate("(canvas) => { canvas.wasHere = true; }")
    world.details["pump"]["summaries"][-1]["channels"]["cpu_percent"] |= {"mean": 77.7, "max": 99.0}
    expect(chart.locator("output")).to_have_text("77.7 %")
    assert chart.locator("canvas").evaluate("(canvas) => canvas.wasHere"), "the chart was rebuilt: it flickers"


def test_a_chart_tells_a_screen_reader_its_range_and_episodes(world, watched):
    world.add_gateway("pump")
    world.add_episode("pump")
    page = watched.open("#/gateway/pump")
    readings = [summary["channels"]["cpu_percent"] for summary in world.details["pump"]["summaries"]]
    low, high = min(r["min"] for r in readings), max(r["max"] for r in readings)
    words = f"cpu_percent: between {low:.2f} % and {high:.1f} %, 1 episode".replace(" %", "\u00a0%")
    expect(card(page, "cpu_percent").get_by_role("img")).to_have_attribute("aria-label", words)


def test_why_readings_were_taken_out_stands_beside_their_number(world, watched):
    world.add_gateway("pump")
    for summary in world.details["pump"]["summaries"][-2:]:
        summary["channels"]["temperature"] |= {"gaps": 7, "flags": {"below_range": 1, "spike": 4}}
    page = watched.open("#/gateway/pump")
    expect(card(page, "temperature")).to_contain_text("14 gaps (8 spike, 2 below range)")


def test_a_channel_of_gaps_only_shows_no_number(world, watched):
    world.add_gateway("pump")
    for summary in world.details["pump"]["summaries"]:
        summary["channels"]["temperature"] = {"unit": "celsius", "count": 0, "gaps": 50}
    page = watched.open("#/gateway/pump")
    expect(card(page, "temperature").locator("output")).to_have_text("\u2013")
    expect(card(page, "temperature")).to_contain_text("gaps")


def test_each_sensor_has_its_own_charts(world, watched):
    world.add_gateway("pump")
    other = [
        s | {"sensor": "adc", "channels": {"volts": s["channels"]["load_1m"]}}
        for s in world.details["pump"]["summaries"]
    ]
    world.details["pump"]["summaries"] += other
    page = watched.open("#/gateway/pump")
    expect(page.get_by_role("region", name="Channels of adc").locator(".channel")).to_have_count(2)


def test_episodes_are_listed_latest_first_with_phase_reason_duration_and_peak(world, watched):
    world.add_gateway("pump")
    world.add_episode("pump", ago_ms=500_000, reason="an old one", top_channel="load_1m")
    world.add_episode("pump", ago_ms=30_000, phase="updated", reason="a new one", quality="gaps")
    rows = watched.open("#/gateway/pump").locator(".episode")
    expect(rows).to_have_count(2)
    for words in ("cpu_percent", "updated", "a new one", "peak 7.31", "gaps"):
        expect(rows.nth(0)).to_contain_text(words)
    for words in ("load_1m", "closed", "an old one", "42.0 s"):
        expect(rows.nth(1)).to_contain_text(words)


def test_the_time_shown_can_be_chosen(world, watched):
    world.add_gateway("pump")
    page = watched.open("#/gateway/pump")
    expect(page.locator(".channel").first).to_be_visible()
    page.get_by_label("Time shown").select_option("60")
    expect(page.locator(".channel").first).to_be_visible()
    assert any("minutes=60" in address for address in world.asked)


def test_the_agents_counters_are_there_to_unfold(world, watched):
    world.add_gateway("pump")
    page = watched.open("#/gateway/pump")
    page.get_by_text("Agent health").click()
    expect(page.locator(".counters tbody tr")).to_contain_text("10 Hz")
    expect(page.locator(".agent")).to_contain_text("summaries3")


def test_a_gateway_nobody_knows_is_said_so(world, watched):
    world.add_gateway("pump")
    page = watched.open("#/gateway/nobody")
    expect(page.locator(".gateway")).to_contain_text("There is no gateway of this name")
    expect(page.locator(".banner")).to_have_count(0)


def test_a_young_gateway_says_when_its_first_summary_comes(world, watched):
    world.add_gateway("pump")
    world.details["pump"] |= {"summaries": [], "health": None}
    page = watched.open("#/gateway/pump")
    expect(page.locator(".gateway")).to_contain_text("No summaries in this time yet")
    expect(page.locator(".gateway")).to_contain_text("has not said how it is")


def test_summaries_left_out_and_messages_quarantined_are_counted(world, watched):
    world.add_gateway("pump", quarantined=3)
    world.details["pump"]["truncated"] = 1200
    page = watched.open("#/gateway/pump")
    expect(page.locator(".gateway")).to_contain_text("oldest 1,200 summaries of this time are not shown")
    expect(page.locator(".gateway")).to_contain_text("3 quarantined")


def test_gateways_of_one_place_lead_to_each_other(world, watched):
    world.add_gateway("pump", replaced_by="pump-b", status="retired")
    world.add_gateway("pump-b", replaces="pump")
    page = watched.open("#/gateway/pump-b")
    expect(page.locator(".gateway .section-head")).to_contain_text("continues pump")
    page.get_by_role("link", name="pump", exact=True).last.click()
    expect(page.locator(".gateway .section-head")).to_contain_text("Retired")
    expect(page.locator(".gateway .section-head")).to_contain_text("replaced by pump-b")


def test_the_pointer_reads_a_value_with_its_range_on_all_charts_of_the_sensor(world, watched):
    world.add_gateway("pump")
    page = watched.open("#/gateway/pump")
    card(page, "cpu_percent").locator(".u-over").hover()
    between = re.compile(r"^[\d.]+\s% \([\d.]+\s% to [\d.]+\s%\)$")
    expect(card(page, "cpu_percent").locator("output")).to_have_text(between)
    expect(card(page, "memory_percent").locator("output")).to_have_text(between)
    page.mouse.move(5, 5)
    expect(card(page, "cpu_percent").locator("output")).not_to_have_text(between)
