import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

DASHBOARD = Path(__file__).parents[2] / "dashboard"
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\'"${window.hacked=1}'
VENDORED = re.findall(
    r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (DASHBOARD / "vendor/VENDOR.md").read_text("utf-8"), re.MULTILINE
)

LIGHTNESS = """(names) => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name).trim()]));
}"""


def fill(world, text):
    sensors = {text: {"state": text, "rate_hz": 1.0, "last_gap": text}}
    world.add_gateway("pump", status=text, version=text, sensors=sensors, open_alerts=1)
    detail = world.details["pump"]
    detail["summaries"] = [
        s | {"sensor": text, "channels": {text: s["channels"]["load_1m"] | {"unit": text}}} for s in detail["summaries"]
    ]
    episode = world.add_episode(
        "pump",
        sensor=text,
        top_channel=text,
        contributions={text: 1.0},
        reason=text,
        phase=text,
        quality=text,
        model=text,
    )
    world.add_alert(episode, severity=text, gateway_id="pump")
    for part in world.contexts[episode["episode_id"]]:
        part["traces"] = {text: next(iter(part["traces"].values())) | {"unit": text}}


def visit_everything(watched):
    page = watched.open()
    expect(page.locator(".alert")).to_be_visible()
    page.locator(".fleet tbody a").click()
    expect(page.locator(".channel").first).to_be_visible()
    page.get_by_text("Agent health").click()
    page.locator(".episode a").click()
    expect(page.get_by_role("dialog").locator(".channel").first).to_be_visible()
    return page


def test_what_a_device_wrote_is_shown_as_text_and_never_run(world, watched):
    fill(world, HOSTILE)
    page = visit_everything(watched)
    expect(page.locator(".context .reason")).to_have_text(HOSTILE)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x], #app script").count() == 0


@pytest.mark.parametrize(
    "text",
    ["__proto__", "constructor", "toString", "", "ż" * 500],
    ids=["proto", "constructor", "method", "empty", "long"],
)
def test_odd_names_break_nothing(world, watched, text):
    fill(world, text)
    visit_everything(watched)
    assert not [line for line in watched.console if line.startswith("error")]


def test_an_object_in_place_of_a_text_is_no_element(world, watched):
    world.add_gateway("pump", open_alerts=1)
    element = {"type": "img", "props": {"src": "x", "onerror": "window.hacked=1"}, "__v": 1, "constructor": None}
    world.add_alert(world.add_episode("pump"), reason=element)
    page = watched.open()
    expect(page.locator(".alert")).to_contain_text("[object Object]")
    assert page.locator("img[src=x]").count() == 0


def test_a_well_page_says_nothing_on_its_console_and_leaves_its_origin_for_nothing(world, watched):
    world.add_gateway("pump", open_alerts=1)
    world.add_alert(world.add_episode("pump"))
    page = visit_everything(watched)
    page.wait_for_timeout(1000)
    assert watched.console == []
    assert [address for address in watched.requests if not address.startswith(watched.origin + "/")] == []


def test_the_page_runs_under_a_policy_with_nothing_relaxed(world, watched):
    world.add_gateway("pump")
    answer = watched.page.goto(watched.origin + "/")
    assert answer.headers["content-security-policy"] == "default-src 'self'"
    assert "unsafe" not in (DASHBOARD / "index.html").read_text("utf-8")
    expect(watched.page.locator(".fleet tbody tr")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_makes_the_page_scroll_sideways(world, watched, width):
    fill(world, "a_channel_with_a_rather_long_name_for_its_card")
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = visit_everything(watched)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("(d => d.scrollWidth - d.clientWidth)(document.querySelector('dialog'))") <= 0


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_a_contrast_of_four_and_a_half_to_one(watched, scheme):
    """WCAG 2.2, success criterion 1.4.3."""
    pairs = [(ink, paper) for ink in ("--ink", "--muted") for paper in ("--paper", "--card", "--raised", "--chosen")]
    pairs += [(f"--{tone}", f"--{tone}-wash") for tone in ("good", "info", "warn", "bad", "idle")]
    pairs += [(ink, "--card") for ink in ("--good", "--info", "--warn", "--bad", "--idle", "--link")]
    pairs += [("--muted", "--idle-wash"), ("--ink", "--bad-wash")]
    watched.page.emulate_media(color_scheme=scheme)
    colours = watched.open().evaluate(LIGHTNESS, sorted({name for pair in pairs for name in pair}))
    for ink, paper in pairs:
        dark, light = sorted([luminance(colours[ink]), luminance(colours[paper])])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {paper} in the {scheme} scheme"


@pytest.mark.parametrize(("name", "sha256"), VENDORED)
def test_a_vendored_file_is_the_one_its_authors_released(name, sha256):
    assert hashlib.sha256((DASHBOARD / "vendor" / name).read_bytes()).hexdigest() == sha256


def test_every_vendored_file_is_accounted_for():
    listed = {name for name, _ in VENDORED} | {"VENDOR.md"}
    licences = {path.name for path in DASHBOARD.glob("vendor/LICENSE.*.txt")}
    assert {path.name for path in (DASHBOARD / "vendor").iterdir()} == listed | licences
    assert len(VENDORED) == 3
