"""The demo as a person starts it: a process, its page, its last line."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


class Demo:
    """A running ``thresher demo``; a context manager that ends it, whatever happened."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = int(sock.getsockname()[1])
        self._output = (folder / "stdout").open("wb")
        self._errors = (folder / "stderr").open("wb")
        self._folder = folder
        environment = {**os.environ, "TMPDIR": str(folder)}
        command = [sys.executable, "-m", "thresher", "demo", "--json", "--port", str(self.port), *arguments]
        self.process = subprocess.Popen(command, stdout=self._output, stderr=self._errors, cwd=ROOT, env=environment)

    def api(self, path: str) -> Any:
        """One call of the query API through the page's origin; ``None`` while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return json.load(answer)
        except OSError:
            return None

    def eventually(self, claim: Callable[[], bool], *, timeout_s: float) -> bool:
        """Whether the claim became true in time, while the demo runs."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            if claim():
                return True
            time.sleep(0.5)
        return claim()

    def wait(self, timeout_s: float) -> int:
        """Its exit code."""
        return self.process.wait(timeout=timeout_s)

    @property
    def errors(self) -> str:
        """What it wrote to stderr."""
        return (self._folder / "stderr").read_text(errors="replace")

    @property
    def report(self) -> Any:
        """The last line of its stdout."""
        return json.loads((self._folder / "stdout").read_text().splitlines()[-1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=90)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=10)
        self._output.close()
        self._errors.close()
