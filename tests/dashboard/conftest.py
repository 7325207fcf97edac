"""A real headless Chromium, and a server that answers it with the page's files and a ``FleetWorld``.

Every message on the page's console and every address it asks for is kept, so that tests can make claims on them.
"""

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.dashboard.world import FleetWorld

DASHBOARD = Path(__file__).parents[2] / "dashboard"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
QUIET = ("--disable-component-update", "--disable-sync")

expect.set_options(timeout=10_000)


class _Handler(BaseHTTPRequestHandler):
    world: FleetWorld

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.world.asked.append(self.path)
        if not address.path.startswith("/api/"):
            self._file(address.path)
        elif self.world.failure:
            self._send(*self.world.failure, "application/json")
        else:
            status, answer = self.world.answer(address.path, parse_qs(address.query))
            self._send(status, json.dumps(answer).encode(), "application/json")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.world.told.append((self.path, body))
        if self.world.failure:
            self._send(*self.world.failure, "application/json")
        else:
            self._send(200, json.dumps(self.world.heed(urlsplit(self.path).path, body)).encode(), "application/json")

    def _file(self, path: str) -> None:
        file = DASHBOARD / (path.lstrip("/") or "index.html")
        if file.is_file():
            hurried = file.read_bytes().replace(b'"refresh-ms" content="2000"', b'"refresh-ms" content="200"')
            self._send(200, hurried, TYPES[file.suffix])
        else:
            self._send(404, b"", "text/plain")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the page has gone on to something else
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        pass


@pytest.fixture
def world() -> FleetWorld:
    return FleetWorld()


@pytest.fixture
def origin(world: FleetWorld) -> Iterator[str]:
    handler = type("Handler", (_Handler,), {"world": world})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="fleet-world")
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail(f"none of {', '.join(BROWSERS)} is on PATH; try: apt-get install chromium", pytrace=False)
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *QUIET, *sandbox])
        yield browser
        browser.close()


class Watched:
    """An open page, and what it said and asked for."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.console: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, where: str = "") -> Page:
        self.page.goto(f"{self.origin}/{where}")
        return self.page


@pytest.fixture
def watched(chromium: Browser, origin: str) -> Iterator[Watched]:
    browser_context = chromium.new_context(viewport={"width": 1280, "height": 800}, service_workers="block")
    yield Watched(browser_context.new_page(), origin)
    browser_context.close()
