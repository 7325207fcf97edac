"""A real broker with mutual TLS that names its clients by their certificates, and says so in its log."""

import contextlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device_agent.uplink.certificates import Authority
from twin.ports import LOOPBACK, free_ports

_ROOT = Path(__file__).resolve().parents[3]
_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
_START_S = 10.0
_END_S = 10.0


def tool(command: str, *packages: str) -> str:
    """Where a command is; its Debian packages are installed if that may be done, else the test is skipped, aloud."""
    if found := shutil.which(command, path=_PLACES):
        return found
    done = subprocess.run(
        [_ROOT / "tools" / "need-packages", command, *packages],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = shutil.which(command, path=_PLACES)
    if not found:
        pytest.fail(done.stderr)
    return found


class Mosquitto:
    """One process.

    Attributes:
        port: On 127.0.0.1.
        authority: Whose certificates it takes, and which issued its own.
    """

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.authority = authority
        self.port = free_ports(1)[0]
        self._log = folder / "mosquitto.log"
        server = authority.issue("localhost", stem="broker")
        self._document = folder / "mosquitto.conf"
        self._document.write_text(
            f"listener {self.port} {LOOPBACK}\n"
            f"cafile {authority.root}\ncertfile {server.certificate}\nkeyfile {server.key}\n"
            "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\nuser root\n"
        )

    @contextlib.contextmanager
    def running(self) -> Iterator["Mosquitto"]:
        """Until the block ends."""
        command = [tool("mosquitto", "mosquitto"), "-v", "-c", str(self._document)]
        with self._log.open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            self._wait(process)
            yield self
        finally:
            process.terminate()
            process.wait(_END_S)

    def clients(self) -> list[str]:
        """The certificates' names, connection by connection."""
        return re.findall(r"New client connected from .* as .*u'([^']*)'", self._log.read_text())

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_S
        while "running" not in self._log.read_text():
            assert process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)
