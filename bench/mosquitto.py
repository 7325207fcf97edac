"""A mosquitto on loopback with mutual TLS that can be killed: a broker that forgets what it has acknowledged.

It keeps nothing on disk, so a restart loses every session and every message that waits for a subscriber who is away.
Not here: certificates (``bench.tls_proxy``).
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Self

from bench.tls_proxy import Authority
from device_agent import tether
from twin.children import Child, child_environment
from twin.errors import TwinError
from twin.ports import LOOPBACK, free_ports

_NEEDS: Final = Path(__file__).resolve().parents[1] / "tools" / "need-packages"
_READY_S: Final = 5.0
_INSTALL_S: Final = 180.0


class Mosquitto:
    """A context manager; leaving it ends the broker.

    Args:
        folder: Its own, for certificate, configuration and log.
        authority: Signs its certificate, and those of its clients.
        access: Who may do what, in its own words (mosquitto.conf(5), ``acl_file``); empty for everything.

    Attributes:
        port: On 127.0.0.1, the same after every start.
    """

    def __init__(self, folder: Path, authority: Authority, *, access: str = "") -> None:
        folder.mkdir(parents=True)
        (self.port,) = free_ports(1)
        self._folder = folder
        self._program = _program()
        self._child: Child | None = None
        certificate, key = folder / "broker.pem", folder / "broker.key"
        authority.issue("broker", certificate, key, seconds=86400)
        lines = [
            f"listener {self.port} {LOOPBACK}",
            f"cafile {authority.ca}",
            f"certfile {certificate}",
            f"keyfile {key}",
            "require_certificate true",
            "use_identity_as_username true",
            "persistence false",
            *([f"acl_file {folder / 'access'}"] if access else []),
            *(["user root"] if os.getuid() == 0 else []),
        ]
        if access:
            (folder / "access").write_text(access, encoding="utf-8")
            (folder / "access").chmod(0o600)
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self) -> None:
        """Starts it and waits until it listens. Raises ``TwinError`` if it does not."""
        arguments = (self._program, "-c", str(self._folder / "mosquitto.conf"))
        self._child = Child(
            "mosquitto",
            ("-I", "-S", tether.__file__, str(os.getpid()), *arguments),
            log=self._folder / "mosquitto.log",
            environment=child_environment(self._folder),
        )
        deadline = time.monotonic() + _READY_S
        while not self._listens():
            self._child.check()
            if time.monotonic() > deadline:
                raise TwinError(f"mosquitto does not listen: {self._child.tail()}", remedy="read its log with --keep")
            time.sleep(0.02)

    def kill(self) -> None:
        """Ends it without a word (SIGKILL)."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.port)) == 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _program() -> str:
    """Where mosquitto is; installed first if it is missing and may be."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    if found := shutil.which("mosquitto", path=path):
        return found
    done = subprocess.run(
        [str(_NEEDS), "mosquitto", "mosquitto"], check=False, capture_output=True, text=True, timeout=_INSTALL_S
    )
    if found := shutil.which("mosquitto", path=path):
        return found
    raise TwinError(f"mosquitto is missing: {done.stderr.strip()}", remedy="sudo apt-get install mosquitto")
