"""The local cloud: MiniStack as a child process, ready, enforcing policies, on loopback only.

Not here: what is deployed on it (``twin.deploy``), how it is kept on loopback (``twin.loopback_ministack``).
"""

import http.client
import time
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from twin.children import Child, child_environment
from twin.errors import TwinError
from twin.ports import LOOPBACK, free_ports, prove_loopback

_READY_S = 30.0
_POLL_S = 0.05


class Endpoint(NamedTuple):
    """Where the local cloud is.

    Attributes:
        port: Of every HTTP API (AWS calls, S3, API Gateway), on 127.0.0.1.
        mqtt_port: Of the MQTT broker with mutual TLS, on 127.0.0.1.
    """

    port: int
    mqtt_port: int

    @property
    def url(self) -> str:
        """The endpoint for AWS clients."""
        return f"http://{LOOPBACK}:{self.port}"


class _Ready(msgspec.Struct, frozen=True):
    status: str
    iot_mtls: str


class MiniStack:
    """A running MiniStack. Use as a context manager; leaving it ends the whole process tree.

    Args:
        folder: Its own folder: log, temporary files, unpacked Lambda bundles.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = folder / "home"
        self._child: Child | None = None
        self.endpoint = Endpoint(*free_ports(2))

    def start(self) -> None:
        """Starts it; returns at once. Call from a thread that outlives it (see ``device_agent.tether``)."""
        self._home.mkdir(parents=True, exist_ok=True)
        environment = child_environment(
            self._home,
            {
                "BIND_HOST": LOOPBACK,
                "MINISTACK_HOST": "localhost",
                "GATEWAY_PORT": str(self.endpoint.port),
                "IOT_MTLS_PORT": str(self.endpoint.mqtt_port),
                "AUTH": "true",
                "SFTP_ENABLED": "0",
                "LOG_LEVEL": "INFO",
                "DOCKER_HOST": f"unix://{self._home}/no-docker.sock",
            },
        )
        arguments = ("-m", "twin.loopback_ministack")
        self._child = Child("ministack", arguments, log=self._folder / "ministack.log", environment=environment)

    def wait(self, timeout_s: float = _READY_S) -> Endpoint:
        """Waits until its API and its broker answer, and proves that both are on loopback only.

        Raises:
            TwinError: It ended, or was not ready in time, or listens elsewhere.
        """
        child = self._running()
        deadline = time.monotonic() + timeout_s
        while not _is_ready(self.endpoint.port):
            child.check()
            if time.monotonic() > deadline:
                raise TwinError(
                    f"the local cloud was not ready within {timeout_s:.0f} s: {child.tail()}",
                    remedy=f"read its log: {child.log}",
                )
            time.sleep(_POLL_S)
        self.prove_loopback()
        return self.endpoint

    def prove_loopback(self) -> list[tuple[str, int]]:
        """Every address at which its process tree can be reached; raises if one is not on loopback."""
        addresses = prove_loopback(self._running().tree())
        missing = {self.endpoint.port, self.endpoint.mqtt_port} - {port for _, port in addresses}
        if missing:
            raise TwinError(f"the local cloud does not listen on port {min(missing)}", remedy="start again")
        return addresses

    def check(self) -> None:
        """Raises ``TwinError`` if it has ended."""
        self._running().check()

    def stop(self) -> None:
        """Ends it, its Lambda workers included."""
        if self._child is not None:
            self._child.stop()

    def _running(self) -> Child:
        if self._child is None:
            raise TwinError("the local cloud was not started")
        return self._child

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1.0)
    try:
        connection.request("GET", "/_ministack/ready")
        body = connection.getresponse().read()
        ready = msgspec.json.decode(body, type=_Ready)
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return False
    finally:
        connection.close()
    return ready.status == "completed" and ready.iot_mtls == "listening"
