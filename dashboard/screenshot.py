"""Takes the README's picture of a running demo: ``python -m dashboard.screenshot --gateway live-host``.

A developer's tool: it needs Playwright and a Chromium on PATH, which the product does not. It waits until the
gateway's charts hold data and fails, with the page's own words, where they never do.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Final
from urllib.parse import quote

from playwright.sync_api import Error, Page, ViewportSize, sync_playwright

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_browser() -> str | None:
    """The first Chromium on PATH."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; ``--help`` describes it."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.screenshot", description="Photograph the page.")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="where the page is served")
    parser.add_argument("--gateway", default="", help="the gateway to show; without it, the fleet alone")
    parser.add_argument("--episode", action="store_true", help="wait until the gateway has had an episode")
    parser.add_argument("--output", type=Path, default=Path("docs/images/page.png"), help="a .png file")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=0, help="0 takes the whole page")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait for data")
    return parser.parse_args(arguments)


def _photograph(page: Page, options: argparse.Namespace) -> None:
    place = f"#/gateway/{quote(options.gateway, safe='')}" if options.gateway else ""
    page.goto(f"{options.url}/{place}")
    awaited = ".channel canvas" if options.gateway else ".fleet tbody tr"
    page.locator(awaited).first.wait_for(timeout=options.timeout * 1000)
    if options.episode:
        page.locator(".episode").first.wait_for(timeout=options.timeout * 1000)
    page.wait_for_load_state("load")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=options.output, full_page=options.height == 0)


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 with the picture written, 1 where that failed."""
    options = parse_arguments(arguments)
    browser_path = find_browser()
    if browser_path is None:
        sys.stderr.write(f"error: none of {', '.join(_BROWSERS)} is on PATH\ntry: apt-get install chromium\n")
        return 1
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=[*_ARGUMENTS, *sandbox])
        try:
            size = ViewportSize(width=options.width, height=options.height or 800)
            _photograph(browser.new_page(viewport=size, color_scheme=options.scheme), options)
        except Error as exc:
            sys.stderr.write(f"error: {exc.message}\ntry: make demo, then this again while it runs\n")
            return 1
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
